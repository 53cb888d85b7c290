/**
 * Workflow tasks: the turns of the workflow's own code. At most one is pending.
 *
 * Only the first failure of a series is recorded. The attempts after it are transient: neither their Scheduled nor their
 * Started is in history, they have the ids that would come next, and only the one that completes is written down. Any
 * event in between ends the series: what is tried next is a new task, with attempt 1.
 */
import type { EventOf, WorkflowTaskFailedCause } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import type { PendingWorkflowTask } from '../protocol/description.js'
import type { WorkflowTaskToken } from '../protocol/worker-tasks.js'
import { flushBuffer, isBufferFull, isWorkflowTaskHeld } from './buffer.js'
import { EXECUTION_CLOSED, NotFoundError, WORKFLOW_TASK_NOT_FOUND } from './errors.js'
import type { ExecutionState } from './state.js'
import type { WorkflowTaskProgress } from './transition.js'
import type { Turn } from './turn.js'

export const DEFAULT_WORKFLOW_TASK_TIMEOUT_MS = 10_000
const LAST_ATTEMPT_AS_USUAL = 3
const FIRST_STRETCH_MS = 5_000
const LAST_ATTEMPT_AT_ONCE = 4
const FIRST_BACKOFF_MS = 10_000
const LONGEST_WAIT_MS = 600_000

/** What a worker's answer is checked by. */
export type WorkflowTaskId = Pick<WorkflowTaskToken, 'scheduledEventId' | 'startedEventId' | 'attempt' | 'stamp'>

/** Wakes the workflow code, once however many things have happened to it. */
export function scheduleWorkflowTask(turn: Turn): void {
  const { state } = turn
  const progress = state.workflowTaskProgress
  if (progress === undefined) {
    if (state.workflowTask === undefined && state.firstTaskDueAtMs === 0) scheduleFirstAttempt(turn)
  } else if (isWorkflowTaskHeld(state)) {
    // Whoever holds it so long is not to hold up everybody else; its answer will come too late.
    if (isBufferFull(turn)) endAttempt(turn, progress, { cause: 'ForceCloseCommand', failure: undefined, identity: '' })
  } else if (progress.isBackingOff && state.stall === undefined) endBackoff(turn, progress)
}

/** The wait before the first workflow task is over, or something happened that it does not hold up. False when none waits. */
export function endFirstTaskWait(turn: Turn): boolean {
  if (turn.state.firstTaskDueAtMs === 0 || turn.state.closed !== undefined) return false
  scheduleFirstAttempt(turn)
  return true
}

function scheduleFirstAttempt(turn: Turn): void {
  const { taskQueue, workflowTaskTimeoutMs } = turn.state.started!.attributes
  const { sticky } = turn.state
  const scheduledEventId = turn.append('WorkflowTaskScheduled', {
    taskQueue: sticky === undefined ? taskQueue : sticky.workerTaskQueue,
    startToCloseTimeoutMs: workflowTaskTimeoutMs,
    attempt: 1,
    normalTaskQueue: sticky === undefined ? undefined : taskQueue,
  })
  turn.addTask({ type: 'DispatchWorkflowTask', scheduledEventId })
}

/** How long a worker may hold that attempt: later ones longer, since the code may be slow and not broken. */
export function workflowTaskTimeoutMs(state: ExecutionState, attempt: number): number {
  const timeoutMs = state.started!.attributes.workflowTaskTimeoutMs
  if (attempt <= LAST_ATTEMPT_AS_USUAL) return timeoutMs
  return timeoutMs + Math.min(FIRST_STRETCH_MS * 2 ** (attempt - LAST_ATTEMPT_AS_USUAL - 1), LONGEST_WAIT_MS)
}

