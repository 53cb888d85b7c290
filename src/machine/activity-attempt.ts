/**
 * The attempts of an activity: taken, lost or timed out, tried again. They are progress alone; the last one gets into
 * history with the activity's end.
 *
 * Invariant: no progress means that attempt 1 is scheduled and nobody has taken it.
 */
import type { Failure, RetryState, TimeoutType } from '../protocol/failure.js'
import { findOpenActivity } from './activity.js'
import { askedIntervalMs, isRetryable, policyIntervalMs } from './retry-policy.js'
import type { ActivityInfo } from './state.js'
import type { ActivityProgress } from './transition.js'
import type { Turn } from './turn.js'
import { keptFailure } from './weights.js'

export interface ActivityTaking {
  readonly attempt: number
  readonly stamp: number
  readonly identity: string
  /** The same one again gets the same answer. '': never asked again. */
  readonly requestId: string
  /** Of the host whose in-process worker takes it; '' for a remote one. */
  readonly incarnation: string
}

/** May that attempt be run? It may be taken, canceled or over: then nothing is done. Legal in the turn that schedules it. */
export function startActivity(turn: Turn, scheduledEventId: number, taking: ActivityTaking): boolean {
  const { state, eventTimeMs } = turn
  const info = findOpenActivity(state, scheduledEventId)
  if (info === undefined) return false
  const progress = state.activityProgress?.get(scheduledEventId)
  if (!isAttempt(progress, taking.attempt, taking.stamp)) return false
  if (progress !== undefined && progress.phase !== 'scheduled') {
    return progress.phase === 'started' && taking.requestId !== '' && progress.requestId === taking.requestId
  }
  const due = startedDue(info, eventTimeMs, eventTimeMs)
  const value: ActivityProgress = {
    phase: 'started',
    attempt: taking.attempt,
    stamp: taking.stamp,
    scheduledAtMs: progress === undefined ? info.scheduledAtMs : progress.scheduledAtMs,
    startedAtMs: eventTimeMs,
    identity: taking.identity,
    requestId: taking.requestId,
    incarnation: taking.incarnation,
    lastFailure: progress?.lastFailure,
    heartbeatDetails: progress?.heartbeatDetails,
    dueAtMs: due.dueAtMs,
    dueType: due.dueType,
    cancelRequested: false,
  }
  turn.change({ type: 'activity', scheduledEventId, value })
  return true
}

/** Is the activity at that very attempt? */
export function isAttempt(progress: ActivityProgress | undefined, attempt: number, stamp: number): boolean {
  return progress === undefined
    ? attempt === 1 && stamp === 0
    : progress.attempt === attempt && progress.stamp === stamp
}

/** When an attempt that runs times out, if nothing more is heard of it than at `heardAtMs`. */
export function startedDue(info: ActivityInfo, startedAtMs: number, heardAtMs: number): ActivityDue {
  const { startToCloseTimeoutMs, heartbeatTimeoutMs } = info.attributes
  const closesAtMs = startedAtMs + startToCloseTimeoutMs
  const expiresAtMs = expiryMs(info)
  const isLastOne = expiresAtMs !== 0 && expiresAtMs <= closesAtMs
  const endsAtMs = isLastOne ? expiresAtMs : closesAtMs
  const silentAtMs = heardAtMs + heartbeatTimeoutMs
  if (heartbeatTimeoutMs !== 0 && silentAtMs < endsAtMs) return { dueAtMs: silentAtMs, dueType: 'Heartbeat' }
  return { dueAtMs: endsAtMs, dueType: isLastOne ? 'ScheduleToClose' : 'StartToClose' }
}

export interface ActivityDue {
  readonly dueAtMs: number
  readonly dueType: TimeoutType | 'Retry'
}

/** What an activity waits for next; undefined: nothing by time. */
export function activityDue(info: ActivityInfo, progress: ActivityProgress | undefined): ActivityDue | undefined {
  if (progress === undefined) return scheduledDue(info, info.scheduledAtMs)
  const { dueAtMs, dueType } = progress
  return dueType === undefined ? undefined : { dueAtMs, dueType }
}

