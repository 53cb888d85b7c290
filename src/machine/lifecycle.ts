/**
 * The beginning of an execution, and its ends.
 *
 * Invariant: the turn that closes an execution clears all of its progress, so that no row of it is left behind. What was
 * pending stays in the recorded state, as history has it, and is dead.
 */
import type {
  CancelWorkflowExecutionCommand,
  Command,
  CompleteWorkflowExecutionCommand,
  ContinueAsNewWorkflowExecutionCommand,
  FailWorkflowExecutionCommand,
} from '../protocol/command.js'
import type { EventAttributes, EventOf, HistoryEvent, WorkflowStatus } from '../protocol/event.js'
import type { Payloads } from '../protocol/payload.js'
import { BadCommandError, ExecutionClosedError } from './errors.js'
import { continueAsNew, followRun } from './next-run.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { DEFAULT_WORKFLOW_TASK_TIMEOUT_MS, forceCloseWorkflowTask, scheduleWorkflowTask } from './workflow-task.js'

/** A worker that died is not waited for longer. As in Temporal. */
const LONGEST_WORKFLOW_TASK_TIMEOUT_MS = 120_000

/**
 * The first turn of an execution, and the signal that it begins with, if any. A task time-out of 0 is given its default; no run
 * may last longer than its chain.
 */
export function startExecution(
  turn: Turn,
  attributes: EventAttributes['WorkflowExecutionStarted'],
  signal?: EventAttributes['WorkflowExecutionSignaled'],
): void {
  const { workflowExecutionTimeoutMs: chainMs, workflowRunTimeoutMs: askedMs } = attributes
  const workflowRunTimeoutMs = chainMs > 0 && (askedMs === 0 || askedMs > chainMs) ? chainMs : askedMs
  turn.append('WorkflowExecutionStarted', {
    workflowType: attributes.workflowType,
    workflowId: attributes.workflowId,
    taskQueue: attributes.taskQueue,
    input: attributes.input,
    workflowExecutionTimeoutMs: attributes.workflowExecutionTimeoutMs,
    workflowRunTimeoutMs,
    workflowTaskTimeoutMs: taskTimeoutMs(attributes.workflowTaskTimeoutMs, workflowRunTimeoutMs),
    originalExecutionRunId: attributes.originalExecutionRunId,
    firstExecutionRunId: attributes.firstExecutionRunId,
    attempt: attributes.attempt,
    identity: attributes.identity,
    requestId: attributes.requestId,
    replayRules: attributes.replayRules,
    retryPolicy: attributes.retryPolicy,
    cronSchedule: attributes.cronSchedule,
    header: attributes.header,
    firstWorkflowTaskBackoffMs: attributes.firstWorkflowTaskBackoffMs,
    continuedExecutionRunId: attributes.continuedExecutionRunId,
    initiator: attributes.initiator,
    continuedFailure: attributes.continuedFailure,
    lastCompletionResult: attributes.lastCompletionResult,
    workflowExecutionExpirationTimeMs:
      chainMs > 0 ? (attributes.workflowExecutionExpirationTimeMs ?? turn.eventTimeMs + chainMs) : undefined,
    memo: attributes.memo,
    searchAttributes: attributes.searchAttributes,
  })
  if (signal !== undefined) turn.append('WorkflowExecutionSignaled', signal)
  scheduleWorkflowTask(turn)
}

function taskTimeoutMs(askedMs: number, runTimeoutMs: number): number {
  const timeoutMs = askedMs === 0 ? DEFAULT_WORKFLOW_TASK_TIMEOUT_MS : askedMs
  const longestMs = runTimeoutMs === 0 ? LONGEST_WORKFLOW_TASK_TIMEOUT_MS : runTimeoutMs
  return Math.min(timeoutMs, longestMs, LONGEST_WORKFLOW_TASK_TIMEOUT_MS)
}