/** Undefined while the code has nothing to do. */
export function pendingWorkflowTask(state: ExecutionState): PendingWorkflowTask | undefined {
  if (state.closed !== undefined) return undefined
  const progress = state.workflowTaskProgress
  if (progress !== undefined) {
    const { attempt, scheduledAtMs } = progress
    return { state: isWorkflowTaskHeld(state) ? 'Started' : 'Scheduled', attempt, scheduledAtMs }
  }
  if (state.workflowTask === undefined) return undefined
  return { state: 'Scheduled', attempt: 1, scheduledAtMs: state.workflowTask.scheduledAtMs }
}

/** The answer is for the task that is held, and no other. */
export function requireHeld(state: ExecutionState, id: WorkflowTaskId): WorkflowTaskProgress {
  const held = state.workflowTaskProgress
  if (
    held === undefined ||
    held.startedEventId === 0 ||
    held.startedEventId !== id.startedEventId ||
    held.scheduledEventId !== id.scheduledEventId ||
    held.attempt !== id.attempt ||
    held.stamp !== id.stamp
  ) {
    throw new NotFoundError(WORKFLOW_TASK_NOT_FOUND)
  }
  return held
}

/** Why an attempt ended without completing; a time-out has none. */
export interface AttemptFailure {
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure | undefined
  readonly identity: string
}

export interface WorkflowTaskFailure extends AttemptFailure {
  readonly token: WorkflowTaskId
}

/** A worker reports that it cannot complete the task it holds. */
export function failWorkflowTask(turn: Turn, failure: WorkflowTaskFailure): void {
  if (turn.state.closed !== undefined) throw new NotFoundError(EXECUTION_CLOSED)
  endAttempt(turn, requireHeld(turn.state, failure.token), failure)
}

/** The start-to-close time-out of a held task is due. A task may run twice: false when it no longer means anything. */
export function timeoutWorkflowTask(turn: Turn, due: Omit<WorkflowTaskId, 'stamp'>): boolean {
  const held = turn.state.workflowTaskProgress
  if (held === undefined || held.startedEventId === 0) return false
  if (held.startedEventId !== due.startedEventId || held.attempt !== due.attempt) return false
  if (held.scheduledEventId !== due.scheduledEventId) return false
  endAttempt(turn, held, undefined)
  return true
}

/** The wait before a later attempt is over. False when that attempt does not wait any more. */
export function workflowTaskBackoffOver(
  turn: Turn,
  due: Pick<WorkflowTaskProgress, 'scheduledEventId' | 'attempt'>,
): boolean {
  const progress = turn.state.workflowTaskProgress
  if (progress === undefined || !progress.isBackingOff) return false
  if (progress.scheduledEventId !== due.scheduledEventId || progress.attempt !== due.attempt) return false
  endBackoff(turn, progress)
  return true
}

export function endBackoff(turn: Turn, progress: WorkflowTaskProgress): void {
  const { attempt, scheduledEventId } = progress
  const value = transientAttempt(scheduledEventId, attempt, turn.eventTimeMs, 0, false)
  turn.change({ type: 'workflowTask', value })
  turn.addTask({ type: 'DispatchWorkflowTask', scheduledEventId })
}

/** An attempt that nobody holds: it can be taken, or waits until `dueAtMs`. */
export function transientAttempt(
  scheduledEventId: number,
  attempt: number,
  scheduledAtMs: number,
  dueAtMs: number,
  isBackingOff: boolean,
): WorkflowTaskProgress {
  return {
    attempt,
    scheduledEventId,
    scheduledAtMs,
    startedEventId: 0,
    startedAtMs: 0,
    identity: '',
    requestId: '',
    stamp: 0,
    dueAtMs,
    isBackingOff,
  }
}

