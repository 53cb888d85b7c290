/**
 * Retention: closed runs go when their time is over. A queue of its own, in the order of that time, of which nothing is in
 * memory: it is looked through up to now, then again when more may be due.
 *
 * The live load comes first: a slice of deletes is a few milliseconds of work and goes into one commit, and the next waits for
 * that. Runs of one shard are deleted together, so that they share a head.
 *
 * Invariant: no row is put where was looked already, so the range of rows that are deleted is not passed again and again.
 */
import { backoffMs } from '../base/backoff.js'
import { isLoomError } from '../base/errors.js'
import { retentionBounds, retentionKeyDue } from '../queue/task-keys.js'
import { CorruptError } from '../storage/errors.js'
import type { Row } from '../storage/medium.js'
import { Again } from './again.js'
import type { HistoryContext } from './context.js'
import { DeletedSlice } from './deleted-slice.js'
import { decodeRetention, type ClosedRun } from './retention-row.js'

/** Rows in memory at once, sorted by shard. */
const BATCH_RUNS = 4096
/** A look for what comes next is trusted no longer than this: another shard may have something earlier. */
const LONGEST_PAUSE_MS = 60_000
const FIRST_WINDOW_MS = 1000

export class Retention {
  readonly #context: HistoryContext
  /** Of what is due up to here nothing is left but `#later`. -1: it was not looked at. */
  #doneUpToMs = -1
  /** What is due up to here is being looked at: new rows are due after it. */
  #lookingUpToMs = -1
  /** Due time of the earliest row that came too late to be seen; Infinity: there is none. */
  #missedFromMs = Infinity
  /** How long a window is looked through at once; so long that about a batch is in it. */
  #windowMs = FIRST_WINDOW_MS
  /** Those that had to wait for something. */
  #later: ClosedRun[] = []
  #next: Again | undefined = undefined
  #isSweeping = false
  /** Something was put on the medium while a sweep was under way. */
  #wasWoken = false
  #failedSweeps = 0
  /** Raised when shards are lost or opened: what was read before is as old. */
  #openings = 0
  #isClosed = false

  constructor(context: HistoryContext) {
    this.#context = context
  }

