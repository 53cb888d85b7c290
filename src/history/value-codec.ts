/** The values that events and rows share, as plain data: payloads, failures, retry policies. */
import { BINARY_NULL, BINARY_PLAIN, JSON_PLAIN } from '../protocol/payload.js'
import type { Payload, Payloads } from '../protocol/payload.js'
import type { NamedPayloads } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import { DEFAULT_RETRY_POLICY } from '../protocol/retry-policy.js'
import type { RetryPolicy } from '../protocol/retry-policy.js'
import { CorruptError } from '../storage/errors.js'
import type { MsgpackWriter } from '../storage/msgpack-writer.js'

/** Metadata that is stored as its number: the common encodings cost one byte. */
const KNOWN_METADATA = [JSON_PLAIN, BINARY_PLAIN, BINARY_NULL]

/** A JSON payload is its bytes; any other [metadata, bytes]. */
export function encodePayloads(payloads: Payloads | undefined): unknown {
  if (payloads === undefined) return null
  if (payloads.length === 1) return [encodePayload(payloads[0]!)]
  return payloads.map(encodePayload)
}

/** The same bytes as `encodePayloads`, with nothing between. */
export function writePayloads(writer: MsgpackWriter, payloads: Payloads | undefined): void {
  if (payloads === undefined) return writer.write(null)
  writer.beginArray(payloads.length)
  for (let at = 0; at < payloads.length; at++) {
    const payload = payloads[at]!
    if (payload.metadata === JSON_PLAIN) writer.writeBytes(payload.data)
    else writer.write(encodePayload(payload))
  }
}

function encodePayload(payload: Payload): unknown {
  const known = KNOWN_METADATA.indexOf(payload.metadata)
  if (known === 0) return payload.data
  return [known > 0 ? known : Object.entries(payload.metadata), payload.data]
}

export function decodePayloads(value: unknown): Payloads | undefined {
  if (value === null || value === undefined) return undefined
  return arrayOf(value, 'payloads').map(decodePayload)
}

function decodePayload(value: unknown): Payload {
  if (value instanceof Uint8Array) return { metadata: JSON_PLAIN, data: value }
  const [metadata, data] = arrayOf(value, 'payload')
  if (!(data instanceof Uint8Array)) throw new CorruptError('payload: not bytes')
  if (typeof metadata === 'number') return { metadata: KNOWN_METADATA[metadata] ?? JSON_PLAIN, data }
  return { metadata: textRecord(metadata), data }
}

/** Own keys of a null-prototype object: `__proto__` is a name like any other. */
function textRecord(value: unknown): Readonly<Record<string, string>> {
  const record = Object.create(null) as Record<string, string>
  for (const pair of arrayOf(value, 'metadata')) {
    const [key, text] = arrayOf(pair, 'metadata')
    if (typeof key === 'string' && typeof text === 'string') record[key] = text
  }
  return record
}

/** [name, payloads] of each. */
export function encodeNamedPayloads(named: NamedPayloads | undefined): unknown {
  if (named === undefined) return null
  return Object.entries(named).map(([name, payloads]) => [name, encodePayloads(payloads)])
}

export function decodeNamedPayloads(value: unknown): NamedPayloads | undefined {
  if (value === null || value === undefined) return undefined
  return recordOf(value, 'details', (payloads) => decodePayloads(payloads) ?? [])
}

type PayloadMap = Readonly<Record<string, Payload>>

/** [name, payload] of each: a memo, search attributes. */
export function encodePayloadMap(payloads: PayloadMap): unknown {
  return Object.entries(payloads).map(([name, payload]) => [name, encodePayload(payload)])
}

export function decodePayloadMap(value: unknown): PayloadMap {
  return recordOf(value, 'payloads by name', decodePayload)
}

export function encodeOptionalPayloadMap(payloads: PayloadMap | undefined): unknown {
  return payloads === undefined ? null : encodePayloadMap(payloads)
}

export function decodeOptionalPayloadMap(value: unknown): PayloadMap | undefined {
  return value === null || value === undefined ? undefined : decodePayloadMap(value)
}

function recordOf<T>(value: unknown, what: string, decode: (item: unknown) => T): Readonly<Record<string, T>> {
  const record = Object.create(null) as Record<string, T>
  for (const pair of arrayOf(value, what)) {
    const [name, item] = arrayOf(pair, what)
    if (typeof name === 'string') record[name] = decode(item)
  }
  return record
}