/** Who terminates an execution that has passed a limit: as Temporal's histories name the server. */
export const HISTORY_SERVICE = 'history-service'

export interface Termination {
  readonly reason: string
  readonly details: Payloads | undefined
  readonly identity: string
}

export function terminateExecution(turn: Turn, { reason, details, identity }: Termination): void {
  if (turn.state.closed !== undefined) throw new ExecutionClosedError()
  forceCloseWorkflowTask(turn, identity)
  turn.append('WorkflowExecutionTerminated', { reason, details, identity })
  clearProgress(turn)
}

export function completeExecution(
  turn: Turn,
  command: CompleteWorkflowExecutionCommand,
  workflowTaskCompletedEventId: number,
): void {
  requireNothingUnseen(turn.state, command)
  const { result } = command
  const { newExecutionRunId } = followRun(turn, { failure: undefined, result })
  turn.append('WorkflowExecutionCompleted', { result, workflowTaskCompletedEventId, newExecutionRunId })
  clearProgress(turn)
}

export function failExecution(
  turn: Turn,
  command: FailWorkflowExecutionCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { failure } = command
  if (failure === undefined) {
    const detail = 'Failure is not set on FailWorkflowExecutionCommand.'
    throw new BadCommandError(command, 'BadFailWorkflowExecutionAttributes', detail)
  }
  requireNothingUnseen(turn.state, command)
  const { retryState, newExecutionRunId } = followRun(turn, { failure, result: undefined })
  turn.append('WorkflowExecutionFailed', { failure, retryState, workflowTaskCompletedEventId, newExecutionRunId })
  clearProgress(turn)
}

export function continueExecution(
  turn: Turn,
  command: ContinueAsNewWorkflowExecutionCommand,
  workflowTaskCompletedEventId: number,
): void {
  requireNothingUnseen(turn.state, command)
  continueAsNew(turn, command, workflowTaskCompletedEventId)
  clearProgress(turn)
}

/** Legal also when nobody asked for it, as in Temporal. */
export function cancelExecution(
  turn: Turn,
  command: CancelWorkflowExecutionCommand,
  workflowTaskCompletedEventId: number,
): void {
  requireNothingUnseen(turn.state, command)
  turn.append('WorkflowExecutionCanceled', { details: command.details, workflowTaskCompletedEventId })
  clearProgress(turn)
}

/** What arrived while the worker held the task was acknowledged: the code sees it before it may close. */
function requireNothingUnseen(state: ExecutionState, command: Command): void {
  if (state.buffered !== undefined) throw new BadCommandError(command, 'UnhandledCommand', '')
}

export function clearProgress(turn: Turn): void {
  const { activityProgress, workflowTaskProgress, stall } = turn.state
  if (activityProgress !== undefined) {
    for (const [scheduledEventId, { phase, incarnation, attempt }] of activityProgress) {
      const isRunningHere = phase === 'started' && incarnation !== ''
      if (isRunningHere) turn.addTask({ type: 'CancelActivityTask', scheduledEventId, attempt, reason: 'closed' })
      turn.change({ type: 'activity', scheduledEventId, value: undefined })
    }
  }
  if (workflowTaskProgress !== undefined) turn.change({ type: 'workflowTask', value: undefined })
  if (stall !== undefined) turn.change({ type: 'stall', value: undefined })
}

export function applyExecutionStarted(state: ExecutionState, event: EventOf<'WorkflowExecutionStarted'>): void {
  state.started = event
  const { firstWorkflowTaskBackoffMs, memo, searchAttributes } = event.attributes
  state.memo = memo
  state.searchAttributes = searchAttributes
  if (firstWorkflowTaskBackoffMs !== undefined) state.firstTaskDueAtMs = event.eventTimeMs + firstWorkflowTaskBackoffMs
}

export function applyExecutionClosed(state: ExecutionState, event: HistoryEvent, status: WorkflowStatus): void {
  state.closed = event
  state.status = status
}
