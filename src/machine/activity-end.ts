/**
 * The ends of an attempt: what its worker answered, a time-out, a host that died. Either another attempt follows, or the
 * activity's end is recorded, Started with it: history hears of an attempt only then.
 *
 * Whoever answers names the attempt by its token; an answer to another one is NotFound.
 */
import { LoomError } from '../base/errors.js'
import type { EventAttributes } from '../protocol/event.js'
import { type Failure, type RetryState, type TimeoutFailureInfo, WORKER_LOST } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import type {
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedRequest,
} from '../protocol/activity-requests.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import { findOpenActivity } from './activity.js'
import { activityDue, backOff, isAttempt, retryStateAfter } from './activity-attempt.js'
import { record } from './buffer.js'
import { ACTIVITY_NOT_FOUND, EXECUTION_CLOSED, NotFoundError } from './errors.js'
import type { ActivityInfo } from './state.js'
import type { ActivityProgress } from './transition.js'
import type { Turn } from './turn.js'
import { scheduleWorkflowTask } from './workflow-task.js'

/** What an answer is checked by. */
export type ActivityAttemptId = Pick<ActivityTaskToken, 'scheduledEventId' | 'attempt' | 'stamp'>

/** What was answered, to whichever attempt. */
export type Answer<T extends { readonly token: ActivityTaskToken }> = Omit<T, 'token'>

const NO_TIME_FOR_RETRY =
  'Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying'

export function completeActivity(
  turn: Turn,
  id: ActivityAttemptId,
  { result, identity }: Answer<RespondActivityTaskCompletedRequest>,
): void {
  const progress = requireStarted(turn, id)
  const { scheduledEventId } = id
  const startedEventId = recordStarted(turn, scheduledEventId, progress)
  record(turn, 'ActivityTaskCompleted', { result, scheduledEventId, startedEventId, identity })
  settle(turn, scheduledEventId)
}

export function failActivity(
  turn: Turn,
  id: ActivityAttemptId,
  { failure, identity, lastHeartbeatDetails }: Answer<RespondActivityTaskFailedRequest>,
): void {
  if (failure !== undefined && failure.type !== 'application') {
    throw new LoomError('LOOM_INVALID_ARGUMENT', 'Failure must have ApplicationFailureInfo.')
  }
  endByFailure(turn, id, requireStarted(turn, id), failure, identity, lastHeartbeatDetails)
}

/** Legal only after the workflow asked for it. */
export function cancelActivity(
  turn: Turn,
  id: ActivityAttemptId,
  { details, identity }: Answer<RespondActivityTaskCanceledRequest>,
): void {
  const progress = requireStarted(turn, id)
  const { scheduledEventId } = id
  const latestCancelRequestedEventId = turn.state.activities!.get(scheduledEventId)!.cancelRequestedEventId
  if (latestCancelRequestedEventId === 0) {
    const message = 'unable to mark activity as canceled without activity being request canceled first'
    throw new LoomError('LOOM_INVALID_ARGUMENT', message)
  }
  const startedEventId = recordStarted(turn, scheduledEventId, progress)
  const attributes = { details, latestCancelRequestedEventId, scheduledEventId, startedEventId, identity }
  record(turn, 'ActivityTaskCanceled', attributes)
  settle(turn, scheduledEventId)
}

/** The host that ran the attempt in process is gone. False when that attempt is not running any more. */
export function loseActivity(turn: Turn, id: ActivityAttemptId): boolean {
  const progress = findStarted(turn, id)
  if (progress === undefined) return false
  const message = `the host that ran attempt ${id.attempt} is gone`
  const failure: Failure = { type: 'application', message, applicationType: WORKER_LOST }
  endByFailure(turn, id, progress, failure, progress.identity, undefined)
  return true
}

export interface ActivityTimeout extends ActivityAttemptId {
  /** When what this task was made for was due, or later: never the clock's, so that it may step back. */
  readonly dueAtMs: number
}

/**
 * A time-out of that attempt is due: the earliest one that it waits for (`activityDue`). A task may run twice, or late:
 * false when it no longer means anything.
 */
