/**
 * A worker that polled takes a workflow task and holds it until it answers, or until its time is up.
 *
 * Invariant: while it is held, history has Started (attempt 1) or ends where the virtual Scheduled would stand (transient).
 */
import type { EventAttributes, EventType, HistoryEvent } from '../protocol/event.js'
import type { ExecutionState } from './state.js'
import type { WorkflowTaskProgress } from './transition.js'
import type { Turn } from './turn.js'
import { workflowTaskTimeoutMs } from './workflow-task.js'

export interface WorkflowTaskTaking {
  /** Of the task that was dispatched. It may be taken already, or over: then nothing is. */
  readonly scheduledEventId: number
  readonly identity: string
  /** The same one again gets the same answer. */
  readonly requestId: string
  readonly historySizeBytes: number
}

/** Returns what the worker's token is made of; undefined when that task is not to be taken (any more). */
export function startWorkflowTask(turn: Turn, taking: WorkflowTaskTaking): WorkflowTaskProgress | undefined {
  const { state } = turn
  if (state.closed !== undefined) return undefined
  const progress = state.workflowTaskProgress
  if (progress === undefined) {
    const scheduledEventId = state.workflowTask?.scheduledEventId
    if (scheduledEventId !== taking.scheduledEventId) return undefined
    return hold(turn, taking, scheduledEventId, appendStarted(turn, taking, scheduledEventId), 1)
  }
  if (progress.startedEventId !== 0) return progress.requestId === taking.requestId ? progress : undefined
  if (progress.isBackingOff || progress.scheduledEventId !== taking.scheduledEventId) return undefined
  // Another worker's code may well do what this host's could not.
  if (state.stall !== undefined) turn.change({ type: 'stall', value: undefined })
  if (isSeriesOver(state, progress)) {
    const scheduledEventId = appendScheduled(turn, progress, 1)
    return hold(turn, taking, scheduledEventId, appendStarted(turn, taking, scheduledEventId), 1)
  }
  return hold(turn, taking, progress.scheduledEventId, progress.scheduledEventId + 1, progress.attempt)
}

/** Has something been recorded since this transient task was scheduled? Then it is a new one, with attempt 1. */
export function isSeriesOver(state: ExecutionState, transient: WorkflowTaskProgress): boolean {
  return transient.scheduledEventId !== state.nextEventId
}

/** Writes down the Scheduled event of a task that was transient so far. */
export function appendScheduled(turn: Turn, transient: WorkflowTaskProgress, attempt: number): number {
  return turn.append('WorkflowTaskScheduled', scheduledAttributes(turn.state, attempt), transient.scheduledAtMs)
}

/**
 * What a worker must see of a transient task though history does not hold it: its Scheduled and Started, with the ids that
 * they get if it completes. Empty for any other task.
 */
export function transientEvents(state: ExecutionState, historySizeBytes: number): HistoryEvent[] {
  const held = state.workflowTaskProgress
  if (held === undefined || held.startedEventId === 0 || held.attempt === 1) return []
  const { scheduledEventId, startedEventId, attempt, scheduledAtMs, startedAtMs } = held
  const scheduled = scheduledAttributes(state, attempt)
  return [
    virtualEvent(scheduledEventId, 'WorkflowTaskScheduled', scheduledAtMs, scheduled),
    virtualEvent(startedEventId, 'WorkflowTaskStarted', startedAtMs, startedAttributes(held, historySizeBytes)),
  ]
}

/** What history says of a transient attempt's start. */
export function startedAttributes(
  held: WorkflowTaskProgress,
  historySizeBytes: number,
): EventAttributes['WorkflowTaskStarted'] {
  const { scheduledEventId, identity, requestId, startedAtMs } = held
  return { scheduledEventId, identity, requestId, beginTimeMs: startedAtMs, historySizeBytes }
}

function scheduledAttributes(state: ExecutionState, attempt: number): EventAttributes['WorkflowTaskScheduled'] {
  const startToCloseTimeoutMs = workflowTaskTimeoutMs(state, attempt)
  return { taskQueue: state.started!.attributes.taskQueue, startToCloseTimeoutMs, attempt }
}

function appendStarted(turn: Turn, taking: WorkflowTaskTaking, scheduledEventId: number): number {
  const { identity, requestId, historySizeBytes } = taking
  const beginTimeMs = turn.eventTimeMs
  return turn.append('WorkflowTaskStarted', { scheduledEventId, identity, requestId, beginTimeMs, historySizeBytes })
}

function hold(
  turn: Turn,
  taking: WorkflowTaskTaking,
  scheduledEventId: number,
  startedEventId: number,
  attempt: number,
): WorkflowTaskProgress {
  const { state, eventTimeMs } = turn
  const scheduledAtMs = (state.workflowTask ?? state.workflowTaskProgress)!.scheduledAtMs
  const value: WorkflowTaskProgress = {
    attempt,
    scheduledEventId,
    scheduledAtMs,
    startedEventId,
    startedAtMs: eventTimeMs,
    identity: taking.identity,
    requestId: taking.requestId,
    stamp: 0,
    dueAtMs: eventTimeMs + workflowTaskTimeoutMs(state, attempt),
    isBackingOff: false,
  }
  turn.change({ type: 'workflowTask', value })
  return value
}

function virtualEvent<T extends EventType>(
  eventId: number,
  eventType: T,
  eventTimeMs: number,
  attributes: EventAttributes[T],
): HistoryEvent {
  return { eventId, eventType, eventTimeMs, version: 0, attributes } as HistoryEvent
}
