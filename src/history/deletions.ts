/**
 * Closed runs that are deleted: the row of the current run, if it is this one's, its history, and its retention row.
 *
 * A history of up to `maxDeletedRows` rows goes in one commit. The first commit of a longer one takes its first event, puts
 * a mark in its place, by which every reader takes the run for gone, and a retention row that is due at once, by which
 * whoever opens the shard next goes on; the last commit takes both.
 *
 * Invariant: what is staged here takes rows of this run away, and nobody writes rows of a closed run. So it does no harm when
 * two delete the same run, or one deletes it twice.
 */
import { isLoomError } from '../base/errors.js'
import { retentionKey } from '../queue/task-keys.js'
import type { Shard } from '../shard/shard.js'
import { encodeRow } from '../storage/codec.js'
import type { Key } from '../storage/medium.js'
import type { HistoryContext, RunDeletions } from './context.js'
import { encodeRetention, historyKeysOf, type ClosedRun } from './retention-row.js'
import {
  currentRunKey,
  decodeCurrentRun,
  deletedKey,
  historyBounds,
  historyKeyAfter,
  historyPrefix,
  isDeletedKey,
  namespaceKey,
} from './rows.js'

export interface DeletionsParts {
  readonly context: HistoryContext
  /** The earliest time at which a new retention row may be due. */
  readonly dueAtOnceMs: () => number
  /** What is left of a run could not be deleted now, and is to be tried again. */
  readonly onLeft: (run: ClosedRun) => void
}

interface UnderWay {
  /** Nobody finds the run any more. Gives what is left to do. */
  readonly hidden: Promise<ClosedRun | undefined>
  /** Nothing is left of it. */
  readonly whole: Promise<void>
}

/** Errors after which the retention row is found by whoever opens the shard. */
const SHARD_IS_GONE = ['LOOM_SHARD_FENCED', 'LOOM_OUTCOME_UNKNOWN', 'LOOM_UNAVAILABLE', 'LOOM_CLOSED'] as const

export class Deletions implements RunDeletions {
  readonly #parts: DeletionsParts
  /** By run id. */
  readonly #underWay = new Map<string, UnderWay>()
  /** Runs that went, since the loom was opened. */
  deletedCount = 0

  constructor(parts: DeletionsParts) {
    this.#parts = parts
  }

  async delete(run: ClosedRun): Promise<void> {
    await this.#of(run).hidden
  }

  async deleteWhole(run: ClosedRun): Promise<void> {
    await this.#of(run).whole
  }

  stageShort(run: ClosedRun, shard: Shard): 'staged' | 'long' | 'later' {
    const { context } = this.#parts
    const { medium, cache } = context
    const { ref, hash, rowIds } = run
    if (rowIds === undefined || medium.getSync === undefined || this.#underWay.has(ref.runId)) return 'long'
    const { namespaceId, workflowId } = ref
    const key = currentRunKey(namespaceKey(namespaceId), workflowId)
    const row = medium.getSync(shard.id, { key, hash })
    const isCurrent = row !== undefined && decodeCurrentRun(row, workflowId).runId === ref.runId
    if (isCurrent && cache.current(namespaceId, workflowId) !== undefined) return 'later'
    this.#stage(run, shard, historyKeysOf(run, rowIds), isCurrent)
    return 'staged'
  }

  hidden({ ref }: ClosedRun): void {
    this.deletedCount++
    this.#parts.context.forgetRun(ref)
  }

  #of(run: ClosedRun): UnderWay {
    const { runId } = run.ref
    const known = this.#underWay.get(runId)
    if (known !== undefined) return known
    const hidden = this.#hide(run)
    const whole = hidden.then((left) => (left === undefined ? undefined : this.#finish(left)))
    const underWay = { hidden, whole }
    this.#underWay.set(runId, underWay)
    const forget = (): void => void this.#underWay.delete(runId)
    whole.then(forget, forget)
    return underWay
  }

  async #hide(run: ClosedRun): Promise<ClosedRun | undefined> {
    const { context } = this.#parts
    const { hash, ref } = run
    const { namespaceId, workflowId } = ref
    const limit = context.settings.maxDeletedRows
    const range = { ...historyBounds(ref.runKey), limit: limit + 1 }
    const rows = await context.medium.scan(context.shardOfHash(hash).id, hash, range)
    if (rows.length > 0 && isDeletedKey(rows[0]!.key)) return run
    let isCurrent: boolean
    // Another run may have begun just before this goes on.
    do isCurrent = await this.#isCurrent(run)
    while (isCurrent && context.cache.current(namespaceId, workflowId) !== undefined)
    const shard = context.shardOfHash(hash)
    const keys = rows.slice(0, limit).map(({ key }) => key)
    shard.beginTurn(context.settings.maxTurnBytes)
    this.#stage(run, shard, keys, isCurrent)
    const left = rows.length > limit ? this.#mark(run, shard) : undefined
    await this.#durable(shard)
    this.hidden(run)
    return left
  }

  /** Never rejects: whoever wanted it gone has been told that it is. */
  async #finish(run: ClosedRun): Promise<void> {
    const { context, onLeft } = this.#parts
    try {
      await this.#removeRest(run)
    } catch (error) {
      if (SHARD_IS_GONE.some((code) => isLoomError(error, code))) return
      const { workflowId, runId } = run.ref
      context.logger.error({ error, workflowId, runId }, 'of a deleted execution rows are left')
      // What is damaged will be so the next time.
      if (!isLoomError(error, 'LOOM_CORRUPT')) onLeft(run)
    }
  }