export function timeoutActivity(turn: Turn, { scheduledEventId, attempt, stamp, dueAtMs }: ActivityTimeout): boolean {
  const info = findOpenActivity(turn.state, scheduledEventId)
  const progress = turn.state.activityProgress?.get(scheduledEventId)
  if (info === undefined || !isAttempt(progress, attempt, stamp)) return false
  const due = activityDue(info, progress)
  if (due === undefined || due.dueType === 'Retry' || due.dueAtMs > dueAtMs) return false
  if (progress?.phase === 'started' && progress.incarnation !== '') {
    turn.addTask({ type: 'CancelActivityTask', scheduledEventId, attempt, reason: 'timedOut' })
  }
  const timeoutType = due.dueType
  const failure: TimeoutFailureInfo = { type: 'timeout', message: `activity ${timeoutType} timeout`, timeoutType }
  const retryState = retryStateAfterTimeout(turn, info, attempt, failure)
  if (retryState === 'InProgress') backOff(turn, info, progress!, failure, progress!.heartbeatDetails)
  else recordTimeout(turn, info, progress, finalFailure(failure, retryState, progress), retryState)
  return true
}

function retryStateAfterTimeout(
  turn: Turn,
  info: ActivityInfo,
  attempt: number,
  failure: TimeoutFailureInfo,
): RetryState {
  // Nobody takes it: another place in the same queue would not help.
  if (failure.timeoutType === 'ScheduleToStart') return 'Timeout'
  const retryState = retryStateAfter(turn, info, attempt, failure)
  return retryState === 'InProgress' && failure.timeoutType === 'ScheduleToClose' ? 'Timeout' : retryState
}

function finalFailure(
  failure: TimeoutFailureInfo,
  retryState: RetryState,
  progress: ActivityProgress | undefined,
): TimeoutFailureInfo {
  const details = progress?.heartbeatDetails
  const heard = details === undefined ? failure : { ...failure, lastHeartbeatDetails: details }
  if (retryState !== 'Timeout' || failure.timeoutType === 'ScheduleToStart') return heard
  const outOfTime = { ...heard, message: NO_TIME_FOR_RETRY, timeoutType: 'ScheduleToClose' } as const
  return progress?.lastFailure === undefined ? outOfTime : { ...outOfTime, cause: progress.lastFailure }
}

function recordTimeout(
  turn: Turn,
  info: ActivityInfo,
  progress: ActivityProgress | undefined,
  failure: Failure,
  retryState: RetryState,
): void {
  const { scheduledEventId } = info
  const startedEventId = progress?.phase === 'started' ? recordStarted(turn, scheduledEventId, progress) : 0
  record(turn, 'ActivityTaskTimedOut', { failure, scheduledEventId, startedEventId, retryState })
  settle(turn, scheduledEventId)
}

function endByFailure(
  turn: Turn,
  id: ActivityAttemptId,
  progress: ActivityProgress,
  failure: Failure | undefined,
  identity: string,
  heartbeatDetails: Payloads | undefined,
): void {
  const { scheduledEventId, attempt } = id
  const info = turn.state.activities!.get(scheduledEventId)!
  const retryState = retryStateAfter(turn, info, attempt, failure)
  if (retryState === 'InProgress') {
    return backOff(turn, info, progress, failure, heartbeatDetails ?? progress.heartbeatDetails)
  }
  const startedEventId = recordStarted(turn, scheduledEventId, progress)
  record(turn, 'ActivityTaskFailed', { failure, scheduledEventId, startedEventId, identity, retryState })
  settle(turn, scheduledEventId)
}

/** Throws NotFound unless that very attempt runs. */
export function requireStarted(turn: Turn, id: ActivityAttemptId): ActivityProgress {
  if (turn.state.closed !== undefined) throw new NotFoundError(EXECUTION_CLOSED)
  const progress = findStarted(turn, id)
  if (progress === undefined) throw new NotFoundError(ACTIVITY_NOT_FOUND)
  return progress
}

/** Progress is gone as soon as the activity has ended, be it closed or buffered. */
function findStarted(turn: Turn, id: ActivityAttemptId): ActivityProgress | undefined {
  const progress = turn.state.activityProgress?.get(id.scheduledEventId)
  return progress?.phase === 'started' && isAttempt(progress, id.attempt, id.stamp) ? progress : undefined
}

/** Returns its event id; 0 when it has to wait for one. */
function recordStarted(turn: Turn, scheduledEventId: number, progress: ActivityProgress): number {
  const { identity, requestId, attempt, lastFailure } = progress
  const attributes: EventAttributes['ActivityTaskStarted'] = {
    scheduledEventId,
    identity,
    requestId,
    attempt,
    lastFailure,
  }
  return record(turn, 'ActivityTaskStarted', attributes, progress.startedAtMs)
}

/** The end is recorded: nothing is left of the attempts, and the code is to hear of it. */
export function settle(turn: Turn, scheduledEventId: number): void {
  if (turn.state.activityProgress?.has(scheduledEventId)) {
    turn.change({ type: 'activity', scheduledEventId, value: undefined })
  }
  scheduleWorkflowTask(turn)
}
