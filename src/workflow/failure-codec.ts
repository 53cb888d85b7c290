/**
 * Errors to recorded failures and back, causes included.
 *
 * Invariant: neither direction throws, whatever it is given: a failure that cannot be told would be lost. So what
 * cannot be encoded is left out, what is too long is cut, and every field is of its type. What is made here is well-formed
 * Unicode and of bounded size, so that it is the same when it has been written and read back. The exception is a codec that
 * fails, where the caller can wait until it does not.
 */
import { toUSVString } from 'node:util'
import { MAX_DURATION_MS } from '../base/duration.js'
import type { Failure, RetryState, TimeoutType } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import type { DataConverter } from './data-converter.js'
import { commonOf, detailsOf, encodedCommon, valuesOf, type Common, type DetailRoom } from './failure-payloads.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isFailure,
  TerminatedFailure,
  TimeoutFailure,
  type FailureError,
} from './failures.js'
import { CodecFailure } from './payload-codec.js'
import { field, isErrorLike, textOf, type Thrown } from './thrown.js'

const MAX_CAUSES = 20
/** Of one text. */
const MAX_TEXT = 10_000
/** Of a name: an error's type, an activity's id. */
const MAX_NAME = 1000
/** Of all texts of a failure and its causes. */
const MAX_TEXTS = 100_000

const RETRY_STATES: readonly RetryState[] = [
  'InProgress',
  'NonRetryableFailure',
  'Timeout',
  'MaximumAttemptsReached',
  'RetryPolicyNotSet',
  'InternalServerError',
  'CancelRequested',
]
const TIMEOUT_TYPES: readonly TimeoutType[] = ['StartToClose', 'ScheduleToStart', 'ScheduleToClose', 'Heartbeat']

/** How much of a failure still has room, its causes included. */
interface Room extends DetailRoom {
  readonly nowMs: number | undefined
  textLength: number
  causes: number
}

/**
 * The failure that is recorded for `error`. A foreign error becomes an application failure whose type is its name.
 * `nowMs` turns the instant of a `RetryAfter` into a delay. All details together have at most the converter's `maxPayloadBytes`.
 * What a codec cannot encode is left out.
 */
export function failureOf(error: unknown, converter: DataConverter, nowMs?: number): Failure {
  return told(error, converter, nowMs, false)
}

/** As `failureOf`, where the sender can wait: throws a CodecFailure when a codec fails. */
export function wholeFailureOf(error: unknown, converter: DataConverter, nowMs?: number): Failure {
  return told(error, converter, nowMs, true)
}

function told(error: unknown, converter: DataConverter, nowMs: number | undefined, isStrict: boolean): Failure {
  const detailBytes = converter.maxPayloadBytes
  const room: Room = { nowMs, converter, isStrict, textLength: MAX_TEXTS, detailBytes, causes: MAX_CAUSES }
  try {
    return encode(error, room)
  } catch (cause) {
    if (isStrict && cause instanceof CodecFailure) throw cause
    return { type: 'application', message: 'something was thrown that cannot be told' }
  }
}

/** The error that stands for a recorded failure. It has the recorded stack, not one of here. Throws a CodecFailure and nothing else. */
export function errorOf(failure: Failure, converter: DataConverter): FailureError {
  const limit = Error.stackTraceLimit
  // No stack of here says anything about a failure of elsewhere, and making one is most of the cost.
  Error.stackTraceLimit = 0
  try {
    return decode(failure, converter)
  } finally {
    Error.stackTraceLimit = limit
  }
}

function encode(error: unknown, room: Room): Failure {
  if (!isErrorLike(error)) return { type: 'application', ...encodedCommon({ message: text(error, room) }, room) }
  const kind = isFailure(error) ? field(error, 'kind') : undefined
  const base = { message: text(field(error, 'message'), room), stackTrace: text(field(error, 'stack') ?? '', room) }
  if (kind === undefined) {
    return {
      type: 'application',
      ...encodedCommon(base, room),
      ...causeOf(error, room),
      ...typeOf(error, 'name', room),
    }
  }
  const details = detailsOf(field(error, kind === 'timeout' ? 'lastHeartbeatDetails' : 'details'), room)
  if (typeof details === 'string') {
    base.message += text(` (its details were left out: ${details})`, room)
    return encodeOwn(error, kind, { ...encodedCommon(base, room), ...causeOf(error, room) }, undefined, room)
  }
  for (const { data } of details ?? []) room.detailBytes -= data.length
  return encodeOwn(error, kind, { ...encodedCommon(base, room), ...causeOf(error, room) }, details, room)
}

