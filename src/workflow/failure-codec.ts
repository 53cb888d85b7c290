/**
 * Errors to recorded failures and back, causes included.
 *
 * Invariant: neither direction throws, whatever it is given: a failure that cannot be told would be lost. So what
 * cannot be encoded is left out, and what is too long is cut.
 */
import { MAX_DURATION_MS } from '../base/duration.js'
import type { Failure } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import { decodePayloads, encodePayloads } from './converter.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isFailure,
  TerminatedFailure,
  TimeoutFailure,
  type FailureError,
  type RetryAfter,
} from './failures.js'

const MAX_CAUSES = 20
const MAX_TEXT = 10_000

/**
 * The failure that is recorded for `error`. A foreign error becomes an application failure whose type is its name.
 * `nowMs` turns the instant of a `RetryAfter` into a delay.
 */
export function failureOf(error: unknown, nowMs?: number): Failure {
  return encode(error, nowMs, MAX_CAUSES)
}

/** The error that stands for a recorded failure. It has the recorded stack, not one of here. */
export function errorOf(failure: Failure): FailureError {
  const limit = Error.stackTraceLimit
  // No stack of here says anything about a failure of elsewhere, and making one is most of the cost.
  Error.stackTraceLimit = 0
  try {
    return decode(failure)
  } finally {
    Error.stackTraceLimit = limit
  }
}

function encode(error: unknown, nowMs: number | undefined, causesLeft: number): Failure {
  if (!(error instanceof Error)) return { type: 'application', message: cut(textOf(error)) }
  const base = {
    message: cut(error.message),
    stackTrace: cut(typeof error.stack === 'string' ? error.stack : ''),
    ...(error.cause === undefined || causesLeft === 0 ? {} : { cause: encode(error.cause, nowMs, causesLeft - 1) }),
  }
  return isFailure(error)
    ? encodeOwn(error as OwnFailure, base, nowMs)
    : { type: 'application', ...base, applicationType: error.name }
}

type OwnFailure = ApplicationFailure | ActivityFailure | TimeoutFailure | CancelledFailure | TerminatedFailure
type Base = Pick<Failure, 'message' | 'stackTrace' | 'cause'>

function encodeOwn(error: OwnFailure, base: Base, nowMs: number | undefined): Failure {
  switch (error.kind) {
    case 'activity': {
      const { activityId, activityType, scheduledEventId, startedEventId, retryState } = error
      return { type: 'activity', ...base, activityId, activityType, scheduledEventId, startedEventId, retryState }
    }
    case 'timeout': {
      const details = payloadsOf(error.lastHeartbeatDetails)
      return {
        type: 'timeout',
        ...base,
        timeoutType: error.timeoutType,
        ...(details && { lastHeartbeatDetails: details }),
      }
    }
    case 'canceled': {
      const details = payloadsOf(error.details)
      return { type: 'canceled', ...base, ...(details && { details }) }
    }
    case 'terminated':
      return { type: 'terminated', ...base }
    default:
      // Another copy of this package may be of another version, and have kinds that are not known here.
      return { type: 'application', ...base, ...applicationFields(error, nowMs) }
  }
}

function applicationFields(error: ApplicationFailure, nowMs: number | undefined): object {
  const details = payloadsOf(error.details)
  const { retryAtMs } = error as RetryAfter
  const untilMs = retryAtMs === undefined || nowMs === undefined ? undefined : Math.max(0, retryAtMs - nowMs)
  const delayMs = error.nextRetryDelayMs ?? untilMs
  return {
    ...(error.type !== undefined && { applicationType: error.type }),
    ...(error.nonRetryable && { nonRetryable: true }),
    ...(details && { details }),
    ...(delayMs !== undefined && { nextRetryDelayMs: delayMs }),
  }
}

function decode(failure: Failure): FailureError {
  const error = decodeOne(failure)
  const { stackTrace } = failure
  error.stack = stackTrace === undefined || stackTrace === '' ? `${error.name}: ${error.message}` : stackTrace
  return error
}

function decodeOne(failure: Failure): FailureError {
  const { message } = failure
  const cause = failure.cause === undefined ? undefined : decode(failure.cause)
  switch (failure.type) {
    case 'application': {
      const { applicationType: type, nonRetryable } = failure
      const details = valuesOf(failure.details)
      const nextRetryDelay = delayOf(failure.nextRetryDelayMs)
      return new ApplicationFailure(message, { type, nonRetryable, nextRetryDelay, details, cause })
    }
    case 'activity':
      return new ActivityFailure(message, { ...failure, cause })
    case 'timeout':
      return new TimeoutFailure(message, failure.timeoutType, valuesOf(failure.lastHeartbeatDetails), cause)
    case 'canceled':
      return new CancelledFailure(message, valuesOf(failure.details), cause)
    case 'terminated':
      return new TerminatedFailure(message, cause)
    case 'none':
      return new ApplicationFailure(message, { cause })
  }
}

/** A recorded delay may come from anywhere; a duration may not. */
function delayOf(delayMs: number | undefined): number | undefined {
  return delayMs === undefined || !(delayMs >= 0) ? undefined : Math.min(delayMs, MAX_DURATION_MS)
}

function payloadsOf(values: readonly unknown[] | undefined): Payloads | undefined {
  if (values === undefined || values.length === 0) return undefined
  try {
    return encodePayloads(values)
  } catch {
    return undefined
  }
}

function valuesOf(payloads: Payloads | undefined): unknown[] {
  try {
    return decodePayloads(payloads)
  } catch {
    return []
  }
}

function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'something was thrown that has no text'
  }
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)} … (${text.length} characters)`
}
