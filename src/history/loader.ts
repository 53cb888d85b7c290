/**
 * Reads an execution back: state from its history, progress from the rows that history or a progress row names.
 *
 * Invariant: what comes out equals what was in memory when the last of its commits became durable.
 */
import { LoomError } from '../base/errors.js'
import type { HistoryEvent } from '../protocol/event.js'
import { TASK_KINDS } from '../shard/shard.js'
import { isEndBuffered } from '../machine/buffer.js'
import { applyEvent, applyProgress } from '../machine/machine.js'
import { runExpiryMs } from '../machine/run-timeout.js'
import { ExecutionState } from '../machine/state.js'
import { decodeRow } from '../storage/codec.js'
import { CorruptError } from '../storage/errors.js'
import type { Key, Medium, Row, ShardId } from '../storage/medium.js'
import { decodeEvent } from './event-codec.js'
import { decodeActivityProgress, decodeStall, decodeWorkflowTaskProgress } from './progress-codec.js'
import {
  RUN_ITEM,
  WORKFLOW_TASK_ITEM,
  decodeHistoryRow,
  decodeTask,
  historyBounds,
  historyKey,
  historyKeyAfter,
  historyPrefix,
  isDeletedKey,
  progressBounds,
  progressItem,
} from './rows.js'
import type { ReadHistory } from './execution-rows.js'
import { MAX_LISTED_ROWS } from './retention-row.js'
import { arrayOf } from './value-codec.js'

/** Where the rows of a run are. */
export interface RunAddress {
  readonly workflowId: string
  readonly runId: string
  readonly runKey: string
  readonly shardId: ShardId
  readonly hash: number
}

export interface ItemKeys {
  readonly keys: Key[]
  readonly hasProgressRow: boolean
}

export interface LoadedRun extends ReadHistory {
  readonly state: ExecutionState
  /** By item: scheduled or started event id, 0 the workflow task; the closing event's has the key of the retention row. */
  readonly items: ReadonlyMap<number, ItemKeys>
  readonly bufferedKeys: readonly Key[]
  /** All of them, when there are few. */
  readonly events: readonly HistoryEvent[] | undefined
}

const PAGE_ROWS = 1000
/** A longer history is read again by whoever wants its events. */
const MAX_KEPT_EVENTS = 256

/** Called between slices of work; resolves after other work had its turn. */
export type Breather = () => Promise<void> | undefined

/** Undefined when there is no such run. Throws LOOM_CORRUPT for rows that do not fit together. */
export async function loadRun(medium: Medium, address: RunAddress, breathe: Breather): Promise<LoadedRun | undefined> {
  const state = new ExecutionState()
  const items = new Map<number, ItemKeys>()
  let events: HistoryEvent[] | undefined = []
  let runningCrc = 0
  let sizeBytes = 0
  let rowIds: number[] | undefined = []
  let lastTaskEvent = ''
  for await (const rows of historyRows(medium, address)) {
    for (const row of rows) {
      const history = decodeHistoryRow(row.key, row.value, runningCrc)
      if (history.firstEventId !== state.nextEventId)
        throw new CorruptError(`${named(address)}: events before ${history.firstEventId} are missing`)
      for (const event of history.events) {
        applyEvent(state, event)
        if (event.eventType.startsWith('WorkflowTask')) lastTaskEvent = event.eventType
      }
      for (const [item] of history.taskKeys) items.set(item, { keys: [], hasProgressRow: false })
      for (const [item, key] of history.taskKeys) items.get(item)!.keys.push(key)
      runningCrc = history.runningCrc
      sizeBytes += row.value.length
      if (rowIds?.length === MAX_LISTED_ROWS) rowIds = undefined
      rowIds?.push(history.firstEventId)
      if (state.nextEventId > MAX_KEPT_EVENTS) events = undefined
      else for (const event of history.events) events?.push(event)
    }
    await breathe()
  }
  if (state.nextEventId === 1) return undefined
  let bufferedKeys: readonly Key[] = []
  const isParked = (state.activities?.size ?? 0) === 0 && lastTaskEvent === 'WorkflowTaskCompleted'
  if (state.closed === undefined && !isParked) bufferedKeys = await loadProgress(medium, address, state, items)
  dropEnded(state, items)
  return { state, runningCrc, sizeBytes, rowIds, items, bufferedKeys, events }
}

/** The events of a run from one on, page by page. */
export async function* readEvents(
  medium: Medium,
  address: RunAddress,
  breathe: Breather,
): AsyncGenerator<readonly HistoryEvent[]> {
  let runningCrc = 0
  for await (const rows of historyRows(medium, address)) {
    const events: HistoryEvent[] = []
    for (const row of rows) {
      const history = decodeHistoryRow(row.key, row.value, runningCrc)
      runningCrc = history.runningCrc
      for (const event of history.events) events.push(event)
    }
    yield events
    await breathe()
  }
}

/** A run that is being deleted has no rows: what is left of it is neither whole nor damaged. LOOM_NOT_FOUND when that begins meanwhile. */
async function* historyRows(medium: Medium, address: RunAddress): AsyncGenerator<readonly Row[]> {
  const { workflowId, runId, runKey, shardId, hash } = address
  const { gte: first, lt } = historyBounds(runKey)
  let gte = first
  for (;;) {
    const rows = await medium.scan(shardId, hash, { gte, lt, limit: PAGE_ROWS })
    if (gte === first && rows.length > 0 && isDeletedKey(rows[0]!.key)) return
    // A delete takes the first event with its first commit. While that is there, all was there when this page was read.
    if (gte !== first && (await isFirstGone(medium, address))) throw noSuchRun(workflowId, runId)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE_ROWS) return
    gte = historyKeyAfter(rows.at(-1)!.key)
  }
}

