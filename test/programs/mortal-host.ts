/**
 * A host that lives under a virtual clock, over a store that outlives it: it runs on undisturbed, or forgets every execution
 * after each task, or dies with each commit and is opened again.
 *
 * Invariant: nothing of a life goes on after its death: no timer fires, nothing is written, nobody hears of it.
 */
import { inspect } from 'node:util'
import type { Clock, TimerHandle } from '../../src/base/clock.js'
import { seededRandom } from '../../src/base/random.js'
import type { Logger } from '../../src/base/log.js'
import { ROW_KINDS } from '../../src/history/rows.js'
import { openLoom, type Loom } from '../../src/loom.js'
import type { MediumFactory, ShardCommit } from '../../src/storage/medium.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { Definition } from '../../src/workflow/definition.js'
import { HERE } from './interpreter.js'

/** `plainly`: undisturbed. `evicted`: every execution leaves memory after each of its tasks. `crashed`: with every commit. */
export type Mode = 'plainly' | 'evicted' | 'crashed'

const LEASE_MS = 1e11
/** What is said of a program that makes a mistake. */
const STALLED = 'workflow task failed, the execution is stalled'
/**
 * Of the commits in a row that write no history one ends a life, the next time another one: if all did, an attempt that each
 * start kills would be tried for ever.
 */
const SILENT_COMMITS = 3
/** Within one settling. */
const MAX_LIVES = 300
const MAX_LIVES_FOR_ANSWER = 20

export class MortalHost {
  readonly clock: VirtualClock = new VirtualClock()
  readonly mode: Mode
  /** What was logged as an error and is no mistake of the program. */
  readonly complaints: string[] = []
  readonly #definitions: readonly Definition[]
  readonly #onDeath: () => void
  readonly #medium: MediumFactory
  /** Of the store: a lease runs out with its owner's death. */
  #leaseClockMs = 0
  #life!: Life
  #silentCommits = 0
  #fatalOne = 0
  #lifeCount = 0
  deathCount = 0

  constructor(mode: Mode, definitions: readonly Definition[], onDeath: () => void) {
    this.mode = mode
    this.#definitions = definitions
    this.#onDeath = onDeath
    const leaseClock = { monotonicMs: () => this.#leaseClockMs } as Clock
    this.#medium = mortal(memory({ store: memoryStore({ clock: leaseClock }) }), (commits) => this.#committed(commits))
  }

  get loom(): Loom {
    return this.#life.loom
  }

  open(): Promise<void> {
    return this.#live()
  }

  /** Until all is at rest, in whichever life. */
  async settle(): Promise<void> {
    await this.clock.settle()
    for (let lives = 0; this.#life.isOver; lives++) {
      if (lives === MAX_LIVES) throw new Error(`no rest after ${MAX_LIVES} deaths`)
      await this.#live()
      await this.clock.settle()
    }
    if (this.mode === 'evicted') this.#checkForgotten()
  }

  /** Fires what is due on the way, each at its time. */
  async advanceTo(ms: number): Promise<void> {
    for (let dueMs = this.clock.nextDueMs(); dueMs !== undefined && dueMs <= ms; dueMs = this.clock.nextDueMs()) {
      await this.clock.advanceTo(dueMs)
      await this.settle()
    }
    await this.clock.advanceTo(ms)
  }

  /** Says it until it is answered; unless `wasHeard`, once the life that it was said to is over. */
  async tell<T>(say: (loom: Loom) => Promise<T>, wasHeard?: () => Promise<boolean>): Promise<T | undefined> {
    this.#silentCommits = 0
    for (let lives = 0; ; lives++) {
      if (lives === MAX_LIVES_FOR_ANSWER) throw new Error(`no answer in ${lives} lives`)
      const answer = new Answer(say(this.loom))
      const life = this.#life
      await this.settle()
      if (answer.isThere) return await answer.promise
      if (this.#life === life) throw new Error('nobody answered')
      if (wasHeard !== undefined && (await wasHeard())) return undefined
    }
  }

  /** For good. */
  end(): void {
    this.#life.end()
  }

  async #live(): Promise<void> {
    const clock = new MortalClock(this.clock)
    this.#life = new Life(clock)
    // What a dead owner held is free when its lease is over.
    this.#leaseClockMs += 2 * LEASE_MS
    const isForgetful = this.mode === 'evicted'
    this.#life.loom = await openLoom({
      medium: this.#medium,
      shardCount: 1,
      definitions: this.#definitions,
      workers: [{ taskQueue: HERE }],
      clock,
      random: seededRandom(++this.#lifeCount),
      identity: 'host',
      logger: this.#logger(),
      settings: {
        leaseMs: LEASE_MS,
        openIdFilterBytes: 1024,
        ...(isForgetful && { executionCacheCount: 0, codeCacheCount: 0 }),
      },
    })
  }