/** Ends a held attempt that did not complete, and sees to the next: a new task when something has happened meanwhile. */
export function endAttempt(turn: Turn, held: WorkflowTaskProgress, failure: AttemptFailure | undefined): void {
  // At a sticky queue its worker may be ill: that counts for no attempt, and the next is anybody's.
  const wasSticky = turn.state.sticky !== undefined
  recordEnd(turn, held, failure)
  if (flushBuffer(turn) || wasSticky) return scheduleWorkflowTask(turn)
  const attempt = held.attempt + 1
  // A time-out was a wait already.
  const waitMs = failure === undefined ? 0 : backoffMs(attempt)
  const { eventTimeMs } = turn
  const scheduledEventId = turn.state.nextEventId
  const dueAtMs = waitMs === 0 ? 0 : eventTimeMs + waitMs
  const value = transientAttempt(scheduledEventId, attempt, eventTimeMs, dueAtMs, waitMs !== 0)
  turn.change({ type: 'workflowTask', value })
  if (waitMs === 0) turn.addTask({ type: 'DispatchWorkflowTask', scheduledEventId })
}

/** The execution is closed from outside: nobody's answer counts any more. What waited is recorded first. */
export function forceCloseWorkflowTask(turn: Turn, identity: string): void {
  const held = turn.state.workflowTaskProgress
  if (held === undefined || held.startedEventId === 0) return
  failHeldWorkflowTask(turn, held, { cause: 'ForceCloseCommand', failure: undefined, identity })
}

/** No attempt follows: the execution is closed next. */
export function failHeldWorkflowTask(turn: Turn, held: WorkflowTaskProgress, failure: AttemptFailure): void {
  recordEnd(turn, held, failure)
  flushBuffer(turn)
}

function recordEnd(turn: Turn, held: WorkflowTaskProgress, failed: AttemptFailure | undefined): void {
  const { scheduledEventId, startedEventId } = held
  turn.change({ type: 'workflowTask', value: undefined })
  if (turn.state.sticky !== undefined) turn.change({ type: 'sticky', value: undefined })
  if (held.attempt > 1) return
  if (failed === undefined) {
    turn.append('WorkflowTaskTimedOut', { scheduledEventId, startedEventId, timeoutType: 'StartToClose' })
  } else {
    const { cause, failure, identity } = failed
    turn.append('WorkflowTaskFailed', { scheduledEventId, startedEventId, cause, failure, identity })
  }
}

function backoffMs(attempt: number): number {
  if (attempt <= LAST_ATTEMPT_AT_ONCE) return 0
  return Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - LAST_ATTEMPT_AT_ONCE - 1), LONGEST_WAIT_MS)
}

export function applyWorkflowTaskScheduled(state: ExecutionState, event: EventOf<'WorkflowTaskScheduled'>): void {
  state.firstTaskDueAtMs = 0
  state.workflowTask = {
    scheduledEventId: event.eventId,
    scheduledAtMs: event.eventTimeMs,
    startedEventId: 0,
    startedAtMs: 0,
    attempt: event.attributes.attempt,
    startToCloseTimeoutMs: event.attributes.startToCloseTimeoutMs,
    taskQueue: event.attributes.taskQueue,
    normalTaskQueue: event.attributes.normalTaskQueue,
  }
}

export function applyWorkflowTaskStarted(state: ExecutionState, event: EventOf<'WorkflowTaskStarted'>): void {
  const scheduled = state.workflowTask!
  state.workflowTask = {
    scheduledEventId: scheduled.scheduledEventId,
    scheduledAtMs: scheduled.scheduledAtMs,
    startedEventId: event.eventId,
    startedAtMs: event.eventTimeMs,
    attempt: scheduled.attempt,
    startToCloseTimeoutMs: scheduled.startToCloseTimeoutMs,
    taskQueue: scheduled.taskQueue,
    normalTaskQueue: scheduled.normalTaskQueue,
  }
}

export function applyWorkflowTaskCompleted(state: ExecutionState, event: EventOf<'WorkflowTaskCompleted'>): void {
  state.workflowTask = undefined
  state.previousStartedEventId = event.attributes.startedEventId
  state.completedWorkflowTasks++
}

/** It failed or timed out. */
export function applyWorkflowTaskLost(state: ExecutionState): void {
  state.workflowTask = undefined
}