async function isFirstGone(medium: Medium, { runKey, shardId, hash }: RunAddress): Promise<boolean> {
  const [first] = await medium.getMany(shardId, [{ key: historyKey(historyPrefix(runKey), 1), hash }])
  return first === undefined
}

async function loadProgress(
  medium: Medium,
  address: RunAddress,
  state: ExecutionState,
  items: Map<number, ItemKeys>,
): Promise<readonly Key[]> {
  const { gte, lt } = progressBounds(address.runKey)
  const rows = await medium.scan(address.shardId, address.hash, { gte, lt, limit: Number.MAX_SAFE_INTEGER })
  let bufferedKeys: readonly Key[] = []
  for (const row of rows) {
    const item = progressItem(row.key)
    const [fields, keys, stall, buffered] = decodeRow(row.value, `progress of ${named(address)}`)
    items.set(item, { keys: [...(keys as Key[])], hasProgressRow: true })
    if (item !== WORKFLOW_TASK_ITEM) {
      if (fields !== null)
        applyProgress(state, {
          type: 'activity',
          scheduledEventId: item,
          value: decodeActivityProgress(arrayOf(fields, 'progress')),
        })
      continue
    }
    if (fields !== null)
      applyProgress(state, { type: 'workflowTask', value: decodeWorkflowTaskProgress(arrayOf(fields, 'progress')) })
    if (stall !== null) applyProgress(state, { type: 'stall', value: decodeStall(arrayOf(stall, 'stall')) })
    bufferedKeys = buffered as readonly Key[]
  }
  await loadBuffered(medium, address, state, bufferedKeys)
  await loadAttempts(medium, address, state, items)
  return bufferedKeys
}

/** First attempts that a worker of a host runs have their open-attempt row and no other. */
async function loadAttempts(
  medium: Medium,
  address: RunAddress,
  state: ExecutionState,
  items: Map<number, ItemKeys>,
): Promise<void> {
  const keys: Key[] = []
  for (const scheduledEventId of state.activities?.keys() ?? []) {
    const item = items.get(scheduledEventId)
    if (item === undefined || item.hasProgressRow || isEndBuffered(state, scheduledEventId)) continue
    const key = item.keys.find((one) => one.charCodeAt(0) === TASK_KINDS.attempt)
    if (key !== undefined) keys.push(key)
  }
  const values = await getAll(medium, address, keys)
  for (const value of values) {
    const { rest } = decodeTask(value, `open attempt of ${named(address)}`)
    const progress = decodeActivityProgress(arrayOf(rest[1], 'progress'))
    applyProgress(state, { type: 'activity', scheduledEventId: rest[0] as number, value: progress })
  }
}

async function loadBuffered(
  medium: Medium,
  address: RunAddress,
  state: ExecutionState,
  keys: readonly Key[],
): Promise<void> {
  for (const value of await getAll(medium, address, keys)) {
    const { rest } = decodeTask(value, `buffered event of ${named(address)}`)
    if (!(rest[0] instanceof Uint8Array)) throw new CorruptError(`buffered event of ${named(address)}: not bytes`)
    const fields = decodeRow(rest[0], `buffered event of ${named(address)}`)
    applyProgress(state, { type: 'buffer', event: decodeEvent(fields, 0, rest[1] as number) })
  }
}

async function getAll(medium: Medium, address: RunAddress, keys: readonly Key[]): Promise<readonly Uint8Array[]> {
  if (keys.length === 0) return []
  const refs = keys.map((key) => ({ key, hash: address.hash }))
  const values = await medium.getMany(address.shardId, refs)
  return values.map((value, i) => {
    if (value === undefined)
      throw new CorruptError(
        `${named(address)}: a row that its history names is missing (kind ${keys[i]!.charCodeAt(0)})`,
      )
    return value
  })
}

/** Only what still waits has rows. */
function dropEnded(state: ExecutionState, items: Map<number, ItemKeys>): void {
  const running = new Set<number>()
  if (state.closed !== undefined) running.add(state.closed.eventId)
  else {
    // The rows of an activity go when it ends, though its end may still wait in the buffer.
    for (const id of state.activities?.keys() ?? []) if (!isEndBuffered(state, id)) running.add(id)
    for (const { startedEventId } of state.timers?.values() ?? []) running.add(startedEventId)
    const { workflowTask, workflowTaskProgress, stall, firstTaskDueAtMs } = state
    const hasTask = workflowTask !== undefined || workflowTaskProgress !== undefined || stall !== undefined
    if (hasTask || firstTaskDueAtMs !== 0) running.add(WORKFLOW_TASK_ITEM)
    if (runExpiryMs(state) !== 0) running.add(RUN_ITEM)
  }
  for (const item of items.keys()) if (!running.has(item)) items.delete(item)
}

function named({ workflowId, runId }: RunAddress): string {
  return `run ${runId} of ${workflowId}`
}

export function noSuchRun(workflowId: string, runId: string | undefined): LoomError {
  return new LoomError(
    'LOOM_NOT_FOUND',
    `workflow execution not found: ${workflowId}${runId === undefined ? '' : ` run ${runId}`}`,
  )
}
