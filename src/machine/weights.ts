/**
 * How much values from outside weigh in rows, and which no row could hold.
 *
 * Invariant: what weighs less than infinity can be written: its texts are texts, its bytes are bytes, its causes end.
 */
import { isUint8Array } from 'node:util/types'
import type { HistoryEvent } from '../protocol/event.js'
import { MAX_CAUSES, type Failure } from '../protocol/failure.js'
import { JSON_PLAIN, type Payload, type Payloads } from '../protocol/payload.js'

/** A failure that is kept for the next attempt, or for a task that failed, is cut to this: many of them may be written at once. */
export const MAX_KEPT_FAILURE_BYTES: number = 32 * 1024

const KEPT_TEXT = 2000
const KEPT_STACK = 8000
/** The real message and stack trace, encoded: they cannot be cut, and leave room for what else is kept. */
const KEPT_ATTRIBUTES_BYTES = 20_000

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

function metadataBytes(metadata: Readonly<Record<string, unknown>>): number {
  let bytes = 0
  for (const key in metadata) {
    const text = metadata[key]
    bytes += key.length + (typeof text === 'string' ? Buffer.byteLength(text) : Infinity)
  }
  return bytes
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
    case 'boolean':
    case 'undefined':
      return 8
    default:
      return Infinity
  }
}

/** The failure, or what matters most of one that is too big to be kept. */
export function keptFailure<T extends Failure | undefined>(failure: T): T | Failure {
  return failureBytes(failure) <= MAX_KEPT_FAILURE_BYTES ? failure : shortenedFailure(failure!)
}

/** What matters most of a failure that is too big or cannot be written: no details, no causes, and its texts cut. */
export function shortenedFailure(failure: Failure): Failure {
  const bytes = failureBytes(failure)
  const { message, stackTrace, encodedAttributes } = failure
  const size = bytes === Infinity ? 'it cannot be written' : `${bytes} bytes are too many`
  const kept = {
    type: 'application',
    message: `${cut(message, KEPT_TEXT)} (details and causes are left out: ${size})`,
    stackTrace: cut(stackTrace, KEPT_STACK),
    ...(encodedAttributes !== undefined &&
      payloadsBytes([encodedAttributes]) <= KEPT_ATTRIBUTES_BYTES && { encodedAttributes }),
  } as const
  if (failure.type !== 'application') return kept
  const { applicationType, nonRetryable, nextRetryDelayMs } = failure
  return {
    ...kept,
    ...(applicationType !== undefined && { applicationType: cut(applicationType, KEPT_TEXT) }),
    ...(nonRetryable === true && { nonRetryable }),
    ...(typeof nextRetryDelayMs === 'number' && { nextRetryDelayMs }),
  }
}

function cut(text: unknown, length: number): string {
  if (typeof text !== 'string') return ''
  // Never between the two halves of a character.
  const last = text.charCodeAt(length - 1)
  return text.length <= length ? text : text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length)
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
