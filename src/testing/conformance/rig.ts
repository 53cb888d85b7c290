/**
 * What a behaviour is tried on: a store, the media that open it, and shards that are written to.
 *
 * Invariant: every medium that a rig opened is closed before its store is disposed of.
 */
import { equal, ok } from 'node:assert/strict'
import { sleep, systemClock } from '../../base/clock.js'
import { isLoomError } from '../../base/errors.js'
import {
  shardId,
  type Change,
  type Claimed,
  type Fence,
  type Head,
  type Held,
  type Key,
  type KeyRange,
  type Medium,
  type Outcome,
  type Owner,
  type Row,
  type ShardCommit,
  type ShardId,
  type StoreShape,
} from '../../storage/medium.js'

/** One store, empty at first, for one test. */
export interface ConformanceStore {
  /** Makes a medium on this store that is not open yet: as the next start of the process would, or another process. */
  create(): Medium
  /** Every medium is closed by then. */
  dispose(): Promise<void>
}

/** What the medium under test says that it can do, so that tests which do not apply are left out. */
export interface Announced {
  readonly shared: boolean
  readonly remoteReads: boolean
  readonly wake: 'push' | 'poll' | 'none'
  readonly getSync: boolean
}

/** One sentence of the contract. */
export interface Behaviour {
  readonly title: string
  /** Where it applies; everywhere by default. */
  readonly appliesTo?: (announced: Announced) => boolean
  run(rig: Rig): Promise<void>
}

const HISTORY_COUNT = 8
const HOST_COUNT = 4
export const SHAPE: StoreShape = { spaces: { history: HISTORY_COUNT, hosts: HOST_COUNT }, leaseMs: 60_000 }
/** A lease to wait for the end of. */
export const SHORT_LEASE_MS = 400

export const HISTORY: readonly ShardId[] = Array.from({ length: HISTORY_COUNT }, (_, i) => shardId('history', i))
export const HOSTS: readonly ShardId[] = Array.from({ length: HOST_COUNT }, (_, i) => shardId('hosts', i))
export const ALL: readonly ShardId[] = [...HISTORY, ...HOSTS]

/** The `n`-th hash that belongs to that history shard. */
export function hashIn(shard: ShardId, n = 0): number {
  return (shard * 2 ** 32) / HISTORY_COUNT + n
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('latin1')
}

/** Above every key. */
const END = '\xff'.repeat(8)
/** A kind read by point or by a range of one hash. */
export const KEYED = '\x41'
/** A kind read by shard. */
export const TASK = '\x01'

export class Rig {
  readonly announced: Announced
  readonly #store: ConformanceStore
  readonly #media = new Set<Medium>()
  #incarnations = 0

  constructor(store: ConformanceStore, announced: Announced) {
    this.#store = store
    this.announced = announced
  }

  /** A medium before its open. */
  create(): Medium {
    const medium = this.#store.create()
    this.#media.add(medium)
    return medium
  }

  async open(host = 'a', shape: StoreShape = SHAPE): Promise<Host> {
    const medium = this.create()
    const self: Owner = { host, incarnation: `${host}-${++this.#incarnations}` }
    await medium.open(self, shape)
    return new Host(medium, self)
  }

  async dispose(): Promise<void> {
    for (const medium of this.#media) await medium.close()
    await this.#store.dispose()
  }
}

/** An open medium, and the fences that it was given. */
export class Host {
  readonly medium: Medium
  readonly self: Owner
  readonly #fences = new Map<ShardId, Fence>()
  readonly #heads = new Map<ShardId, Head>()

  constructor(medium: Medium, self: Owner) {
    this.medium = medium
    this.self = self
  }