  #committed(commits: readonly ShardCommit[]): boolean {
    if (this.mode !== 'crashed' || this.#life.isOver) return this.#life.isOver
    const isRecorded = commits.some(({ changes }) => [...changes.keys()].some(isHistory))
    if (isRecorded) this.#silentCommits = 0
    else if (this.#silentCommits++ !== this.#fatalOne) return false
    else this.#fatalOne = (this.#fatalOne + 1) % SILENT_COMMITS
    this.deathCount++
    this.#life.end()
    this.#onDeath()
    return true
  }

  #checkForgotten(): void {
    const { executionCount, codeCount } = this.loom.admin.stats()
    if (executionCount + codeCount > 0)
      throw new Error(`${executionCount} executions and ${codeCount} codes stayed in memory`)
  }

  #logger(): Logger {
    const error = (fields: { readonly error?: unknown }, message: string): void => {
      if (!message.startsWith(STALLED)) this.complaints.push(`${message}: ${inspect(fields)}`)
    }
    return { debug: ignore, info: ignore, warn: ignore, error }
  }
}

/** A loom, from its opening to its death. */
class Life {
  loom!: Loom
  readonly #clock: MortalClock

  constructor(clock: MortalClock) {
    this.#clock = clock
  }

  get isOver(): boolean {
    return this.#clock.isStopped
  }

  end(): void {
    this.#clock.stop()
  }
}

/** A clock that can stop for one life, while the time goes on for others. */
class MortalClock implements Clock {
  readonly #clock: Clock
  readonly #timers = new Set<TimerHandle>()
  isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }
  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  setTimer(delayMs: number, fn: () => void): TimerHandle {
    if (this.isStopped) return {}
    const handle = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(handle)
      fn()
    })
    this.#timers.add(handle)
    return handle
  }

  clearTimer(handle: TimerHandle): void {
    if (this.#timers.delete(handle)) this.#clock.clearTimer(handle)
  }

  soon(fn: () => void): void {
    if (this.isStopped) return
    this.#clock.soon(() => {
      if (!this.isStopped) fn()
    })
  }

  stop(): void {
    this.isStopped = true
    for (const handle of this.#timers) this.#clock.clearTimer(handle)
    this.#timers.clear()
  }
}

/** Asks after each commit whether the host is dead: then nobody hears that it was written. */
function mortal(factory: MediumFactory, committed: (commits: readonly ShardCommit[]) => boolean): MediumFactory {
  return {
    create: (environment) => {
      const medium = factory.create(environment)
      const commit = medium.commit.bind(medium)
      medium.commit = async (batch) => {
        const outcomes = await commit(batch)
        return committed(batch) ? await new Promise<never>(() => {}) : outcomes
      }
      return medium
    },
  }
}

class Answer<T> {
  readonly promise: Promise<T>
  isThere = false

  constructor(promise: Promise<T>) {
    this.promise = promise
    const come = (): void => void (this.isThere = true)
    promise.then(come, come)
  }
}

function isHistory(key: string): boolean {
  return key.charCodeAt(0) === ROW_KINDS.history
}

function ignore(): void {}
