/**
 * The task and progress rows of one execution's pending items: written from the state after a turn, deleted by the commit
 * that ends the item.
 *
 * An item has at most one row that says where it stands (an open attempt, a timer, a backlog entry), beside it a timer row
 * when a backlog entry can time out, and a progress row only when there is something that neither history nor that row says.
 *
 * Invariant: after `write` the rows that are staged say what the state says.
 */
import { FewMap } from '../base/few-map.js'
import { attemptKey, backlogKey, bufferedKey, keyTaskId, timerKey } from '../queue/task-keys.js'
import type { ActivityProgress } from '../machine/transition.js'
import { activityDue } from '../machine/activity-attempt.js'
import { isEndBuffered } from '../machine/buffer.js'
import type { LiveTurn } from '../machine/machine.js'
import { stickyDueAtMs } from '../machine/sticky.js'
import { runExpiryMs } from '../machine/run-timeout.js'
import type { ActivityInfo } from '../machine/state.js'
import { TASK_KINDS } from '../shard/shard.js'
import { encodeRow } from '../storage/codec.js'
import type { Key } from '../storage/medium.js'
import type { ExecutionView } from './contract.js'
import { DueEntry, TIMER_TYPES } from './due.js'
import { encodeEvent } from './event-codec.js'
import { encodeActivityProgress, encodeStall, encodeWorkflowTaskProgress } from './progress-codec.js'
import { RUN_ITEM, WORKFLOW_TASK_ITEM, encodeTask, progressKey } from './rows.js'
import type { TaskKeyEntry } from './rows.js'

/** What one item has on the medium and on the wheel. */
export interface ItemRow {
  keys: readonly Key[]
  hasProgressRow: boolean
  /** Armed when the turn is durable; undefined when nothing is due, or the execution was read back. */
  entry: DueEntry | undefined
}

const NONE: readonly never[] = []

export class ItemRows {
  readonly #execution: ExecutionView
  /** By scheduled event id. Made when first needed, as `timers`: most executions have one of them at most. */
  activities: FewMap<number, ItemRow> | undefined = undefined
  /** By started event id. */
  timers: FewMap<number, ItemRow> | undefined = undefined
  workflowTask: ItemRow | undefined = undefined
  /** The time-out of the run. */
  run: ItemRow | undefined = undefined
  bufferedKeys: readonly Key[] = NONE
  /** Entries to arm when the turn that is being staged is durable. */
  #due: readonly DueEntry[] | undefined = undefined
  /** Keys that this turn's history row will name. */
  #named: readonly TaskKeyEntry[] = NONE

  constructor(execution: ExecutionView) {
    this.#execution = execution
  }