  /** Everything, by default; anything that is held by another is a failure. */
  async claim(shards: readonly ShardId[] = ALL): Promise<this> {
    const { held } = await this.tryClaim(shards)
    equal(held.length, 0, `held by ${held.map(({ by }) => by.host).join()}`)
    for (const shard of shards) ok(this.#fences.has(shard), `shard ${shard} was not claimed`)
    return this
  }

  async tryClaim(shards: readonly ShardId[]): Promise<{ claimed: readonly Claimed[]; held: readonly Held[] }> {
    const answer = await this.medium.claim(shards)
    for (const { shards, fence, heads } of answer.claimed) {
      for (const shard of shards) {
        const head = heads.get(shard)
        this.#fences.set(shard, fence)
        if (head === undefined) this.#heads.delete(shard)
        else this.#heads.set(shard, head)
      }
    }
    return answer
  }

  async release(shards: readonly ShardId[] = ALL): Promise<void> {
    for (const shard of shards) await this.medium.release([shard], this.fence(shard))
  }

  /** As a planned stop does it. */
  async leave(): Promise<void> {
    await this.release()
    await this.medium.close()
  }

  fence(shard: ShardId): Fence {
    const fence = this.#fences.get(shard)
    ok(fence !== undefined, `shard ${shard} is not claimed`)
    return fence
  }

  /** As it was claimed. */
  head(shard: ShardId): Head | undefined {
    return this.#heads.get(shard)
  }

  writer(shard: ShardId): ShardWriter {
    return new ShardWriter(this.medium, shard, this.fence(shard), this.head(shard)?.seq ?? 0)
  }

  async scan(shard: ShardId, hash: number, range: Partial<KeyRange> = {}): Promise<readonly Row[]> {
    return this.medium.scan(shard, hash, { gte: KEYED, lt: END, limit: 10_000, ...range })
  }

  async get(shard: ShardId, key: Key, hash = 0): Promise<string | undefined> {
    const [value] = await this.medium.getMany(shard, [{ key, hash }])
    return text(value)
  }
}

export interface CommitParts {
  readonly seq?: number
  readonly fence?: Fence
  readonly head?: Uint8Array
  /** All of one hash. */
  readonly put?: Readonly<Record<Key, string | Uint8Array>>
  readonly remove?: readonly Key[]
  readonly hash?: number
  readonly clears?: ShardCommit['clears']
  readonly consumed?: readonly Key[]
}

/** Writes to one shard under one fence; counts the sequence numbers that were accepted. */
class ShardWriter {
  readonly shard: ShardId
  /** Of every row, unless a commit names another. */
  readonly hash: number
  readonly #medium: Medium
  readonly #fence: Fence
  #seq: number

  constructor(medium: Medium, shard: ShardId, fence: Fence, seq: number) {
    this.#medium = medium
    this.shard = shard
    this.hash = HISTORY.includes(shard) ? hashIn(shard) : 0
    this.#fence = fence
    this.#seq = seq
  }

  /** The next commit, not sent. */
  next(parts: CommitParts = {}): ShardCommit {
    const hash = parts.hash ?? this.hash
    const changes = new Map<Key, Change>()
    for (const [key, value] of Object.entries(parts.put ?? {})) {
      changes.set(key, { hash, value: typeof value === 'string' ? bytes(value) : value })
    }
    for (const key of parts.remove ?? []) changes.set(key, { hash, value: undefined })
    return {
      shard: this.shard,
      fence: parts.fence ?? this.#fence,
      seq: parts.seq ?? this.#seq + 1,
      head: parts.head ?? bytes('head'),
      clears: parts.clears ?? [],
      changes,
      consumed: parts.consumed ?? [],
    }
  }

  /** Must be accepted. */
  async commit(parts: CommitParts = {}): Promise<ShardCommit> {
    const commit = this.next(parts)
    equal(told(await this.send(commit)), 'ok')
    this.accepted(commit)
    return commit
  }

  async send(commit: ShardCommit): Promise<Outcome> {
    const [outcome] = await this.#medium.commit([commit])
    ok(outcome !== undefined)
    return outcome
  }

  accepted(commit: ShardCommit): void {
    this.#seq = commit.seq
  }
}

export function told(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'no outcome'
  return outcome.ok ? 'ok' : outcome.why
}

export async function rejectsWith(code: string, call: () => Promise<unknown>, message?: RegExp): Promise<void> {
  const error: unknown = await call().then(
    () => undefined,
    (error: unknown) => error,
  )
  ok(
    isLoomError(error),
    `expected ${code}, and it ${error === undefined ? 'was accepted' : `failed with ${String(error)}`}`,
  )
  equal(error.code, code)
  if (message !== undefined) ok(message.test(error.message), `${error.message} does not match ${message}`)
}

export async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(...page)
  return all
}

export function pause(ms: number): Promise<void> {
  return sleep(systemClock, ms)
}

/** Waits until it holds, up to 10 s. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (await holds()) return
    await pause(10)
  }
  ok(await holds(), 'not within 10 s')
}