/** When an attempt that nobody takes times out. Of equal ones it is the queue's fault, as in Temporal. */
function scheduledDue(info: ActivityInfo, scheduledAtMs: number): ActivityDue | undefined {
  const { scheduleToStartTimeoutMs } = info.attributes
  const expiresAtMs = expiryMs(info)
  const startAtMs = scheduledAtMs + scheduleToStartTimeoutMs
  if (scheduleToStartTimeoutMs !== 0 && (expiresAtMs === 0 || startAtMs <= expiresAtMs)) {
    return { dueAtMs: startAtMs, dueType: 'ScheduleToStart' }
  }
  return expiresAtMs === 0 ? undefined : { dueAtMs: expiresAtMs, dueType: 'ScheduleToClose' }
}

/** When the activity as a whole is over time; 0: never. */
function expiryMs(info: ActivityInfo): number {
  const { scheduleToCloseTimeoutMs } = info.attributes
  return scheduleToCloseTimeoutMs === 0 ? 0 : info.scheduledAtMs + scheduleToCloseTimeoutMs
}

/** The wait before the next attempt is over. False when that attempt does not wait any more. */
export function retryActivity(
  turn: Turn,
  due: { readonly scheduledEventId: number; readonly attempt: number },
): boolean {
  const { scheduledEventId, attempt } = due
  const info = findOpenActivity(turn.state, scheduledEventId)
  const progress = turn.state.activityProgress?.get(scheduledEventId)
  if (info === undefined || progress === undefined) return false
  if (progress.phase !== 'backoff' || progress.attempt !== attempt) return false
  const scheduledAtMs = turn.eventTimeMs
  const next = scheduledDue(info, scheduledAtMs)
  const dueAtMs = next === undefined ? 0 : next.dueAtMs
  const value: ActivityProgress = { ...progress, phase: 'scheduled', scheduledAtMs, dueAtMs, dueType: next?.dueType }
  turn.change({ type: 'activity', scheduledEventId, value })
  turn.addTask({ type: 'DispatchActivityTask', scheduledEventId, attempt })
  return true
}

/** Is there to be another attempt (`InProgress`), or why not? */
export function retryStateAfter(
  turn: Turn,
  info: ActivityInfo,
  attempt: number,
  failure: Failure | undefined,
): RetryState {
  const { retryPolicy } = info.attributes
  if (info.cancelRequestedEventId !== 0) return 'CancelRequested'
  if (!isRetryable(failure, retryPolicy)) return 'NonRetryableFailure'
  if (retryPolicy.maximumAttempts > 0 && attempt >= retryPolicy.maximumAttempts) return 'MaximumAttemptsReached'
  const expiresAtMs = expiryMs(info)
  const nextAtMs = turn.eventTimeMs + retryIntervalMs(info, attempt, failure)
  return expiresAtMs !== 0 && nextAtMs > expiresAtMs ? 'Timeout' : 'InProgress'
}

/** The wait after that attempt. What the failure asks for goes before the policy, even above its maximum. */
export function retryIntervalMs(info: ActivityInfo, attempt: number, failure: Failure | undefined): number {
  return askedIntervalMs(failure) ?? policyIntervalMs(info.attributes.retryPolicy, attempt)
}

/** Waits for the next attempt. */
export function backOff(
  turn: Turn,
  info: ActivityInfo,
  ended: ActivityProgress,
  failure: Failure | undefined,
  heartbeatDetails: ActivityProgress['heartbeatDetails'],
): void {
  const dueAtMs = turn.eventTimeMs + retryIntervalMs(info, ended.attempt, failure)
  const value: ActivityProgress = {
    phase: 'backoff',
    attempt: ended.attempt + 1,
    stamp: ended.stamp,
    scheduledAtMs: dueAtMs,
    startedAtMs: 0,
    identity: '',
    requestId: '',
    incarnation: '',
    lastFailure: keptFailure(failure, turn.rules.maxKeptFailureBytes),
    heartbeatDetails,
    dueAtMs,
    dueType: 'Retry',
    cancelRequested: false,
  }
  turn.change({ type: 'activity', scheduledEventId: info.scheduledEventId, value })
}
