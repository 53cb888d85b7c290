/**
 * How much values from outside weigh in rows, and which no row could hold.
 *
 * Invariant: what weighs less than infinity can be written: its texts are texts, its bytes are bytes, its causes end.
 */
import { isUint8Array } from 'node:util/types'
import type { EventAttributes, HistoryEvent } from '../protocol/event.js'
import { MAX_CAUSES, type Failure } from '../protocol/failure.js'
import { JSON_PLAIN, type Payload, type Payloads } from '../protocol/payload.js'
import type { ActivityProgress } from './transition.js'

/** A failure that is told beside something else (of a task, of the run before) is cut to this: many may be written at once. */
export const MAX_TOLD_FAILURE_BYTES: number = 32 * 1024

/** What entries of the state take beside their texts, roughly. */
const ACTIVITY_BYTES = 256
const TIMER_BYTES = 96
const REQUEST_ID_BYTES = 32
const BUFFERED_EVENT_BYTES = 128
const COMMON_ENCODINGS: ReadonlySet<unknown> = new Set(['json/plain', 'binary/plain', 'binary/null'])

export function payloadsBytes(payloads: Payloads | undefined): number {
  if (payloads === undefined) return 0
  let bytes = 0
  for (let at = 0; at < payloads.length; at++) {
    const { metadata, data } = payloads[at]!
    bytes += data instanceof Uint8Array || isUint8Array(data) ? data.length : Infinity
    if (metadata !== JSON_PLAIN) bytes += metadataBytes(metadata)
  }
  return bytes
}

/** Of a memo, or of search attributes: with their names. */
export function namedBytes(payloads: Readonly<Record<string, Payload>> | undefined): number {
  if (payloads === undefined) return 0
  let bytes = 0
  for (const [name, payload] of Object.entries(payloads)) bytes += Buffer.byteLength(name) + payloadsBytes([payload])
  return bytes
}

/** The common ones weigh nothing, also where they are objects of their own. */
function metadataBytes(metadata: Readonly<Record<string, unknown>>): number {
  let bytes = 0
  let keys = 0
  for (const key in metadata) {
    const text = metadata[key]
    keys++
    bytes += key.length + (typeof text === 'string' ? Buffer.byteLength(text) : Infinity)
  }
  return keys === 1 && COMMON_ENCODINGS.has(metadata['encoding']) ? 0 : bytes
}

/** With all of its causes. */
export function failureBytes(failure: Failure | undefined): number {
  let bytes = 0
  let causes = 0
  for (let one = failure; one !== undefined; one = one.cause) {
    if (typeof one !== 'object' || typeof one.message !== 'string' || ++causes > MAX_CAUSES + 1) return Infinity
    for (const key in one)
      if (key !== 'cause' && key !== 'encodedAttributes') bytes += fieldBytes(one[key as keyof Failure])
    if (one.encodedAttributes !== undefined) bytes += payloadsBytes([one.encodedAttributes])
  }
  return bytes
}

function fieldBytes(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return Buffer.byteLength(value)
    case 'object':
      return Array.isArray(value) ? payloadsBytes(value as Payloads) : Infinity
    case 'number':
      return 8
    case 'boolean':
      // False is as good as absent, and comes back as that.
      return value ? 8 : 0
    case 'undefined':
      return 0
    default:
      return Infinity
  }
}

/** The failure, or what matters most of one that is too big to be kept. */
export function keptFailure<T extends Failure | undefined>(
  failure: T,
  maxBytes: number = MAX_TOLD_FAILURE_BYTES,
): T | Failure {
  return failureBytes(failure) <= maxBytes ? failure : shortenedFailure(failure!, maxBytes)
}

/** What matters most of a failure that is too big or cannot be written: no details, no causes, and its texts cut. */
export function shortenedFailure(failure: Failure, maxBytes: number = MAX_TOLD_FAILURE_BYTES): Failure {
  const bytes = failureBytes(failure)
  const { message, stackTrace, encodedAttributes } = failure
  // The real message and stack trace, encoded: they cannot be cut, and take the room of those.
  const encodedBytes = encodedAttributes === undefined ? 0 : payloadsBytes([encodedAttributes])
  const attributeBytes = encodedBytes <= (maxBytes * 5) / 8 ? encodedBytes : 0
  const size = bytes === Infinity ? 'it cannot be written' : `${bytes} bytes are too many`
  const kept = {
    type: 'application',
    message: `${cut(message, attributeBytes > 0 ? maxBytes / 8 : maxBytes / 4)} (details and causes are left out: ${size})`,
    stackTrace: cut(stackTrace, maxBytes / 2 - attributeBytes),
    ...(attributeBytes > 0 && { encodedAttributes }),
  } as const
  if (failure.type !== 'application') return kept
  const { applicationType, nonRetryable, nextRetryDelayMs } = failure
  return {
    ...kept,
    ...(applicationType !== undefined && { applicationType: cut(applicationType, maxBytes / 8) }),
    ...(nonRetryable === true && { nonRetryable }),
    ...(typeof nextRetryDelayMs === 'number' && { nextRetryDelayMs }),
  }
}

/** Never within a character. */
function cut(text: unknown, bytes: number): string {
  if (typeof text !== 'string') return ''
  const whole = Buffer.from(text)
  if (whole.length <= bytes) return text
  let end = Math.trunc(bytes)
  while (end > 0 && (whole[end]! & 0xc0) === 0x80) end--
  return whole.toString('utf8', 0, end)
}

/** Of what an event that waits for the end of a held workflow task brings from outside. */
export function eventBytes({ eventType, attributes }: HistoryEvent): number {
  switch (eventType) {
    case 'WorkflowExecutionSignaled':
      return payloadsBytes(attributes.input)
    case 'ActivityTaskCompleted':
      return payloadsBytes(attributes.result)
    case 'ActivityTaskCanceled':
      return payloadsBytes(attributes.details)
    case 'ActivityTaskStarted':
      return failureBytes(attributes.lastFailure)
    case 'ActivityTaskFailed':
    case 'ActivityTaskTimedOut':
      return failureBytes(attributes.failure)
    default:
      return 0
  }
}

/** Of an event in the buffer: many small ones weigh something too. */
export function bufferedEventBytes(event: HistoryEvent): number {
  return BUFFERED_EVENT_BYTES + eventBytes(event)
}

// ---- what is held while something is pending

/** Its input is history's, and weighs there. */
export function pendingActivityBytes(attributes: EventAttributes['ActivityTaskScheduled']): number {
  const { activityId, activityType, taskQueue } = attributes
  return ACTIVITY_BYTES + activityId.length + activityType.length + taskQueue.length
}

export function pendingTimerBytes(timerId: string): number {
  return TIMER_BYTES + timerId.length
}

export function requestIdBytes(requestId: string): number {
  return REQUEST_ID_BYTES + requestId.length
}

/** What an attempt's progress holds from outside. */
export function progressBytes(progress: ActivityProgress | undefined): number {
  if (progress === undefined) return 0
  return failureBytes(progress.lastFailure) + payloadsBytes(progress.heartbeatDetails)
}