  /** Stages the rows that this turn changed. Returns the keys for its history row, and what to arm when it is durable. */
  write(turn: LiveTurn): { readonly named: readonly TaskKeyEntry[]; readonly due: readonly DueEntry[] | undefined } {
    this.#due = undefined
    this.#named = NONE
    const hasEvents = turn.events.length > 0
    if (this.#execution.state.closed !== undefined) {
      this.#dropAll()
      return { named: this.#named, due: this.#due }
    }
    for (const event of turn.events) {
      if (event.eventType === 'TimerStarted') this.#putTimer(event.eventId, event.attributes.timerId)
      else if (event.eventType === 'TimerFired' || event.eventType === 'TimerCanceled')
        this.#dropTimer(event.attributes.startedEventId)
      else if (event.eventType === 'WorkflowExecutionStarted') this.#putRun()
    }
    this.#writeChanged(turn, hasEvents)
    return { named: this.#named, due: this.#due }
  }

  /** It was read back: these rows are what its items have. Entries on the wheel, if any, find it by its ids. */
  resume(
    activityIds: ReadonlySet<number>,
    rows: ReadonlyMap<number, { readonly keys: Key[]; readonly hasProgressRow: boolean }>,
    bufferedKeys: readonly Key[],
  ): void {
    for (const [itemId, { keys, hasProgressRow }] of rows) {
      const item: ItemRow = { keys, hasProgressRow, entry: undefined }
      if (itemId === WORKFLOW_TASK_ITEM) this.workflowTask = item
      else if (itemId === RUN_ITEM) this.run = item
      else if (activityIds.has(itemId)) (this.activities ??= new FewMap()).set(itemId, item)
      else (this.timers ??= new FewMap()).set(itemId, item)
    }
    this.bufferedKeys = [...bufferedKeys]
  }

  /** Task id of the backlog entry of an item; undefined when it has none. */
  backlogTaskId(itemId: number): number | undefined {
    const item = itemId === WORKFLOW_TASK_ITEM ? this.workflowTask : this.activities?.get(itemId)
    const key = item?.keys.find((one) => one.charCodeAt(0) === TASK_KINDS.backlog)
    return key === undefined ? undefined : keyTaskId(key)
  }

  /** Nothing of the execution is on the wheel any more. */
  disarm(): void {
    const { wheel } = this.#execution.host
    for (const items of [this.activities, this.timers]) {
      for (const { entry } of items?.values() ?? []) if (entry !== undefined) wheel.remove(entry)
    }
    if (this.workflowTask?.entry !== undefined) wheel.remove(this.workflowTask.entry)
    if (this.run?.entry !== undefined) wheel.remove(this.run.entry)
  }

  #writeChanged(turn: LiveTurn, hasEvents: boolean): void {
    // Its first task waits for its time; later the task's own events tell.
    let isWorkflowTaskDirty = turn.events[0]?.eventId === 1 && this.#execution.state.firstTaskDueAtMs !== 0
    let isBufferDirty = false
    const dirty: number[] = []
    for (const change of turn.changes) {
      if (change.type === 'activity') {
        if (!dirty.includes(change.scheduledEventId)) dirty.push(change.scheduledEventId)
      } else if (change.type === 'buffer') {
        this.#putBuffered(change.event)
        isBufferDirty = true
      } else if (change.type === 'flushBuffer') {
        this.#dropBuffered()
        isBufferDirty = true
      } else if (change.type !== 'sticky') isWorkflowTaskDirty = true
    }
    for (const event of turn.events) {
      if (event.eventType === 'WorkflowTaskScheduled' || event.eventType === 'WorkflowTaskCompleted')
        isWorkflowTaskDirty = true
      else if (event.eventType === 'ActivityTaskScheduled' && !dirty.includes(event.eventId)) dirty.push(event.eventId)
      else if (hasClosedActivity(event)) {
        const { scheduledEventId } = event.attributes
        if (!dirty.includes(scheduledEventId)) dirty.push(scheduledEventId)
      }
    }
    for (const scheduledEventId of dirty) this.#writeActivity(scheduledEventId, hasEvents)
    if (isWorkflowTaskDirty) this.#writeWorkflowTask(hasEvents)
    else if (isBufferDirty && this.workflowTask?.hasProgressRow === true)
      this.#putWorkflowTaskProgress(this.workflowTask)
  }

  // ---- activities

  #writeActivity(scheduledEventId: number, hasEvents: boolean): void {
    const { state, shard, hash } = this.#execution
    const open = state.activities?.get(scheduledEventId)
    // Its end may be waiting in the buffer: it needs no row of its own any more.
    const info = open === undefined || isEndBuffered(state, scheduledEventId) ? undefined : open
    const old = this.activities?.get(scheduledEventId)
    this.#dropKeys(old)
    if (info === undefined) {
      if (old?.hasProgressRow === true) shard.remove(progressKey(this.#execution.runKey, scheduledEventId), hash)
      this.activities?.delete(scheduledEventId)
      return
    }
    const progress = state.activityProgress?.get(scheduledEventId)
    const item: ItemRow = { keys: NONE, hasProgressRow: false, entry: undefined }
    this.#putActivityTask(item, scheduledEventId, info, progress)
    // Keys that no history row names must be found in a progress row, once the execution was evicted.
    item.hasProgressRow =
      old?.hasProgressRow === true || !hasEvents || (progress !== undefined && saysMoreThanItsRow(progress))
    if (item.hasProgressRow) this.#putActivityProgress(item, scheduledEventId, progress)
    else for (const key of item.keys) this.#name([scheduledEventId, key])
    this.activities ??= new FewMap()
    this.activities.set(scheduledEventId, item)
  }

  /** The one row that says where the attempt stands; a backlog entry that can time out has a timer beside it. */
  #putActivityTask(
    item: ItemRow,
    scheduledEventId: number,
    info: ActivityInfo,
    progress: ActivityProgress | undefined,
  ): void {
    const { host, namespaceId } = this.#execution
    const due = activityDue(info, progress)
    const attempt = progress?.attempt ?? 1
    const stamp = progress?.stamp ?? 0
    if (progress?.phase === 'started' && progress.incarnation !== '') {
      const taskId = host.nextTaskId()
      const value = encodeTask(this.#execution, [scheduledEventId, encodeActivityProgress(progress)])
      this.#putTask(item, attemptKey(taskId), taskId, value)
      if (due === undefined) return
      const { dueAtMs } = due
      this.#arm(
        item,
        new DueEntry(this.#execution, TIMER_TYPES.attempt, scheduledEventId, { dueAtMs, attempt, stamp }, taskId),
      )
      return
    }
    if (progress === undefined || progress.phase === 'scheduled') {
      const taskId = host.nextTaskId()
      const { taskQueue, activityType } = info.attributes
      const fields = [scheduledEventId, attempt, stamp, activityType]
      this.#putTask(
        item,
        backlogKey(namespaceId, 'activity', taskQueue, taskId),
        taskId,
        encodeTask(this.#execution, fields),
      )
    }
    if (due !== undefined) {
      this.#putTimerRow(item, TIMER_TYPES.activity, scheduledEventId, { dueAtMs: due.dueAtMs, attempt, stamp }, '')
    }
  }

  #putActivityProgress(item: ItemRow, scheduledEventId: number, progress: ActivityProgress | undefined): void {
    const { shard, hash, runKey } = this.#execution
    const fields = progress === undefined ? null : encodeActivityProgress(progress)
    shard.put(progressKey(runKey, scheduledEventId), hash, encodeRow([fields, item.keys]))
  }

  // ---- user timers

  #putTimer(startedEventId: number, timerId: string): void {
    const timer = this.#execution.state.timers?.get(timerId)
    // Started and canceled, or fired, in the same turn: it never needs a row.
    if (timer === undefined || timer.startedEventId !== startedEventId) return
    const item: ItemRow = { keys: NONE, hasProgressRow: false, entry: undefined }
    this.#putTimerRow(
      item,
      TIMER_TYPES.user,
      startedEventId,
      { dueAtMs: timer.fireAtMs, attempt: 0, stamp: 0 },
      timerId,
    )
    this.#name([startedEventId, item.keys[0]!])
    this.timers ??= new FewMap()
    this.timers.set(startedEventId, item)
  }

  #dropTimer(startedEventId: number): void {
    this.#dropKeys(this.timers?.get(startedEventId))
    this.timers?.delete(startedEventId)
  }

  #putRun(): void {
    const dueAtMs = runExpiryMs(this.#execution.state)
    if (dueAtMs === 0) return
    this.run = { keys: NONE, hasProgressRow: false, entry: undefined }
    this.#putTimerRow(this.run, TIMER_TYPES.run, RUN_ITEM, { dueAtMs, attempt: 0, stamp: 0 }, '')
    this.#name([RUN_ITEM, this.run.keys[0]!])
  }

  // ---- the workflow task

  #writeWorkflowTask(hasEvents: boolean): void {
    const { state, shard, hash, runKey, namespaceId, host } = this.#execution
    const old = this.workflowTask
    this.#dropKeys(old)
    const { workflowTask, workflowTaskProgress: progress, stall, firstTaskDueAtMs } = state
    if (workflowTask === undefined && progress === undefined && stall === undefined && firstTaskDueAtMs === 0) {
      if (old?.hasProgressRow === true) shard.remove(progressKey(runKey, WORKFLOW_TASK_ITEM), hash)
      this.workflowTask = undefined
      return
    }
    const item: ItemRow = { keys: NONE, hasProgressRow: false, entry: undefined }
    const attempt = progress?.attempt ?? 1
    const stamp = progress?.stamp ?? 0
    const isStarted = progress !== undefined && progress.startedEventId !== 0
    const scheduledEventId = progress?.scheduledEventId ?? workflowTask?.scheduledEventId ?? 0
    if (firstTaskDueAtMs !== 0) {
      const due = { dueAtMs: firstTaskDueAtMs, attempt, stamp }
      this.#putTimerRow(item, TIMER_TYPES.firstTask, WORKFLOW_TASK_ITEM, due, '')
    } else if (stall !== undefined && progress?.isBackingOff === true) {
      this.#putTimerRow(
        item,
        TIMER_TYPES.stall,
        WORKFLOW_TASK_ITEM,
        { dueAtMs: stall.retryAtMs, attempt, stamp },
        stall.fingerprint,
      )
    } else if (progress !== undefined && (isStarted || progress.isBackingOff)) {
      this.#putTimerRow(item, TIMER_TYPES.workflowTask, scheduledEventId, progress, '')
    } else {
      const taskId = host.nextTaskId()
      const key = backlogKey(namespaceId, 'workflow', host.workflowQueueOf(this.#execution), taskId)
      this.#putTask(
        item,
        key,
        taskId,
        encodeTask(this.#execution, [scheduledEventId, attempt, stamp, state.started!.attributes.workflowType]),
      )
      const dueAtMs = progress === undefined ? stickyDueAtMs(state) : 0
      if (dueAtMs !== 0)
        this.#putTimerRow(item, TIMER_TYPES.workflowTask, scheduledEventId, { dueAtMs, attempt, stamp }, '')
    }
    item.hasProgressRow = old?.hasProgressRow === true || !hasEvents || progress !== undefined || stall !== undefined
    if (item.hasProgressRow) this.#putWorkflowTaskProgress(item)
    else for (const key of item.keys) this.#name([WORKFLOW_TASK_ITEM, key])
    this.workflowTask = item
  }

  #putWorkflowTaskProgress(item: ItemRow): void {
    const { state, shard, hash, runKey } = this.#execution
    const { workflowTaskProgress: progress, stall } = state
    const fields = progress === undefined ? null : encodeWorkflowTaskProgress(progress)
    const value = [fields, item.keys, stall === undefined ? null : encodeStall(stall), this.bufferedKeys]
    shard.put(progressKey(runKey, WORKFLOW_TASK_ITEM), hash, encodeRow(value))
  }

  // ---- events that wait for the end of a started workflow task

  #putBuffered(event: Parameters<typeof encodeEvent>[0]): void {
    const { host, shard, hash } = this.#execution
    const taskId = host.nextTaskId()
    const key = bufferedKey(taskId)
    shard.putTask(key, hash, taskId, encodeTask(this.#execution, [encodeEvent(event), event.version]))
    this.bufferedKeys = [...this.bufferedKeys, key]
  }

  #dropBuffered(): void {
    for (const key of this.bufferedKeys) this.#execution.shard.removeTask(key, this.#execution.hash)
    this.bufferedKeys = NONE
  }

  // ---- rows and entries

  #name(entry: TaskKeyEntry): void {
    this.#named = this.#named === NONE ? [entry] : [...this.#named, entry]
  }

  #putTimerRow(
    item: ItemRow,
    type: number,
    itemId: number,
    due: { dueAtMs: number; attempt: number; stamp: number },
    name: string,
  ): void {
    const taskId = this.#execution.host.nextTaskId()
    const value = encodeTask(this.#execution, [type, itemId, due.attempt, due.stamp, name])
    this.#putTask(item, timerKey(due.dueAtMs, taskId), taskId, value)
    this.#arm(item, new DueEntry(this.#execution, type, itemId, due, taskId, name))
  }

  #putTask(item: ItemRow, key: Key, taskId: number, value: Uint8Array): void {
    this.#execution.shard.putTask(key, this.#execution.hash, taskId, value)
    item.keys = item.keys === NONE ? [key] : [...item.keys, key]
  }

  #arm(item: ItemRow, entry: DueEntry): void {
    item.entry = entry
    this.#due = this.#due === undefined ? [entry] : [...this.#due, entry]
  }

  #dropKeys(item: ItemRow | undefined): void {
    if (item === undefined) return
    const { shard, hash, host } = this.#execution
    for (const key of item.keys) shard.removeTask(key, hash)
    if (item.entry !== undefined) {
      item.entry.isGone = true
      host.wheel.remove(item.entry)
    }
  }

  #dropAll(): void {
    const { shard, hash, runKey } = this.#execution
    this.activities?.forEach((item, id) => {
      this.#dropKeys(item)
      if (item.hasProgressRow) shard.remove(progressKey(runKey, id), hash)
    })
    this.timers?.forEach((item) => this.#dropKeys(item))
    this.#dropKeys(this.workflowTask)
    this.#dropKeys(this.run)
    if (this.workflowTask?.hasProgressRow === true) shard.remove(progressKey(runKey, WORKFLOW_TASK_ITEM), hash)
    this.#dropBuffered()
    this.activities = undefined
    this.timers = undefined
    this.workflowTask = undefined
    this.run = undefined
  }
}

/** An open attempt's row says all of a first attempt; the rest says nothing of failures before, or of a remote start. */
function saysMoreThanItsRow(progress: ActivityProgress): boolean {
  if (progress.lastFailure !== undefined || progress.heartbeatDetails !== undefined || progress.stamp > 0) return true
  if (progress.phase === 'started') return progress.incarnation === ''
  return progress.attempt > 1 || progress.dueAtMs > 0 || progress.phase === 'backoff'
}

type ClosedActivityEvent = Extract<
  LiveTurn['events'][number],
  { eventType: 'ActivityTaskCompleted' | 'ActivityTaskFailed' | 'ActivityTaskTimedOut' | 'ActivityTaskCanceled' }
>

function hasClosedActivity(event: LiveTurn['events'][number]): event is ClosedActivityEvent {
  const type = event.eventType
  return (
    type === 'ActivityTaskCompleted' ||
    type === 'ActivityTaskFailed' ||
    type === 'ActivityTaskTimedOut' ||
    type === 'ActivityTaskCanceled'
  )
}
