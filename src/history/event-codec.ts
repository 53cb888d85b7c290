/**
 * Events as positional arrays: [number of the type, time, …attributes in the order below]. An attribute is never moved or
 * removed; new ones go to the end, and a reader leaves alone what it does not know.
 */
import { EVENT_NUMBERS } from '../protocol/event.js'
import type { EventAttributes, EventType, HistoryEvent } from '../protocol/event.js'
import { beginRow, endRow } from '../storage/codec.js'
import { CorruptError } from '../storage/errors.js'
import type { MsgpackWriter } from '../storage/msgpack-writer.js'
import {
  decodeFailure,
  decodeNamedPayloads,
  decodeOptionalPolicy,
  decodePayloads,
  decodeOptionalPayloadMap,
  decodePayloadMap,
  decodeRetryPolicy,
  encodeFailure,
  encodeNamedPayloads,
  encodeOptionalPolicy,
  encodeRetryPolicy,
  encodeOptionalPayloadMap,
  encodePayloadMap,
  writePayloads,
} from './value-codec.js'

/** Within the row, its events, and the event. */
const ATTRIBUTE_DEPTH = 3

/** How a field travels: as it is, or through one of the value codecs. */
type Coding =
  | 'plain'
  | 'payloads'
  | 'failure'
  | 'retryPolicy'
  | 'namedPayloads'
  | 'payloadMap'
  | 'optionalPayloadMap'
  | 'optional'
  | 'optionalPolicy'
type Fields = readonly (readonly [name: string, coding: Coding])[]

const plain = (...names: string[]): Fields => names.map((name) => [name, 'plain'] as const)
/** Undefined where nothing was said, or by a release that did not know them. */
const optional = (...names: string[]): Fields => names.map((name) => [name, 'optional'] as const)

/** Every attribute of every type, in stored order. */
const FIELDS: Readonly<Record<EventType, Fields>> = {
  WorkflowExecutionStarted: [
    ...plain('workflowType', 'workflowId', 'taskQueue'),
    ['input', 'payloads'],
    ...plain('workflowExecutionTimeoutMs', 'workflowRunTimeoutMs', 'workflowTaskTimeoutMs', 'originalExecutionRunId'),
    ...plain('firstExecutionRunId', 'attempt', 'identity', 'requestId', 'replayRules'),
    ['retryPolicy', 'optionalPolicy'],
    ...optional('cronSchedule', 'firstWorkflowTaskBackoffMs', 'continuedExecutionRunId', 'initiator'),
    ['continuedFailure', 'failure'],
    ['lastCompletionResult', 'payloads'],
    ...optional('workflowExecutionExpirationTimeMs'),
    ['memo', 'optionalPayloadMap'],
    ['header', 'optionalPayloadMap'],
    ['searchAttributes', 'optionalPayloadMap'],
  ],
  WorkflowExecutionCompleted: [
    ['result', 'payloads'],
    ...plain('workflowTaskCompletedEventId'),
    ...optional('newExecutionRunId'),
  ],
  WorkflowExecutionFailed: [
    ['failure', 'failure'],
    ...plain('retryState', 'workflowTaskCompletedEventId'),
    ...optional('newExecutionRunId'),
  ],
  WorkflowExecutionTimedOut: [...plain('retryState'), ...optional('newExecutionRunId')],
  WorkflowExecutionContinuedAsNew: [
    ...plain('newExecutionRunId', 'workflowType', 'taskQueue'),
    ['input', 'payloads'],
    ...plain('workflowRunTimeoutMs', 'workflowTaskTimeoutMs', 'workflowTaskCompletedEventId'),
    ['memo', 'optionalPayloadMap'],
    ['header', 'optionalPayloadMap'],
    ['searchAttributes', 'optionalPayloadMap'],
  ],
  WorkflowExecutionTerminated: [...plain('reason'), ['details', 'payloads'], ...plain('identity')],
  WorkflowExecutionCancelRequested: plain('cause', 'identity', 'requestId'),
  WorkflowExecutionCanceled: [['details', 'payloads'], ...plain('workflowTaskCompletedEventId')],
  WorkflowExecutionSignaled: [
    ...plain('signalName'),
    ['input', 'payloads'],
    ...plain('identity', 'requestId'),
    ['header', 'optionalPayloadMap'],
  ],
  WorkflowTaskScheduled: [...plain('taskQueue', 'startToCloseTimeoutMs', 'attempt'), ['normalTaskQueue', 'optional']],
  WorkflowTaskStarted: plain('scheduledEventId', 'identity', 'requestId', 'beginTimeMs', 'historySizeBytes'),
  WorkflowTaskCompleted: plain('scheduledEventId', 'startedEventId', 'identity', 'sdk'),
  WorkflowTaskTimedOut: plain('scheduledEventId', 'startedEventId', 'timeoutType'),
  WorkflowTaskFailed: [
    ...plain('scheduledEventId', 'startedEventId', 'cause'),
    ['failure', 'failure'],
    ...plain('identity'),
  ],
  ActivityTaskScheduled: [
    ...plain('activityId', 'activityType', 'taskQueue'),
    ['input', 'payloads'],
    ...plain('scheduleToCloseTimeoutMs', 'scheduleToStartTimeoutMs', 'startToCloseTimeoutMs', 'heartbeatTimeoutMs'),
    ...plain('workflowTaskCompletedEventId'),
    ['retryPolicy', 'retryPolicy'],
    ['header', 'optionalPayloadMap'],
  ],
  ActivityTaskStarted: [...plain('scheduledEventId', 'identity', 'requestId', 'attempt'), ['lastFailure', 'failure']],
  ActivityTaskCompleted: [['result', 'payloads'], ...plain('scheduledEventId', 'startedEventId', 'identity')],
  ActivityTaskFailed: [
    ['failure', 'failure'],
    ...plain('scheduledEventId', 'startedEventId', 'identity', 'retryState'),
  ],
  ActivityTaskTimedOut: [['failure', 'failure'], ...plain('scheduledEventId', 'startedEventId', 'retryState')],
  ActivityTaskCancelRequested: plain('scheduledEventId', 'workflowTaskCompletedEventId'),
  ActivityTaskCanceled: [
    ['details', 'payloads'],
    ...plain('latestCancelRequestedEventId', 'scheduledEventId', 'startedEventId', 'identity'),
  ],
  TimerStarted: plain('timerId', 'startToFireTimeoutMs', 'workflowTaskCompletedEventId'),
  TimerFired: plain('timerId', 'startedEventId'),
  TimerCanceled: plain('timerId', 'startedEventId', 'workflowTaskCompletedEventId', 'identity'),
  MarkerRecorded: [
    ...plain('markerName'),
    ['details', 'namedPayloads'],
    ...plain('workflowTaskCompletedEventId'),
    ['failure', 'failure'],
  ],
  UpsertWorkflowSearchAttributes: [...plain('workflowTaskCompletedEventId'), ['searchAttributes', 'payloadMap']],
  WorkflowPropertiesModified: [...plain('workflowTaskCompletedEventId'), ['upsertedMemo', 'payloadMap']],
}

