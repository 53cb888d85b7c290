/**
 * The two vocabularies and how one becomes the other. Recorded: durations in seconds, payloads decoded. Ours: ms, with
 * the unit in the name, and payloads as bytes. All other names are the same in both, by design of protocol/.
 */
import { JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import type { WorkflowTaskFailedCause } from '../../src/protocol/event.js'
import type { Json, JsonObject } from './scenario.js'

const DURATIONS: ReadonlySet<string> = new Set([
  'scheduleToCloseTimeout',
  'scheduleToStartTimeout',
  'startToCloseTimeout',
  'heartbeatTimeout',
  'startToFireTimeout',
  'workflowExecutionTimeout',
  'workflowRunTimeout',
  'workflowTaskTimeout',
  'workflowStartDelay',
  'firstWorkflowTaskBackoff',
  'backoffStartInterval',
  'initialInterval',
  'maximumInterval',
  'currentRetryInterval',
  'nextRetryDelay',
])

/** Lists of payloads. */
const PAYLOADS: ReadonlySet<string> = new Set([
  'input',
  'signalInput',
  'result',
  'details',
  'heartbeatDetails',
  'lastHeartbeatDetails',
  'lastCompletionResult',
])

/** Payloads by name. */
const PAYLOAD_MAPS: ReadonlySet<string> = new Set(['memo', 'upsertedMemo', 'searchAttributes'])

/** Temporal's numbers of the causes that a worker may send. */
const CAUSES: Readonly<Record<number, WorkflowTaskFailedCause>> = {
  1: 'UnhandledCommand',
  14: 'WorkflowWorkerUnhandledFailure',
  17: 'ForceCloseCommand',
  24: 'NonDeterministicError',
}

/** Kinds of failure that both sides have. */
export const FAILURE_TYPES: ReadonlySet<string> = new Set([
  'application',
  'activity',
  'timeout',
  'canceled',
  'terminated',
  'none',
])

/** Undefined: a cause that protocol/event.ts does not have. */
export function causeOf(number: Json | undefined): WorkflowTaskFailedCause | undefined {
  return typeof number === 'number' ? CAUSES[number] : undefined
}

export function encodePayload(value: Json): Payload {
  return { metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(value)) }
}

export function encodePayloadMap(values: JsonObject): Readonly<Record<string, Payload>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, encodePayload(value)]))
}

export function decodePayload({ metadata, data }: Payload): Json {
  const encoding = metadata['encoding']
  if (encoding === 'json/plain') return JSON.parse(Buffer.from(data).toString()) as Json
  if (encoding === 'binary/null') return null
  return { encoding: encoding ?? '', base64: Buffer.from(data).toString('base64') }
}

/** The words of a request, command or failure as recorded, in ours. */
export function toOurWords(recorded: JsonObject): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(recorded).map(([name, value]) => toOurWord(name, value)))
}

function toOurWord(name: string, value: Json): [string, unknown] {
  if (DURATIONS.has(name) && typeof value === 'number') return [`${name}Ms`, Math.round(value * 1000)]
  if (PAYLOADS.has(name) && Array.isArray(value)) return [name, (value as readonly Json[]).map(encodePayload)]
  if (PAYLOAD_MAPS.has(name) && isObject(value)) return [name, encodePayloadMap(value)]
  // Those of a marker have names.
  if (name === 'details' && isObject(value))
    return [
      name,
      Object.fromEntries(
        Object.entries(value).map(([key, list]) => [key, (list as readonly Json[]).map(encodePayload)]),
      ),
    ]
  return [name, isObject(value) ? toOurWords(value) : value]
}

/** The words of an event, failure or description of ours as they are recorded. Undefined is left out. */
export function toRecordedWords(ours: object): JsonObject {
  const words = Object.entries(ours).flatMap(([name, value]) => {
    const word = toRecorded(value)
    if (word === undefined) return []
    if (name.endsWith('Ms') && typeof word === 'number') return [[name.slice(0, -2), word / 1000] as const]
    return [[name, word] as const]
  })
  return Object.fromEntries(words)
}

function toRecorded(value: unknown): Json | undefined {
  if (Array.isArray(value))
    return value.map((item) => (isPayload(item) ? decodePayload(item) : (toRecorded(item) ?? null)))
  if (isPayload(value)) return decodePayload(value)
  if (typeof value === 'object' && value !== null) return toRecordedWords(value)
  return value as Json | undefined
}

function isPayload(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && 'metadata' in value && 'data' in value
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Does the name hold user data, which is compared as it is? */
export function isUserData(name: string): boolean {
  return PAYLOADS.has(name) || PAYLOAD_MAPS.has(name)
}