  /** When a run that closes at that time is to go; undefined: never. */
  dueMs(closedAtMs: number): number | undefined {
    const { retentionMs } = this.#context.settings
    return retentionMs === undefined ? undefined : Math.max(closedAtMs + retentionMs, this.#lookingUpToMs + 1)
  }

  dueAtOnceMs(): number {
    return Math.max(this.#context.clock.nowMs(), this.#lookingUpToMs + 1)
  }

  /** A retention row is durable. It may have been on its way while the time that it is due at was looked through. */
  wake(dueAtMs: number): void {
    if (dueAtMs <= this.#lookingUpToMs) this.#missedFromMs = Math.min(this.#missedFromMs, dueAtMs)
    if (this.#isSweeping) this.#wasWoken = true
    else this.#lookAt(Math.max(dueAtMs, this.#context.clock.nowMs()) + this.#context.settings.retentionSweepMs)
  }

  retryLater(run: ClosedRun): void {
    this.#later.push(run)
    this.wake(this.#context.clock.nowMs())
  }

  /** Shards are open: there may be rows that nobody has looked at. */
  opened(): void {
    this.lost()
    this.wake(this.#context.clock.nowMs())
  }

  lost(): void {
    this.#openings++
    this.#doneUpToMs = -1
    this.#later = []
  }

  close(): void {
    this.#isClosed = true
  }

  #lookAt(atMs: number): void {
    const { wheel } = this.#context.host
    if (this.#isClosed || (this.#next !== undefined && this.#next.dueAtMs <= atMs)) return
    if (this.#next !== undefined) wheel.remove(this.#next)
    this.#next = new Again(Math.ceil(atMs), () => void this.#look())
    wheel.add(this.#next)
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    this.#next = undefined
    if (this.#isClosed || this.#isSweeping) return
    const { clock, settings, logger } = this.#context
    this.#isSweeping = true
    this.#wasWoken = false
    let pauseMs: number | undefined
    try {
      pauseMs = await this.#sweep(Math.floor(clock.nowMs()))
      this.#failedSweeps = 0
    } catch (error) {
      const backoff = { initialMs: settings.dueRetryInitialMs, coefficient: 2, maximumMs: settings.dueRetryMaximumMs }
      pauseMs = backoffMs(backoff, ++this.#failedSweeps)
      if (!this.#isClosed) logger.warn({ error }, 'executions whose retention is over could not be deleted; again soon')
    }
    this.#isSweeping = false
    if (this.#later.length > 0) pauseMs = 0
    else if (this.#wasWoken) pauseMs ??= LONGEST_PAUSE_MS
    if (pauseMs !== undefined) this.#lookAt(clock.nowMs() + Math.max(pauseMs, settings.retentionSweepMs))
  }

  /** How long nothing is due; undefined: there is nothing. */
  async #sweep(nowMs: number): Promise<number | undefined> {
    const later = this.#later
    this.#later = []
    this.#doneUpToMs = Math.min(this.#doneUpToMs, this.#missedFromMs - 1)
    this.#missedFromMs = Infinity
    const opening = this.#openings
    await this.#deleteAll(later, opening)
    for (;;) {
      if (opening !== this.#openings || this.#isClosed) return 0
      if (this.#doneUpToMs >= nowMs) return await this.#pauseMs(nowMs)
      const untilMs = await this.#windowEnd(nowMs)
      if (untilMs === undefined) return undefined
      await this.#sweepWindow(untilMs, opening)
    }
  }

  /** The first window ends where the first row is; undefined: there is none. */
  async #windowEnd(nowMs: number): Promise<number | undefined> {
    if (this.#doneUpToMs >= 0) return Math.min(nowMs, this.#doneUpToMs + this.#windowMs)
    const firstMs = await this.#firstDueMs(0)
    return firstMs === undefined ? undefined : Math.min(nowMs, firstMs)
  }

  async #sweepWindow(untilMs: number, opening: number): Promise<void> {
    const { medium } = this.#context
    this.#lookingUpToMs = Math.max(this.#lookingUpToMs, untilMs)
    let count = 0
    let batch: ClosedRun[] = []
    for await (const rows of medium.scanAll('claimed', retentionBounds(this.#doneUpToMs + 1, untilMs))) {
      if (opening !== this.#openings || this.#isClosed) return
      for (const row of rows) this.#gather(batch, row)
      count += rows.length
      if (batch.length < BATCH_RUNS) continue
      await this.#deleteAll(batch, opening)
      batch = []
    }
    await this.#deleteAll(batch, opening)
    if (opening !== this.#openings) return
    this.#doneUpToMs = untilMs
    if (count > 2 * BATCH_RUNS) this.#windowMs = Math.max(1, Math.floor(this.#windowMs / 2))
    else if (count < BATCH_RUNS / 2) this.#windowMs = Math.min(1e12, this.#windowMs * 2)
  }

  /** A damaged row stays, and is not looked at again before the next opening. */
  #gather(batch: ClosedRun[], row: Row): void {
    try {
      batch.push(decodeRetention(row))
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      this.#context.logger.error({ error }, 'a retention row is damaged: the execution that it is of is not deleted')
    }
  }

  async #pauseMs(nowMs: number): Promise<number | undefined> {
    const firstMs = await this.#firstDueMs(this.#doneUpToMs + 1)
    return firstMs === undefined ? undefined : Math.min(LONGEST_PAUSE_MS, firstMs - nowMs)
  }

  /** Of those that come first where they are read; of shards that are read later one may be earlier. */
  async #firstDueMs(fromMs: number): Promise<number | undefined> {
    const { medium } = this.#context
    for await (const rows of medium.scanAll('claimed', retentionBounds(fromMs, undefined))) {
      return Math.min(...rows.map(({ key }) => retentionKeyDue(key)))
    }
    return undefined
  }

  // ---- deleting

  async #deleteAll(runs: ClosedRun[], opening: number): Promise<void> {
    // A shard has a range of hashes.
    runs.sort((a, b) => a.hash - b.hash)
    for (let at = 0; at < runs.length;) {
      const slice = new DeletedSlice(this.#context)
      at = this.#stageSlice(runs, at, slice)
      await slice.settled()
      for (const run of slice.runs) this.#context.deletions.hidden(run)
      for (const run of slice.longer) await this.#deleteLong(run)
      if (opening !== this.#openings || this.#isClosed) return
    }
  }

  /** Gives where the next slice begins. */
  #stageSlice(runs: readonly ClosedRun[], from: number, slice: DeletedSlice): number {
    const { clock, settings } = this.#context
    const endMs = clock.monotonicMs() + settings.retentionSliceMs
    let at = from
    while (at < runs.length && slice.rowCount < settings.maxDeletedRows) {
      this.#stageRun(runs[at++]!, slice)
      if (clock.monotonicMs() >= endMs) break
    }
    return at
  }

  #stageRun(run: ClosedRun, slice: DeletedSlice): void {
    try {
      const shard = slice.open(run.hash)
      const how = this.#context.deletions.stageShort(run, shard)
      if (how === 'staged') slice.add(run, shard)
      else if (how === 'long') slice.longer.push(run)
      else this.#later.push(run)
    } catch (error) {
      this.#skipDamaged(run, error)
    }
  }

  async #deleteLong(run: ClosedRun): Promise<void> {
    try {
      await this.#context.deletions.deleteWhole(run)
    } catch (error) {
      this.#skipDamaged(run, error)
    }
  }

  #skipDamaged({ ref }: ClosedRun, error: unknown): void {
    if (!isLoomError(error, 'LOOM_CORRUPT')) throw error
    const { workflowId, runId } = ref
    this.#context.logger.error({ error, workflowId, runId }, 'a closed execution is not deleted: its rows are damaged')
  }
}
