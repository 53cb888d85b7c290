/**
 * How far our times may be from the recorded ones. Calls were recorded to 50 ms and events to 100 ms, so equal times may
 * look 100 ms apart. The recorded server fires what is due in under a second up to a second late; we do not.
 */
import type { GoldenEvent, Json, JsonObject } from './scenario.js'
import { isObject } from './words.js'

const ROUNDING_MS = 100
const LATE_MS = 1000

/** What an event waited for: at least `leastMs` since that other event. */
interface Wait {
  readonly sinceEventId: number
  readonly leastMs: number
  /** How much later than we the recorded server may have been. */
  readonly lateMs: number
}

/** Undefined: as it should be. `timeOf` is ours, in ms since the run's start. */
export function timeMismatch(
  events: readonly GoldenEvent[],
  event: GoldenEvent,
  timeOf: (eventId: number) => number,
): string | undefined {
  const recordedMs = event['atMs']
  if (typeof recordedMs !== 'number') return undefined
  const oursMs = timeOf(event.eventId)
  const wait = waitOf(events, event)
  const lateMs = wait?.lateMs ?? 0
  const isInTime = oursMs <= recordedMs + ROUNDING_MS && oursMs >= recordedMs - lateMs - ROUNDING_MS
  if (!isInTime) return `atMs: expected ${recordedMs}${lateMs > 0 ? ` or up to ${lateMs} less` : ''}, got ${oursMs}`
  if (wait === undefined) return undefined
  const leastMs = timeOf(wait.sinceEventId) + wait.leastMs
  return oursMs < leastMs ? `atMs: expected at least ${leastMs}, since it waits, got ${oursMs}` : undefined
}

function waitOf(events: readonly GoldenEvent[], event: GoldenEvent): Wait | undefined {
  const named = (name: string): GoldenEvent | undefined => events.find(({ eventId }) => eventId === event[name])
  switch (event.eventType) {
    case 'TimerFired':
      return waitSince(named('startedEventId'), 'startToFireTimeout')
    case 'ActivityTaskStarted':
      return waitOfRetry(named('scheduledEventId'), event)
    case 'ActivityTaskTimedOut':
      return waitOfActivityTimeout(events, named('scheduledEventId'), named('startedEventId'), event)
    case 'WorkflowTaskScheduled':
      return waitOfWorkflowTask(events, event)
    case 'WorkflowTaskTimedOut':
      return waitOfTaskTimeout(events, named('scheduledEventId'), named('startedEventId'))
    case 'WorkflowExecutionTimedOut':
      return waitSince(
        events[0],
        events[0]?.['workflowRunTimeout'] === undefined ? 'workflowExecutionTimeout' : 'workflowRunTimeout',
      )
    default:
      return undefined
  }
}

/** `extraLateMs`: of the event it waits since. */
function waitSince(since: GoldenEvent | undefined, durationName: string, extraLateMs = 0): Wait | undefined {
  if (since === undefined) return undefined
  const leastMs = msOf(since[durationName])
  return { sinceEventId: since.eventId, leastMs, lateMs: latenessOf(leastMs) + extraLateMs }
}

/** Back-off before the last attempt. Attempts that only timed out add theirs: no call fixed when they began. */
function waitOfRetry(scheduled: GoldenEvent | undefined, started: GoldenEvent): Wait | undefined {
  const attempt = Number(started['attempt'])
  const policy = scheduled?.['retryPolicy']
  if (scheduled === undefined || !isObject(policy) || attempt < 2) return undefined
  const failure = isObject(started['lastFailure']) ? started['lastFailure'] : {}
  const intervalMs = (before: number): number =>
    Math.min(
      msOf(policy['initialInterval']) * Number(policy['backoffCoefficient'] ?? 1) ** (before - 2),
      msOf(policy['maximumInterval']) || Infinity,
    )
  const lastMs = failure['nextRetryDelay'] === undefined ? intervalMs(attempt) : msOf(failure['nextRetryDelay'])
  const isUnfixed = failure['type'] === 'timeout'
  const earlier = Array.from({ length: isUnfixed ? attempt - 2 : 0 }, (_, at) => latenessOf(intervalMs(at + 2)))
  const lateMs = earlier.reduce((sum, late) => sum + late, latenessOf(lastMs))
  return { sinceEventId: scheduled.eventId, leastMs: lastMs, lateMs }
}

function waitOfActivityTimeout(
  events: readonly GoldenEvent[],
  scheduled: GoldenEvent | undefined,
  started: GoldenEvent | undefined,
  { failure }: JsonObject,
): Wait | undefined {
  const timeoutType = isObject(failure) ? failure['timeoutType'] : undefined
  if (timeoutType === 'ScheduleToClose') return waitSince(scheduled, 'scheduleToCloseTimeout')
  if (timeoutType === 'ScheduleToStart') return waitSince(scheduled, 'scheduleToStartTimeout')
  if (scheduled === undefined || started === undefined) return undefined
  const leastMs = msOf(scheduled[timeoutType === 'Heartbeat' ? 'heartbeatTimeout' : 'startToCloseTimeout'])
  const lateMs = latenessOf(leastMs) + (waitOf(events, started)?.lateMs ?? 0)
  return { sinceEventId: started.eventId, leastMs, lateMs }
}

/** It comes with what caused it, which stands before it, or after the back-off of the run. */
function waitOfWorkflowTask(events: readonly GoldenEvent[], event: GoldenEvent): Wait | undefined {
  const cause = events.find(({ eventId }) => eventId === event.eventId - 1)
  if (cause === undefined) return undefined
  const backoff = 'firstWorkflowTaskBackoff'
  if (cause.eventType === 'WorkflowExecutionStarted' && backoff in cause) return waitSince(cause, backoff)
  return { sinceEventId: cause.eventId, leastMs: 0, lateMs: waitOf(events, cause)?.lateMs ?? 0 }
}

function waitOfTaskTimeout(
  events: readonly GoldenEvent[],
  scheduled: GoldenEvent | undefined,
  started: GoldenEvent | undefined,
): Wait | undefined {
  if (scheduled === undefined || started === undefined) return undefined
  const leastMs = msOf(scheduled['startToCloseTimeout'])
  return {
    sinceEventId: started.eventId,
    leastMs,
    lateMs: latenessOf(leastMs) + (waitOf(events, scheduled)?.lateMs ?? 0),
  }
}

function latenessOf(waitMs: number): number {
  return waitMs < LATE_MS ? LATE_MS : 0
}

function msOf(seconds: Json | undefined): number {
  return typeof seconds === 'number' ? Math.round(seconds * 1000) : 0
}