function encodeOwn(
  error: Thrown,
  kind: unknown,
  base: Common & Pick<Failure, 'cause'>,
  details: Payloads | undefined,
  room: Room,
): Failure {
  switch (kind) {
    case 'activity':
      return {
        type: 'activity',
        ...base,
        activityId: name(field(error, 'activityId'), room),
        activityType: name(field(error, 'activityType'), room),
        scheduledEventId: eventId(field(error, 'scheduledEventId')),
        startedEventId: eventId(field(error, 'startedEventId')),
        retryState: oneOf(RETRY_STATES, field(error, 'retryState'), 'InternalServerError'),
      }
    case 'timeout': {
      const timeoutType = oneOf(TIMEOUT_TYPES, field(error, 'timeoutType'), 'StartToClose')
      return { type: 'timeout', ...base, timeoutType, ...(details && { lastHeartbeatDetails: details }) }
    }
    case 'canceled':
      return { type: 'canceled', ...base, ...(details && { details }) }
    case 'terminated':
      return { type: 'terminated', ...base }
    default: {
      // Another copy of this package may be of another version, and have kinds that are not known here.
      const delayMs = retryDelayMs(error, room.nowMs)
      return {
        type: 'application',
        ...base,
        ...typeOf(error, 'type', room),
        ...(field(error, 'nonRetryable') === true && { nonRetryable: true }),
        ...(details && { details }),
        ...(delayMs !== undefined && { nextRetryDelayMs: delayMs }),
      }
    }
  }
}

function causeOf(error: Thrown, room: Room): { readonly cause?: Failure } {
  const cause = field(error, 'cause') ?? firstGathered(error)
  if (cause === undefined || room.causes === 0) return {}
  room.causes--
  return { cause: encode(cause, room) }
}

/** An AggregateError says little of its own: that of a refused connection not a word. */
function firstGathered(error: Thrown): unknown {
  const errors = field(error, 'name') === 'AggregateError' ? field(error, 'errors') : undefined
  return Array.isArray(errors) ? field(errors, '0') : undefined
}

function typeOf(error: Thrown, key: 'name' | 'type', room: Room): { readonly applicationType?: string } {
  const type = field(error, key)
  return type === undefined ? {} : { applicationType: name(type, room) }
}

function retryDelayMs(error: Thrown, nowMs: number | undefined): number | undefined {
  const delayMs = field(error, 'nextRetryDelayMs')
  if (typeof delayMs === 'number') return delayOf(delayMs)
  const retryAtMs = field(error, 'retryAtMs')
  return typeof retryAtMs === 'number' && nowMs !== undefined ? delayOf(Math.max(0, retryAtMs - nowMs)) : undefined
}

function decode(failure: Failure, converter: DataConverter): FailureError {
  const { message, stackTrace } = commonOf(failure, converter)
  const error = decodeOne(failure, message, converter)
  error.stack = stackTrace === undefined || stackTrace === '' ? `${error.name}: ${error.message}` : stackTrace
  return error
}

function decodeOne(failure: Failure, message: string, converter: DataConverter): FailureError {
  const cause = failure.cause === undefined ? undefined : decode(failure.cause, converter)
  switch (failure.type) {
    case 'application': {
      const { applicationType: type, nonRetryable } = failure
      const details = valuesOf(failure.details, converter)
      const nextRetryDelay = delayOf(failure.nextRetryDelayMs)
      return new ApplicationFailure(message, { type, nonRetryable, nextRetryDelay, details, cause })
    }
    case 'activity':
      return new ActivityFailure(message, { ...failure, cause })
    case 'timeout':
      return new TimeoutFailure(message, failure.timeoutType, valuesOf(failure.lastHeartbeatDetails, converter), cause)
    case 'canceled':
      return new CancelledFailure(message, valuesOf(failure.details, converter), cause)
    case 'terminated':
      return new TerminatedFailure(message, cause)
    case 'none':
      return new ApplicationFailure(message, { cause })
  }
}

/** A recorded delay may come from anywhere; a duration may not. */
function delayOf(delayMs: number | undefined): number | undefined {
  return delayMs === undefined || !(delayMs >= 0) ? undefined : Math.min(Math.ceil(delayMs), MAX_DURATION_MS)
}

function text(value: unknown, room: Room): string {
  return cut(textOf(value), MAX_TEXT, room)
}

function name(value: unknown, room: Room): string {
  return cut(textOf(value), MAX_NAME, room)
}

/** A cut may part a pair of surrogates, and a text may have come with half of one. */
function cut(whole: string, maxLength: number, room: Room): string {
  const most = Math.min(maxLength, room.textLength)
  room.textLength -= Math.min(most, whole.length)
  return toUSVString(whole.length <= most ? whole : `${whole.slice(0, most)} … (${whole.length} characters)`)
}

function eventId(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function oneOf<T>(known: readonly T[], value: unknown, fallback: T): T {
  return known.find((one) => one === value) ?? fallback
}
