/**
 * Which run an execution is, and the rows of its history on their way to its shard.
 *
 * Invariant: `sizeBytes` and the running CRC are those of all rows that were put, so that they are the same when the run is
 * read back.
 */
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionState } from '../machine/state.js'
import type { Shard } from '../shard/shard.js'
import type { Key } from '../storage/medium.js'
import { retentionKey } from '../queue/task-keys.js'
import type { ExecutionHost } from './contract.js'
import { MAX_LISTED_ROWS, encodeRetention } from './retention-row.js'
import { currentRunKey, encodeCurrentRun, encodeHistoryRow, historyKey, historyPrefix } from './rows.js'
import type { TaskKeyEntry, TaskRef } from './rows.js'

/** A run, with what its keys are made of. */
export interface RunIdentity extends TaskRef {
  readonly namespaceKey: string
  readonly hash: number
}

/** What its history is when it was read back. */
export interface ReadHistory {
  readonly runningCrc: number
  readonly sizeBytes: number
  /** First event ids of its rows; undefined when there are more than `MAX_LISTED_ROWS`. */
  readonly rowIds: readonly number[] | undefined
}

const NONE: readonly never[] = []

export abstract class ExecutionRows {
  readonly host: ExecutionHost
  readonly shard: Shard
  readonly namespaceId: string
  readonly namespaceKey: string
  readonly workflowId: string
  readonly runId: string
  readonly runKey: string
  readonly hash: number
  readonly state: ExecutionState
  /** Of its history rows. */
  sizeBytes = 0
  /** Its current-run row must be written: it is new, or has just closed. */
  protected isCurrentRowDirty = true
  /** It is closed to be deleted: whoever opens the shard next does that, if nobody comes to it before. */
  isDoomed = false
  /** Of the row that says when it goes; undefined while it is open, and when it is kept for ever. */
  retentionKey: Key | undefined = undefined
  #runningCrc = 0
  /** First event ids of its history rows, for whoever deletes it; undefined: there are too many, or nobody will ask. */
  #rowIds: number[] | undefined = undefined
  #rowCount = 0
  readonly #historyPrefix: string

  constructor(host: ExecutionHost, shard: Shard, ref: RunIdentity, state: ExecutionState) {
    this.host = host
    this.shard = shard
    this.namespaceId = ref.namespaceId
    this.namespaceKey = ref.namespaceKey
    this.workflowId = ref.workflowId
    this.runId = ref.runId
    this.runKey = ref.runKey
    this.hash = ref.hash
    this.state = state
    this.#historyPrefix = historyPrefix(ref.runKey)
    if (host.settings.retentionMs === undefined) this.#rowCount = MAX_LISTED_ROWS
  }

  /** It was read back. */
  resume({ runningCrc, sizeBytes, rowIds }: ReadHistory): void {
    this.#runningCrc = runningCrc
    this.sizeBytes = sizeBytes
    this.#rowCount = rowIds?.length ?? MAX_LISTED_ROWS
    this.#rowIds = rowIds?.slice()
    this.isCurrentRowDirty = false
  }

  protected putHistory(events: readonly HistoryEvent[], named: readonly TaskKeyEntry[]): void {
    const { value, runningCrc } = encodeHistoryRow(events, this.#runningCrc, named)
    this.#runningCrc = runningCrc
    this.sizeBytes += value.length
    const { eventId } = events[0]!
    this.#list(eventId)
    this.shard.put(historyKey(this.#historyPrefix, eventId), this.hash, value)
  }

  /** The last turn: nothing is pending any more, and its row names the row that says when the run goes, if it ever does. */
  protected putClose(events: readonly HistoryEvent[], closed: HistoryEvent): void {
    const { host, shard, hash } = this
    const dueAtMs = host.retentionDueMs(closed, this.isDoomed)
    if (dueAtMs === undefined) return this.putHistory(events, NONE)
    const taskId = host.nextTaskId()
    const key = (this.retentionKey = retentionKey(dueAtMs, taskId))
    this.putHistory(events, [[closed.eventId, key]])
    shard.putUncounted(key, hash, taskId, encodeRetention(this, this.#rowIds))
  }

  #list(firstEventId: number): void {
    if (this.#rowCount++ >= MAX_LISTED_ROWS) this.#rowIds = undefined
    else if (this.#rowIds === undefined) this.#rowIds = [firstEventId]
    else this.#rowIds.push(firstEventId)
  }

  protected putCurrentRow(): void {
    const { state } = this
    const { requestId } = state.started!.attributes
    const value = encodeCurrentRun(this.runKey, state.status, requestId, state.started!.eventTimeMs)
    this.shard.put(currentRunKey(this.namespaceKey, this.workflowId), this.hash, value)
    this.isCurrentRowDirty = false
  }
}
