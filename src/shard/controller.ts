/**
 * Opens and closes shards: claims them from the medium, makes each when it is first needed, and claims again what was lost.
 *
 * Invariant: a shard that was lost is gone for its applications (`onLost`) before it is claimed again (`onOpened`), so nobody
 * goes on from state that another owner may have changed.
 */
import { jitteredBackoffMs } from '../base/backoff.js'
import type { Clock, TimerHandle } from '../base/clock.js'
import { sleep } from '../base/clock.js'
import { LoomError, isLoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import { shardId, shardIndex } from '../storage/medium.js'
import type { Claimed, Fence, Medium, MediumFactory, Owner, ShardId } from '../storage/medium.js'
import { Claims } from './claims.js'
import { CommitLoop } from './commit-loop.js'
import { OutcomeUnknownError } from './errors.js'
import { shardOfHash } from '../storage/hash-shard.js'
import type { Shard } from './shard.js'
import { WatchedMedium } from './watched-medium.js'

const DAMAGED = 'a shard is damaged: nothing of it can be used, the others go on'

export interface ControllerParts {
  readonly mediumFactory: MediumFactory
  readonly shardCount: number
  readonly host: string
  readonly newIncarnation: () => string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly leaseMs: number
  readonly openTimeoutMs: number
  readonly reopenInitialMs: number
  readonly reopenMaximumMs: number
  readonly afterRound: (fn: () => void) => void
  /** These are ours now: read back what they hold. What it gives is called when they take calls. */
  readonly onOpened: (medium: Medium, shards: readonly ShardId[] | 'claimed') => Promise<() => void>
  /** Nothing of this shard in memory may be used any more; undefined: of all shards. */
  readonly onLost: (shard: Shard | undefined, error: LoomError) => void
  /** The store will not be opened again: calls are refused with `error`, and nobody need wait. */
  readonly onFailed: (error: LoomError) => void
  readonly onCommitted?: ((turnCount: number, latencyMs: number) => void) | undefined
}

/** Of the commits since the medium was opened: flushes, rows (heads included), turns of executions, refused ones. */
export interface CommitStats {
  readonly flushCount: number
  readonly rowCount: number
  readonly turnCount: number
  readonly fencedCount: number
}

export class ShardController {
  readonly #parts: ControllerParts
  #medium: WatchedMedium | undefined = undefined
  #loop: CommitLoop | undefined = undefined
  #owner: Owner
  #claims = new Claims()
  #shards = new Map<number, Shard>()
  /** Indexes of shards that were lost and are not read back yet. */
  #lost = new Set<number>()
  #nextTaskId = 1
  /** Why the store will not be opened again. */
  #failedBy: LoomError | undefined = undefined
  #heartbeat: TimerHandle | undefined = undefined
  #isReady = false
  #closing: Promise<void> | undefined = undefined
  readonly #stopped = new AbortController()
  /** Reclaiming and reopening, so that `close` can wait for it. */
  #repair: Promise<void> = Promise.resolve()

  constructor(parts: ControllerParts) {
    this.#parts = parts
    this.#owner = { host: parts.host, incarnation: parts.newIncarnation() }
  }

  get incarnation(): string {
    return this.#owner.incarnation
  }

  get medium(): Medium {
    if (this.#failedBy !== undefined) throw this.#failedBy
    if (this.#medium === undefined) throw new LoomError('LOOM_UNAVAILABLE', 'the medium is being opened again')
    return this.#medium
  }

  get stats(): CommitStats {
    const { flushCount = 0, rowCount = 0, turnCount = 0, fencedCount = 0 } = this.#loop ?? {}
    return { flushCount, rowCount, turnCount, fencedCount }
  }

  /** Opens the medium and claims every shard of the ring. Rejects, with nothing held, when it cannot. */
  async open(): Promise<void> {
    await this.#openMedium(this.#parts.clock.monotonicMs() + this.#parts.openTimeoutMs)
  }

  nextTaskId(): number {
    return this.#nextTaskId++
  }

  /** The open shard of an execution; throws LOOM_UNAVAILABLE while it is not ours, LOOM_CORRUPT when it is damaged. */
  shardOfHash(hash: number): Shard {
    const index = shardOfHash(hash, this.#parts.shardCount)
    const shard = this.#shards.get(index)
    if (shard !== undefined && this.#isReady) return shard
    return this.#makeShard(index)
  }

  /** As `shardOfHash`, while shards are being read back. */
  shardForRecovery(id: ShardId): Shard {
    return this.#shards.get(shardIndex(id)) ?? this.#makeShard(shardIndex(id), true)
  }

  /** Shards that were written to, or touched since open. */
  knownShards(): readonly Shard[] {
    for (const id of this.#claims.unmade()) this.shardForRecovery(id)
    return [...this.#shards.values()]
  }

  /** What the heads of the shards that are being opened count, by kind; for shards without any there is no entry. */
  takePendingAtClaim(): ReadonlyMap<ShardId, readonly number[]> {
    return this.#claims.takePending()
  }

  /** Shards whose heads or rows are not what was written: everybody who asks for one is told so. */
  get damaged(): ReadonlyMap<ShardId, LoomError> {
    return this.#claims.damaged
  }

  /** Found while its rows are read back. Nothing of it is written until the store is opened again. */
  shardDamaged(id: ShardId, error: LoomError): void {
    this.#parts.logger.error({ error, shard: id }, DAMAGED)
    this.#shards.delete(shardIndex(id))
    this.#claims.damage(id, error)
  }

  touch(shard: Shard): void {
    this.#loop?.touch(shard)
  }

  /** A mistake of ours was met on this shard: what it holds in memory cannot be trusted. */
  failShard(shard: Shard, error: LoomError): void {
    if (this.#shards.get(shard.index) !== shard) return
    shard.close(error)
    this.#onShardLost(shard, error)
  }

  idle(): Promise<void> {
    return this.#loop?.idle() ?? Promise.resolve()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#stopped.abort()
    await this.#repair
    this.#isReady = false
    if (this.#heartbeat !== undefined) this.#parts.clock.clearTimer(this.#heartbeat)
    const medium = this.#medium
    if (medium === undefined) return
    await this.#loop?.idle()
    this.#loop?.close(closedError())
    for (const shard of this.#shards.values()) shard.close(closedError())
    const fence = this.#claims.fenceOfAll
    if (fence !== undefined) await this.#release(medium, fence)
    this.#medium = undefined
    await medium.close()
  }

  /** Best effort: a lease that is not given back runs out. */
  async #release(medium: Medium, fence: Fence): Promise<void> {
    try {
      await medium.release(this.#unitOf(medium, undefined), fence)
    } catch (error) {
      this.#parts.logger.warn({ error }, 'the shards were not released')
    }
  }

  /** All shards of the ring, or those of one unit. */
  #unitOf(medium: Medium, unit: number | undefined): readonly ShardId[] {
    const all = Array.from({ length: this.#parts.shardCount }, (_, index) => shardId('history', index))
    return unit === undefined ? all : all.filter((id) => medium.unitOf(id) === unit)
  }

  #makeShard(index: number, isRecovery = false): Shard {
    if (this.#failedBy !== undefined) throw this.#failedBy
    if (!this.#isReady && !isRecovery) throw new LoomError('LOOM_UNAVAILABLE', `shard ${index} is not open`)
    if (this.#lost.has(index) && !isRecovery)
      throw new LoomError('LOOM_UNAVAILABLE', `shard ${index} is being claimed again`)
    const shard = this.#claims.make(shardId('history', index))
    this.#shards.set(index, shard)
    return shard
  }

  // ---- opening

  async #openMedium(untilMs: number): Promise<void> {
    const { mediumFactory, shardCount, clock, logger, leaseMs, random, afterRound } = this.#parts
    const medium: WatchedMedium = new WatchedMedium(mediumFactory.create({ clock, logger }), (error) => {
      // While it is being opened, whoever opens it is told.
      if (this.#isReady && this.#medium === medium) this.#onBroken(error)
    })
    try {
      await medium.open(this.#owner, { spaces: { history: shardCount }, leaseMs })
      this.#medium = medium
      await this.#claimAll(medium, untilMs)
      this.#loop = new CommitLoop({
        medium,
        clock,
        random,
        logger,
        afterRound,
        validUntil: () => this.#claims.validUntil,
        onShardLost: (shard, error) => this.#onShardLost(shard, error),
        onBroken: (error) => this.#onBroken(error),
        onCommitted: this.#parts.onCommitted,
      })
      const takeUp = await this.#parts.onOpened(medium, 'claimed')
      this.#checkAnyIsSound()
      this.#isReady = true
      takeUp()
      if (medium.supports.shared) this.#armHeartbeat(medium)
    } catch (error) {
      this.#loop?.close(closedError())
      this.#medium = undefined
      this.#forget()
      // The error that matters is the first one.
      await medium.close().catch((reason: unknown) => logger.warn({ error: reason }, 'the medium did not close'))
      throw error
    }
  }

  /** A store of which nothing can be used is not opened. */
  #checkAnyIsSound(): void {
    const { damaged } = this.#claims
    if (damaged.size < this.#parts.shardCount) return
    for (const error of damaged.values()) throw error
  }

  async #claimAll(medium: Medium, untilMs: number): Promise<void> {
    const { clock, shardCount } = this.#parts
    let wanted: readonly ShardId[] = Array.from({ length: shardCount }, (_, index) => shardId('history', index))
    for (;;) {
      const { claimed, held } = await medium.claim(wanted)
      for (const claim of claimed) this.#hold(claim)
      if (held.length === 0) return
      const retryMs = Math.min(...held.map((one) => one.retryMs))
      if (clock.monotonicMs() + retryMs > untilMs || this.#stopped.signal.aborted) {
        const { by } = held[0]!
        throw new LoomError('LOOM_MEDIUM_BUSY', `${medium.name}: its shards are held by ${by.host} (${by.incarnation})`)
      }
      await sleep(clock, retryMs, this.#stopped.signal)
      wanted = held.flatMap((one) => one.shards)
    }
  }

  #hold(claim: Claimed): void {
    this.#claims.add(claim, claim.shards.length === this.#parts.shardCount)
    this.#nextTaskId = Math.max(this.#nextTaskId, this.#claims.nextTaskId)
    for (const id of claim.shards) {
      const error = this.#claims.damaged.get(id)
      if (error !== undefined) this.#parts.logger.error({ error, shard: id }, DAMAGED)
    }
  }

  #armHeartbeat(medium: Medium): void {
    const { clock, leaseMs } = this.#parts
    this.#heartbeat = clock.setTimer(leaseMs / 3, () => void this.#beat(medium))
  }

  async #beat(medium: Medium): Promise<void> {
    try {
      this.#claims.validUntil = (await medium.heartbeat(new Uint8Array(0))).validUntil
    } catch (error) {
      if (this.#medium !== medium || this.#stopped.signal.aborted) return
      this.#parts.logger.warn({ error }, 'a heartbeat failed')
    }
    if (this.#medium === medium && !this.#stopped.signal.aborted) this.#armHeartbeat(medium)
  }

  // ---- losing

  #forget(): void {
    this.#isReady = false
    this.#shards = new Map()
    this.#lost = new Set()
    this.#claims = new Claims()
  }

  #onShardLost(shard: Shard, error: LoomError): void {
    if (this.#shards.get(shard.index) !== shard) return
    this.#shards.delete(shard.index)
    this.#lost.add(shard.index)
    this.#parts.logger.warn({ shard: shard.id, error }, 'a shard was lost and is claimed again')
    this.#parts.onLost(shard, error)
    this.#repair = this.#repair.then(() => this.#reclaim(shard.id))
  }

  async #reclaim(id: ShardId): Promise<void> {
    // Its unit may have been claimed again for another shard of it, or the whole store opened again.
    if (!this.#lost.has(shardIndex(id))) return
    await this.#untilDone('claiming a shard again', async () => {
      const medium = this.#medium
      if (medium === undefined) return
      const unit = this.#unitOf(medium, medium.unitOf(id))
      // A unit is claimed whole: its other shards go on under the new fence, from what is durable.
      for (const one of unit) this.#dropQuietly(shardIndex(one))
      const { claimed, held } = await medium.claim(unit)
      if (held.length > 0) throw new LoomError('LOOM_MEDIUM_BUSY', `shard ${id} is held by ${held[0]!.by.host}`)
      for (const claim of claimed) {
        this.#hold(claim)
        const takeUp = await this.#parts.onOpened(medium, claim.shards)
        for (const one of claim.shards) this.#lost.delete(shardIndex(one))
        takeUp()
      }
    })
  }

  #dropQuietly(index: number): void {
    this.#lost.add(index)
    const shard = this.#shards.get(index)
    if (shard === undefined) return
    const error = new OutcomeUnknownError(shard.id)
    this.#shards.delete(index)
    shard.close(error)
    this.#parts.onLost(shard, error)
  }

  /** Close, drop every shard, reopen with back-off; never go on. */
  #onBroken(error: LoomError): void {
    const medium = this.#medium
    if (medium === undefined || this.#failedBy !== undefined) return
    this.#parts.logger.error({ error }, 'the medium is broken: all shards are dropped, and it is opened again')
    this.#medium = undefined
    this.#dropAll(error)
    this.#owner = { host: this.#owner.host, incarnation: this.#parts.newIncarnation() }
    this.#repair = this.#repair
      .then(() => medium.closeBroken(error))
      .catch((reason: unknown) => this.#parts.logger.warn({ error: reason }, 'the broken medium did not close'))
      .then(() => this.#untilDone('opening the medium again', () => this.#openMedium(Number.POSITIVE_INFINITY)))
  }

  #dropAll(error: LoomError): void {
    if (this.#heartbeat !== undefined) this.#parts.clock.clearTimer(this.#heartbeat)
    for (const shard of this.#shards.values()) shard.close(error)
    this.#loop?.close(error)
    this.#forget()
    this.#parts.onLost(undefined, error)
  }

  /** The store says that it cannot be opened again: everybody who asks, or waits, is told. */
  #fail(error: LoomError): void {
    this.#failedBy = error
    this.#dropAll(error)
    this.#parts.onFailed(error)
  }

  /** Tries with back-off until it succeeds, the loom is closed, or the store says that it never will. */
  async #untilDone(what: string, act: () => Promise<void>): Promise<void> {
    const { clock, random, logger, reopenInitialMs, reopenMaximumMs } = this.#parts
    for (let attempt = 1; !this.#stopped.signal.aborted; attempt++) {
      try {
        return await act()
      } catch (error) {
        logger.error({ error, attempt }, `${what} failed`)
        if (isLoomError(error, 'LOOM_CORRUPT') || isLoomError(error, 'LOOM_STORE_MISMATCH')) return this.#fail(error)
      }
      const backoff = { initialMs: reopenInitialMs, coefficient: 2, maximumMs: reopenMaximumMs }
      await sleep(clock, jitteredBackoffMs(backoff, attempt, random), this.#stopped.signal)
    }
  }
}

function closedError(): LoomError {
  return new LoomError('LOOM_CLOSED', 'the loom is closed')
}