type Writing = (writer: MsgpackWriter, event: HistoryEvent, attributes: EventAttributes[EventType]) => void
type Decoder = (row: readonly unknown[]) => EventAttributes[EventType]

const writers = new Map<EventType, Writing>()
const decoders = new Map<number, { readonly eventType: EventType; readonly decode: Decoder }>()
for (const [type, fields] of Object.entries(FIELDS) as [EventType, Fields][]) {
  writers.set(type, compileWriter(type, fields))
  decoders.set(EVENT_NUMBERS[type], { eventType: type, decode: compileDecoder(fields) })
}

/** The event id is not in it: rows know that of their first. */
export function writeEvent(writer: MsgpackWriter, event: HistoryEvent): void {
  writers.get(event.eventType)!(writer, event, event.attributes)
}

/** As a row of its own, for one that has no id yet. */
export function encodeEvent(event: HistoryEvent): Uint8Array {
  writeEvent(beginRow(), event)
  return endRow()
}

/** Throws LOOM_CORRUPT for what no release has written. */
export function decodeEvent(row: unknown, eventId: number, version: number): HistoryEvent {
  if (!Array.isArray(row)) throw new CorruptError(`event ${eventId}: not an array`)
  const known = decoders.get(row[0] as number)
  if (known === undefined || typeof row[1] !== 'number')
    throw new CorruptError(`event ${eventId}: unknown type ${String(row[0])}`)
  const attributes = known.decode(row)
  return { eventId, eventType: known.eventType, eventTimeMs: row[1], version, attributes } as HistoryEvent
}

/**
 * The table above, as one straight function a type: this is the hot path, and a loop over fields is four times slower. The
 * text is made of our own constants, never of input.
 */
function compileWriter(type: EventType, fields: Fields): Writing {
  const parts = fields.map(([name, coding]) =>
    coding === 'payloads'
      ? `writePayloads(w, a.${name})`
      : `w.write(${writtenValue(name, coding)}, ${ATTRIBUTE_DEPTH})`,
  )
  const head = `w.beginArray(${fields.length + 2}); w.write(${EVENT_NUMBERS[type]}); w.write(event.eventTimeMs)`
  return compile(['w', 'event', 'a'], [head, ...parts].join('; '), {
    writePayloads,
    failure: encodeFailure,
    retryPolicy: encodeRetryPolicy,
    namedPayloads: encodeNamedPayloads,
    payloadMap: encodePayloadMap,
    optionalPayloadMap: encodeOptionalPayloadMap,
    optionalPolicy: encodeOptionalPolicy,
  }) as Writing
}

function writtenValue(name: string, coding: Coding): string {
  if (coding === 'plain') return `a.${name}`
  return coding === 'optional' ? `a.${name} ?? null` : `${coding}(a.${name})`
}

function readValue(at: number, coding: Coding): string {
  if (coding === 'plain') return `row[${at}]`
  return coding === 'optional' ? `row[${at}] ?? undefined` : `${coding}(row[${at}])`
}

function compileDecoder(fields: Fields): Decoder {
  const parts = fields.map(([name, coding], i) => `${name}: ${readValue(i + 2, coding)}`)
  const body = `return { ${parts.join(', ')} }`
  return compile(['row'], body, {
    payloads: decodePayloads,
    failure: decodeFailure,
    retryPolicy: decodeRetryPolicy,
    namedPayloads: decodeNamedPayloads,
    payloadMap: decodePayloadMap,
    optionalPayloadMap: decodeOptionalPayloadMap,
    optionalPolicy: decodeOptionalPolicy,
  }) as Decoder
}

function compile(parameters: readonly string[], body: string, scope: Readonly<Record<string, unknown>>): unknown {
  const names = Object.keys(scope)

  const make = new Function(...names, `return (${parameters.join(', ')}) => { ${body} }`) as (
    ...values: unknown[]
  ) => unknown
  return make(...Object.values(scope))
}