const FAILURE_TYPES = ['application', 'activity', 'timeout', 'canceled', 'terminated', 'none'] as const

/** [kind, message or [message, encoded attributes], stack, cause, …what the kind has]. */
export function encodeFailure(failure: Failure | undefined): unknown {
  if (failure === undefined) return null
  const base = [
    FAILURE_TYPES.indexOf(failure.type),
    failure.encodedAttributes === undefined
      ? failure.message
      : [failure.message, encodePayload(failure.encodedAttributes)],
    failure.stackTrace ?? null,
    encodeFailure(failure.cause),
  ]
  switch (failure.type) {
    case 'application':
      return [
        ...base,
        failure.applicationType ?? null,
        failure.nonRetryable ?? false,
        encodePayloads(failure.details),
        failure.nextRetryDelayMs ?? null,
      ]
    case 'activity':
      return [
        ...base,
        failure.activityId,
        failure.activityType,
        failure.scheduledEventId,
        failure.startedEventId,
        failure.retryState,
      ]
    case 'timeout':
      return [...base, failure.timeoutType, encodePayloads(failure.lastHeartbeatDetails)]
    case 'canceled':
      return [...base, encodePayloads(failure.details)]
    case 'terminated':
    case 'none':
      return base
  }
}

export function decodeFailure(value: unknown): Failure | undefined {
  if (value === null || value === undefined) return undefined
  const [kind, said, stack, cause, ...rest] = arrayOf(value, 'failure')
  const [message, encodedAttributes] = Array.isArray(said) ? (said as readonly unknown[]) : [said]
  const base: Record<string, unknown> = { type: FAILURE_TYPES[kind as number], message }
  if (encodedAttributes !== undefined) base['encodedAttributes'] = decodePayload(encodedAttributes)
  setUnlessNull(base, 'stackTrace', stack)
  setUnlessNull(base, 'cause', decodeFailure(cause) ?? null)
  switch (base['type']) {
    case 'application':
      setUnlessNull(base, 'applicationType', rest[0])
      if (rest[1] === true) base['nonRetryable'] = true
      setUnlessNull(base, 'details', decodePayloads(rest[2]))
      setUnlessNull(base, 'nextRetryDelayMs', rest[3])
      break
    case 'activity':
      ;[
        base['activityId'],
        base['activityType'],
        base['scheduledEventId'],
        base['startedEventId'],
        base['retryState'],
      ] = rest
      break
    case 'timeout':
      base['timeoutType'] = rest[0]
      setUnlessNull(base, 'lastHeartbeatDetails', decodePayloads(rest[1]))
      break
    case 'canceled':
      setUnlessNull(base, 'details', decodePayloads(rest[0]))
      break
    case 'terminated':
    case 'none':
      break
    default:
      throw new CorruptError(`failure: unknown kind ${String(kind)}`)
  }
  return base as unknown as Failure
}

/** null for the default policy: most activities have it. */
export function encodeRetryPolicy(policy: RetryPolicy): unknown {
  if (policy === DEFAULT_RETRY_POLICY) return null
  return [
    policy.initialIntervalMs,
    policy.backoffCoefficient,
    policy.maximumIntervalMs,
    policy.maximumAttempts,
    policy.nonRetryableErrorTypes,
  ]
}

export function decodeRetryPolicy(value: unknown): RetryPolicy {
  if (value === null || value === undefined) return DEFAULT_RETRY_POLICY
  const [initialIntervalMs, backoffCoefficient, maximumIntervalMs, maximumAttempts, types] = arrayOf(
    value,
    'retry policy',
  )
  const nonRetryableErrorTypes = arrayOf(types, 'retry policy') as string[]
  return {
    initialIntervalMs,
    backoffCoefficient,
    maximumIntervalMs,
    maximumAttempts,
    nonRetryableErrorTypes,
  } as RetryPolicy
}

/** Of a workflow: null for none, and the default policy is written out. */
export function encodeOptionalPolicy(policy: RetryPolicy | undefined): unknown {
  return policy === undefined ? null : encodeRetryPolicy({ ...policy })
}

export function decodeOptionalPolicy(value: unknown): RetryPolicy | undefined {
  return value === null || value === undefined ? undefined : decodeRetryPolicy(value)
}

export function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new CorruptError(`${what}: not an array`)
  return value as readonly unknown[]
}

function setUnlessNull(target: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== null && value !== undefined) target[name] = value
}
