/**
 * Group commit: the one place where a host writes. While a flush is being written the next gathers; the medium sets the pace.
 *
 * Invariant: after a refusal or an unknown outcome nothing staged on that shard is told as written; the other shards of the
 * flush stand. The next flush leaves before anybody is told of the one that returned.
 */
import { jitteredBackoffMs } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { sleep } from '../base/clock.js'
import type { LoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import { MediumBrokenError } from '../storage/errors.js'
import type { Medium, Outcome } from '../storage/medium.js'
import { OutcomeUnknownError, ShardFencedError } from './errors.js'
import type { Sealed, Shard } from './shard.js'

export interface CommitLoopParts {
  readonly medium: Medium
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Calls back once, after the current round of workflow code, or soon when there is none. */
  readonly afterRound: (fn: () => void) => void
  /** Until when, in local monotonic ms, an unknown outcome may be settled by sending the commit again. */
  readonly validUntil: () => number
  /** A shard has closed by itself: it is to be claimed again. */
  readonly onShardLost: (shard: Shard, error: LoomError) => void
  /** A commit is durable: how many turns it had, and how long the first of them waited for that. Undefined: nobody asks. */
  readonly onCommitted?: ((turnCount: number, latencyMs: number) => void) | undefined
  /** The medium is gone for all shards. */
  readonly onBroken: (error: LoomError) => void
}

const RESEND_BACKOFF = { initialMs: 50, coefficient: 2, maximumMs: 2000 }
/** An unknown outcome is not chased for ever where no lease ends it. */
const MAX_RESENDS = 20

export class CommitLoop {
  readonly #parts: CommitLoopParts
  /** Shards with something staged and nothing in flight, in the order in which they were first touched. */
  #gathering = new Set<Shard>()
  #flights = 0
  #isArmed = false
  #closedBy: LoomError | undefined = undefined
  #idle: (() => void)[] = []
  /** Commits so far: for benches and metrics. */
  flushCount = 0
  rowCount = 0
  turnCount = 0
  /** Commits of shards that somebody else has claimed. */
  fencedCount = 0
  /** When the first of what is gathered was staged, monotonic; kept while somebody asks. */
  #gatheringSinceMs = 0

  constructor(parts: CommitLoopParts) {
    this.#parts = parts
  }

  /** Something was staged on `shard`. It fails at once where nothing is written any more. */
  touch(shard: Shard): void {
    const closedBy = shard.closedBy ?? this.#closedBy
    if (closedBy !== undefined) return shard.close(closedBy)
    if (this.#parts.onCommitted !== undefined && this.#gathering.size === 0)
      this.#gatheringSinceMs = this.#parts.clock.monotonicMs()
    if (shard.inFlight === undefined) this.#gathering.add(shard)
    if (this.#isArmed || this.#flights >= this.#parts.medium.supports.lanes) return
    this.#isArmed = true
    this.#parts.afterRound(this.#onRound)
  }

  /** Resolves when nothing is staged or in flight. */
  idle(): Promise<void> {
    if (this.#flights === 0 && this.#gathering.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** No flush leaves any more; what is staged fails with `error`. */
  close(error: LoomError): void {
    this.#closedBy ??= error
    for (const shard of this.#gathering) shard.close(error)
    this.#gathering.clear()
    this.#settleIdle()
  }

  readonly #onRound = (): void => {
    this.#isArmed = false
    this.#flush()
  }

  #flush(): void {
    while (
      this.#closedBy === undefined &&
      this.#gathering.size > 0 &&
      this.#flights < this.#parts.medium.supports.lanes
    ) {
      const sealed = this.#sealBatch()
      this.#flights++
      this.flushCount++
      // #write settles every outcome itself and does not reject.
      void this.#write(sealed, this.#gatheringSinceMs)
    }
  }

  /** Shards in order of first touch, until the next would make the commit too big; at least one. */
  #sealBatch(): readonly Sealed[] {
    const { maxCommitBytes } = this.#parts.medium.supports
    const batch: Sealed[] = []
    let bytes = 0
    for (const shard of this.#gathering) {
      const stage = shard.staged
      this.#gathering.delete(shard)
      if (stage === undefined) continue
      if (batch.length > 0 && bytes + stage.bytes > maxCommitBytes) {
        this.#gathering.add(shard)
        break
      }
      bytes += stage.bytes
      this.rowCount += stage.changes.size + 1
      this.turnCount += stage.turns.length
      batch.push(shard.seal())
    }
    return batch
  }

  async #write(batch: readonly Sealed[], sinceMs: number): Promise<void> {
    let outcomes: readonly Outcome[]
    try {
      outcomes = await this.#parts.medium.commit(batch.map(({ commit }) => commit))
    } catch (error) {
      this.#flights--
      this.#broke(batch, error)
      this.#settleIdle()
      return
    }
    this.#flights--
    this.#settle(batch, outcomes)
    this.#report(batch, sinceMs)
  }

  #report(batch: readonly Sealed[], sinceMs: number): void {
    const { onCommitted, clock } = this.#parts
    if (onCommitted === undefined) return
    let turnCount = 0
    for (const { isWritten, turns } of batch) if (isWritten) turnCount += turns.length
    if (turnCount > 0) onCommitted(turnCount, clock.monotonicMs() - sinceMs)
  }

  /** Losses first, then the next flush, then the good news. */
  #settle(batch: readonly Sealed[], outcomes: readonly Outcome[], isResend = false): void {
    for (let i = 0; i < batch.length; i++) {
      const sealed = batch[i]!
      const outcome = outcomes[i]!
      if (sealed.shard.inFlight !== sealed) continue
      if (outcome.ok) {
        sealed.shard.inFlight = undefined
        sealed.isWritten = true
        if (sealed.shard.staged !== undefined) this.#gathering.add(sealed.shard)
      } else this.#lose(sealed, outcome.why, isResend)
    }
    this.#flush()
    for (let i = 0; i < batch.length; i++) {
      const { isWritten, turns } = batch[i]!
      if (isWritten) for (const turn of turns) turn.durable()
    }
    this.#settleIdle()
  }

  #lose(sealed: Sealed, why: 'fenced' | 'too-large' | 'unknown', isResend: boolean): void {
    const { shard } = sealed
    if (why === 'unknown') {
      this.#flights++
      void this.#resend(sealed)
      return
    }
    if (why === 'fenced') this.fencedCount++
    if (why === 'too-large') this.#parts.logger.error({ shard: shard.id }, 'a commit was larger than the medium takes')
    // A commit that is refused when it is sent again may have applied the first time.
    this.#drop(shard, why === 'fenced' ? new ShardFencedError(shard.id) : new OutcomeUnknownError(shard.id), !isResend)
  }

  /** The same commit again, with back-off, until its outcome is known or the lease is over. */
  async #resend(sealed: Sealed): Promise<void> {
    const { medium, clock, random, validUntil } = this.#parts
    for (let attempt = 1; attempt <= MAX_RESENDS; attempt++) {
      await sleep(clock, jitteredBackoffMs(RESEND_BACKOFF, attempt, random))
      if (sealed.shard.inFlight !== sealed || this.#closedBy !== undefined || clock.monotonicMs() >= validUntil()) break
      try {
        const [outcome] = await medium.commit([sealed.commit])
        if (outcome!.ok || outcome!.why !== 'unknown') {
          this.#flights--
          return this.#settle([sealed], [outcome!], true)
        }
      } catch (error) {
        this.#flights--
        return this.#broke([sealed], error)
      }
    }
    this.#flights--
    this.#drop(sealed.shard, new OutcomeUnknownError(sealed.shard.id))
    this.#flush()
    this.#settleIdle()
  }

  #broke(batch: readonly Sealed[], error: unknown): void {
    const brokenBy =
      error instanceof MediumBrokenError ? error : new MediumBrokenError('a commit failed', { cause: error })
    this.#closedBy ??= brokenBy
    for (const { shard } of batch) shard.close(new OutcomeUnknownError(shard.id, { cause: error }))
    this.#parts.onBroken(brokenBy)
  }

  #drop(shard: Shard, error: LoomError, wasRefused = false): void {
    this.#gathering.delete(shard)
    shard.close(error, wasRefused)
    this.#parts.onShardLost(shard, error)
  }

  #settleIdle(): void {
    if (this.#flights > 0 || this.#gathering.size > 0) return
    const waiting = this.#idle
    this.#idle = []
    for (const resolve of waiting) resolve()
  }
}
