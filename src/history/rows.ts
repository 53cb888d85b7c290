/**
 * The rows of an execution: keys and values, builder beside reader. docs/keys.md lists them.
 *
 * Kinds at or above 0x40 are read by point or by run: the current run of a workflow id, the history of a run, its progress.
 * Values of task rows (kinds below) name the run that they are for.
 */
import { readU32, textKey, u32, u8 } from '../base/bytes.js'
import { beginRow, decodeChainedRow, decodeRow, encodeRow, endChainedRow } from '../storage/codec.js'
import { CorruptError } from '../storage/errors.js'
import type { HistoryEvent, WorkflowStatus } from '../protocol/event.js'
import { DEFAULT_NAMESPACE_ID } from '../protocol/ids.js'
import type { Key, KeyBounds } from '../storage/medium.js'
import { afterPrefix } from '../base/bytes.js'
import { uuidKey, uuidText } from '../base/uuid.js'
import { decodeEvent, writeEvent } from './event-codec.js'
import { arrayOf } from './value-codec.js'

export const ROW_KINDS = { currentRun: 0x40, history: 0x41, progress: 0x42 } as const

/** A fork (reset, replication) makes another; until then every run has this one. */
const FIRST_BRANCH = u8(0)

// ---- the current run of a workflow id

export interface CurrentRun {
  readonly runId: string
  readonly status: WorkflowStatus
  /** Request id of the start. */
  readonly requestId: string
  readonly startTimeMs: number
}

const STATUSES: readonly WorkflowStatus[] = [
  'Running',
  'Completed',
  'Failed',
  'Canceled',
  'Terminated',
  'ContinuedAsNew',
  'TimedOut',
]

export function currentRunKey(namespaceKey: string, workflowId: string): Key {
  return u8(ROW_KINDS.currentRun) + namespaceKey + textKey(workflowId)
}

export function encodeCurrentRun(
  runKey: string,
  status: WorkflowStatus,
  requestId: string,
  startTimeMs: number,
): Uint8Array {
  return encodeRow([runKey, STATUSES.indexOf(status), requestId, startTimeMs])
}

export function decodeCurrentRun(bytes: Uint8Array, workflowId: string): CurrentRun {
  const [runKey, status, requestId, startTimeMs] = decodeRow(bytes, `current run of ${workflowId}`)
  const known = STATUSES[status as number]
  if (typeof runKey !== 'string' || known === undefined) throw new CorruptError(`current run of ${workflowId}: not one`)
  return { runId: uuidText(runKey), status: known, requestId: requestId as string, startTimeMs: startTimeMs as number }
}

// ---- history: one row for the events of one commit

export interface HistoryRow {
  readonly firstEventId: number
  readonly events: readonly HistoryEvent[]
  /** Over this row and all before it. */
  readonly runningCrc: number
  /** Keys of the task rows that the commit wrote, by the item they are for. Of this store alone: never replicated. */
  readonly taskKeys: readonly TaskKeyEntry[]
}

/** Scheduled or started event id of the item; 0: the workflow task, 1: the run. */
export type TaskKeyEntry = readonly [itemId: number, key: Key]

export function historyPrefix(runKey: string): string {
  return u8(ROW_KINDS.history) + runKey + FIRST_BRANCH
}

/** Below every key of a run's history there is none, and above it none: a range of one run. */
export function historyBounds(runKey: string): KeyBounds {
  const prefix = historyPrefix(runKey)
  return { gte: prefix, lt: afterPrefix(prefix) }
}

/** The key of the row behind this one, at the least. */
export function historyKeyAfter(key: Key): Key {
  return key.slice(0, -4) + u32(readU32(key, key.length - 4) + 1)
}

export function historyKey(prefix: string, firstEventId: number): Key {
  return prefix + u32(firstEventId)
}

/**
 * Stands before the first event of a run that is being deleted in several commits, from the first of them, which takes the
 * first event away, to the last: who reads the run meets it first.
 */
export function deletedKey(prefix: string): Key {
  return historyKey(prefix, 0)
}

export function isDeletedKey(key: Key): boolean {
  return readU32(key, key.length - 4) === 0
}

/** [running CRC, version, task keys, events]: the running CRC is over the events alone. */
export function encodeHistoryRow(
  events: readonly HistoryEvent[],
  crcBefore: number,
  taskKeys: readonly TaskKeyEntry[],
): { readonly value: Uint8Array; readonly runningCrc: number } {
  const writer = beginRow()
  writer.beginArray(4)
  writer.writeUint32(0)
  writer.write(events[0]!.version)
  writer.write(taskKeys.length === 0 ? null : taskKeys, 1)
  const eventsAt = writer.length
  writer.beginArray(events.length)
  for (let i = 0; i < events.length; i++) writeEvent(writer, events[i]!)
  return endChainedRow(eventsAt, crcBefore)
}

/** Throws LOOM_CORRUPT when the row does not continue a history that ended in `crcBefore`. */
export function decodeHistoryRow(key: Key, bytes: Uint8Array, crcBefore: number): HistoryRow {
  const firstEventId = readU32(key, key.length - 4)
  const what = `history row at event ${firstEventId}`
  const [runningCrc, version, taskKeys, rows] = decodeChainedRow(bytes, crcBefore, what)
  const events = arrayOf(rows, what).map((event, i) => decodeEvent(event, firstEventId + i, version as number))
  return {
    firstEventId,
    events,
    runningCrc: runningCrc as number,
    taskKeys: taskKeys === null ? [] : (taskKeys as readonly TaskKeyEntry[]),
  }
}

// ---- progress: what history does not hold, one row an item

export const WORKFLOW_TASK_ITEM = 0
/** Its Started event: the time-out of the run. */
export const RUN_ITEM = 1

export function progressKey(runKey: string, itemId: number): Key {
  return u8(ROW_KINDS.progress) + runKey + u32(itemId)
}

export function progressBounds(runKey: string): KeyBounds {
  const prefix = u8(ROW_KINDS.progress) + runKey
  return { gte: prefix, lt: afterPrefix(prefix) }
}

export function progressItem(key: Key): number {
  return readU32(key, key.length - 4)
}

const namespaceKeys = new Map<string, string>()

/** `uuidKey` of a namespace id: there are few, and each start asks. */
export function namespaceKey(namespaceId: string): string {
  let key = namespaceKeys.get(namespaceId)
  if (key === undefined) namespaceKeys.set(namespaceId, (key = uuidKey(namespaceId)))
  return key
}

// ---- task rows: whom they are for

/** What every task row begins with. */
export interface TaskRef {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId: string
  readonly runKey: string
}

/** [namespace (null: the default), workflow id, run, rest]. */
export function encodeTask(ref: TaskRef, rest: readonly unknown[]): Uint8Array {
  const namespace = ref.namespaceId === DEFAULT_NAMESPACE_ID ? null : namespaceKey(ref.namespaceId)
  return encodeRow([namespace, ref.workflowId, ref.runKey, rest])
}

export function decodeTask(
  bytes: Uint8Array,
  what: string,
): { readonly ref: TaskRef; readonly rest: readonly unknown[] } {
  const [namespace, workflowId, runKey, rest] = decodeRow(bytes, what)
  if (typeof workflowId !== 'string' || typeof runKey !== 'string') throw new CorruptError(`${what}: names no run`)
  const namespaceId = typeof namespace === 'string' ? uuidText(namespace) : DEFAULT_NAMESPACE_ID
  return { ref: { namespaceId, workflowId, runId: uuidText(runKey), runKey }, rest: arrayOf(rest, what) }
}
