/**
 * Which run an execution is, and the rows of its history on their way to its shard.
 *
 * Invariant: `sizeBytes` and the running CRC are those of all rows that were put, so that they are the same when the run is
 * read back.
 */
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionState } from '../machine/state.js'
import type { Shard } from '../shard/shard.js'
import type { ExecutionHost } from './contract.js'
import { currentRunKey, encodeCurrentRun, encodeHistoryRow, historyKey, historyPrefix } from './rows.js'
import type { TaskKeyEntry, TaskRef } from './rows.js'

/** A run, with what its keys are made of. */
export interface RunIdentity extends TaskRef {
  readonly namespaceKey: string
  readonly hash: number
}

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
  #runningCrc = 0
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
  }

  /** It was read back: its history so far ends in this CRC and is this big. */
  resume(runningCrc: number, sizeBytes: number): void {
    this.#runningCrc = runningCrc
    this.sizeBytes = sizeBytes
    this.isCurrentRowDirty = false
  }

  protected putHistory(events: readonly HistoryEvent[], named: readonly TaskKeyEntry[]): void {
    const { value, runningCrc } = encodeHistoryRow(events, this.#runningCrc, named)
    this.#runningCrc = runningCrc
    this.sizeBytes += value.length
    this.shard.put(historyKey(this.#historyPrefix, events[0]!.eventId), this.hash, value)
  }

  protected putCurrentRow(): void {
    const { state } = this
    const { requestId } = state.started!.attributes
    const value = encodeCurrentRun(this.runKey, state.status, requestId, state.started!.eventTimeMs)
    this.shard.put(currentRunKey(this.namespaceKey, this.workflowId), this.hash, value)
    this.isCurrentRowDirty = false
  }
}
