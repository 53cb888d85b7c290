/**
 * Activities that are answered by their id, by whoever knows it. No token names the attempt, so the answer is to whichever
 * is the current one; a worker of this process that still runs it is told that nobody waits any more.
 */
import type {
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedRequest,
} from '../protocol/activity-requests.js'
import type { Payloads } from '../protocol/payload.js'
import { findOpenActivity } from './activity.js'
import {
  type ActivityAttemptId,
  type Answer,
  cancelActivity,
  completeActivity,
  failActivity,
  settle,
} from './activity-end.js'
import { recordHeartbeat } from './activity-heartbeat.js'
import { record } from './buffer.js'
import { ACTIVITY_NOT_FOUND, EXECUTION_CLOSED, NotFoundError } from './errors.js'
import type { Turn } from './turn.js'

/** Legal also while nobody has taken it: then it is started and completed at once, and never handed out. */
export function completeActivityById(
  turn: Turn,
  activityId: string,
  answer: Answer<RespondActivityTaskCompletedRequest>,
): void {
  const scheduledEventId = requireActivity(turn, activityId)
  const progress = turn.state.activityProgress?.get(scheduledEventId)
  if (progress?.phase === 'started') {
    return answerAttempt(turn, activityId, (id) => completeActivity(turn, id, answer))
  }
  const { result, identity } = answer
  const { attempt, lastFailure } = progress ?? { attempt: 1, lastFailure: undefined }
  const started = { scheduledEventId, identity, requestId: '', attempt, lastFailure }
  const startedEventId = record(turn, 'ActivityTaskStarted', started)
  record(turn, 'ActivityTaskCompleted', { result, scheduledEventId, startedEventId, identity })
  settle(turn, scheduledEventId)
}

export function failActivityById(
  turn: Turn,
  activityId: string,
  answer: Answer<RespondActivityTaskFailedRequest>,
): void {
  answerAttempt(turn, activityId, (id) => failActivity(turn, id, answer))
}

export function cancelActivityById(
  turn: Turn,
  activityId: string,
  answer: Answer<RespondActivityTaskCanceledRequest>,
): void {
  answerAttempt(turn, activityId, (id) => cancelActivity(turn, id, answer))
}

/** True: it is asked to stop. */
export function recordHeartbeatById(turn: Turn, activityId: string, details: Payloads | undefined): boolean {
  return recordHeartbeat(turn, requireAttempt(turn, activityId), details)
}

function answerAttempt(turn: Turn, activityId: string, answer: (id: ActivityAttemptId) => void): void {
  const id = requireAttempt(turn, activityId)
  const { scheduledEventId, attempt } = id
  const isRunningHere = turn.state.activityProgress!.get(scheduledEventId)!.incarnation !== ''
  answer(id)
  if (isRunningHere) turn.addTask({ type: 'CancelActivityTask', scheduledEventId, attempt, reason: 'ended' })
}

function requireAttempt(turn: Turn, activityId: string): ActivityAttemptId {
  const scheduledEventId = requireActivity(turn, activityId)
  const progress = turn.state.activityProgress?.get(scheduledEventId)
  if (progress?.phase !== 'started') throw new NotFoundError(ACTIVITY_NOT_FOUND)
  return { scheduledEventId, attempt: progress.attempt, stamp: progress.stamp }
}

/** Its scheduled event id. */
function requireActivity({ state }: Turn, activityId: string): number {
  if (state.closed !== undefined) throw new NotFoundError(EXECUTION_CLOSED)
  const scheduledEventId = state.activityIds?.get(activityId)
  if (scheduledEventId !== undefined && findOpenActivity(state, scheduledEventId) !== undefined) return scheduledEventId
  const where = 'check workflow execution history for more details'
  throw new NotFoundError(`cannot find pending activity with ActivityID ${activityId}, ${where}`)
}