  async #removeRest({ ref, hash, retentionKey: key }: ClosedRun): Promise<void> {
    const { context } = this.#parts
    const limit = context.settings.maxDeletedRows
    const mark = deletedKey(historyPrefix(ref.runKey))
    const { lt } = historyBounds(ref.runKey)
    for (let gte = historyKeyAfter(mark); ;) {
      const rows = await context.medium.scan(context.shardOfHash(hash).id, hash, { gte, lt, limit })
      const shard = context.shardOfHash(hash)
      shard.beginTurn(context.settings.maxTurnBytes)
      for (const row of rows) shard.remove(row.key, hash)
      const isLast = rows.length < limit
      if (isLast) shard.remove(mark, hash)
      if (isLast && key !== undefined) shard.remove(key, hash)
      await this.#durable(shard)
      if (isLast) return
      gte = historyKeyAfter(rows.at(-1)!.key)
    }
  }

  #stage({ ref, hash, retentionKey: key }: ClosedRun, shard: Shard, history: readonly Key[], isCurrent: boolean): void {
    if (isCurrent) shard.remove(currentRunKey(namespaceKey(ref.namespaceId), ref.workflowId), hash)
    for (const one of history) shard.remove(one, hash)
    if (key !== undefined) shard.remove(key, hash)
  }

  #mark({ ref, hash }: ClosedRun, shard: Shard): ClosedRun {
    const { context, dueAtOnceMs } = this.#parts
    const taskId = context.host.nextTaskId()
    const key = retentionKey(dueAtOnceMs(), taskId)
    shard.put(deletedKey(historyPrefix(ref.runKey)), hash, encodeRow([]))
    shard.putUncounted(key, hash, taskId, encodeRetention(ref, undefined))
    return { ref, hash, retentionKey: key, rowIds: undefined }
  }

  /** Does the row of the current run say that it is this one? A row that says otherwise never comes back to it. */
  async #isCurrent({ ref, hash }: ClosedRun): Promise<boolean> {
    const { context } = this.#parts
    const { namespaceId, workflowId, runId } = ref
    for (;;) {
      const row = await context.readCurrentRun(namespaceId, workflowId, hash)
      if (row?.runId !== runId) return false
      const cached = context.cache.current(namespaceId, workflowId)
      if (cached === undefined) return true
      // Its start is on its way to the medium, or its close.
      await cached.transact(() => {})
    }
  }

  #durable(shard: Shard): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      shard.stage().turns.push({ durable: resolve, failed: reject })
      this.#parts.context.host.staged(shard)
    })
  }
}
