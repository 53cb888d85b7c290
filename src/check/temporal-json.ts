/**
 * Histories as Temporal exports them: the JSON of `temporal workflow show --output json`, which is proto3's: enums by their
 * long names, 64-bit numbers as texts, durations as "10s", bytes as base64, and each event's attributes under a name of
 * their own.
 *
 * Invariant: what code can see or asked for comes over; of the rest what has a name here.
 */
import type { HistoryEvent } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import type { Payload } from '../protocol/payload.js'
import { payloadOf, requireKnown, unreadable } from './history-json.js'
import { withOurNumbers } from './wait-numbers.js'

type Json = Readonly<Record<string, unknown>>

/** Throws LOOM_INVALID_ARGUMENT, saying what is wrong with it. */
export function readTemporalJson(events: readonly unknown[]): HistoryEvent[] {
  return withOurNumbers(events.map((event, at) => readEvent(objectOf(event), at + 1)))
}

function readEvent(event: Json, position: number): HistoryEvent {
  const eventType = typeName(event['eventType'])
  requireKnown(eventType, position)
  const eventTimeMs = Date.parse(String(event['eventTime']))
  if (Number.isNaN(eventTimeMs)) throw unreadable(`the time of event ${position} is no time`)
  const field = `${eventType[0]!.toLowerCase()}${eventType.slice(1)}EventAttributes`
  const attributes: Record<string, unknown> = { ...DEFAULTS[eventType], ...read(objectOf(event[field] ?? {})) }
  if (eventType === 'WorkflowTaskStarted') attributes['beginTimeMs'] = eventTimeMs
  return {
    eventId: Number(event['eventId']),
    eventType,
    eventTimeMs,
    version: 0,
    attributes,
  } as unknown as HistoryEvent
}

/** What proto3 leaves out where it is its default. */
const DEFAULTS: Readonly<Record<string, Json>> = {
  TimerStarted: { startToFireTimeoutMs: 0 },
  WorkflowExecutionStarted: { attempt: 1, originalExecutionRunId: '', firstExecutionRunId: '', taskQueue: '' },
}

const NAMED: ReadonlySet<string> = new Set(['workflowType', 'activityType', 'taskQueue'])
const NUMBER = /(EventId|SizeBytes)$/
const DURATION = /(Timeout|Interval|Backoff|Delay)$/
const ENUM_PREFIX = /^(RETRY_STATE|TIMEOUT_TYPE|WORKFLOW_TASK_FAILED_CAUSE|WORKFLOW_EXECUTION_STATUS)_/

function read(attributes: Json): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => readField(name, value)))
}

function readField(name: string, value: unknown): [string, unknown] {
  if (value === null || value === undefined) return [name, undefined]
  if (NAMED.has(name)) return [name, String(objectOf(value)['name'] ?? '')]
  if (NUMBER.test(name)) return [name, Number(value)]
  if (DURATION.test(name)) return [`${name}Ms`, durationMs(value, name)]
  if (typeof value === 'string') return [name, ENUM_PREFIX.test(value) ? enumName(value) : value]
  if (typeof value !== 'object' || Array.isArray(value)) return [name, value]
  if (/failure$/i.test(name)) return [name, readFailure(value as Json)]
  const { payloads, indexedFields, fields } = value as Json
  if (Array.isArray(payloads)) return [name, payloads.map(readPayload)]
  if (indexedFields !== undefined) return [name, mapValues(objectOf(indexedFields), readPayload)]
  if (fields !== undefined) return [name, mapValues(objectOf(fields), readPayload)]
  if (name === 'details')
    return [name, mapValues(value as Json, (list) => listOf(objectOf(list)['payloads']).map(readPayload))]
  return [name, read(value as Json)]
}

function readPayload(value: unknown): Payload {
  const { metadata, data } = objectOf(value)
  const texts = mapValues(objectOf(metadata ?? {}), (text) => Buffer.from(String(text), 'base64').toString())
  return payloadOf(texts, String(data ?? ''))
}

const FAILURE_KINDS: readonly (readonly [field: string, type: Failure['type']])[] = [
  ['applicationFailureInfo', 'application'],
  ['activityFailureInfo', 'activity'],
  ['timeoutFailureInfo', 'timeout'],
  ['canceledFailureInfo', 'canceled'],
  ['terminatedFailureInfo', 'terminated'],
]

function readFailure(failure: Json): Failure {
  const { message, stackTrace, encodedAttributes, cause } = failure
  const [field, type] = FAILURE_KINDS.find(([name]) => failure[name] !== undefined) ?? ['', 'none']
  const { type: applicationType, ...info } = read(objectOf(failure[field] ?? {}))
  return {
    ...{ type, message: String(message ?? ''), ...info },
    ...(type === 'application' && applicationType !== undefined && { applicationType }),
    ...(typeof stackTrace === 'string' && stackTrace !== '' && { stackTrace }),
    ...(encodedAttributes !== undefined &&
      encodedAttributes !== null && { encodedAttributes: readPayload(encodedAttributes) }),
    ...(cause !== undefined && cause !== null && { cause: readFailure(objectOf(cause)) }),
  } as unknown as Failure
}

function typeName(value: unknown): string {
  const text = String(value)
  return text.startsWith('EVENT_TYPE_') ? pascalCase(text.slice('EVENT_TYPE_'.length)) : text
}

function enumName(value: string): string {
  return pascalCase(value.replace(ENUM_PREFIX, ''))
}

function pascalCase(screaming: string): string {
  return screaming
    .split('_')
    .map((word) => `${word[0] ?? ''}${word.slice(1).toLowerCase()}`)
    .join('')
}

function durationMs(value: unknown, name: string): number {
  const [, seconds] = /^(-?\d+(?:\.\d+)?)s$/.exec(String(value)) ?? []
  if (seconds === undefined) throw unreadable(`${name}: ${JSON.stringify(value)} is no duration such as "10s"`)
  return Math.round(Number(seconds) * 1000)
}

function mapValues<T>(fields: Json, map: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(value)]))
}

function objectOf(value: unknown): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw unreadable(`an object was expected, and there is ${JSON.stringify(value)}`)
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
