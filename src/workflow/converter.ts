/**
 * The built-in converter: undefined, bytes, and all that JSON can carry without loss. Values of users come through
 * data-converter.ts, which calls it.
 *
 * Invariant: what JSON would drop or change without a word (a function, a Map, a promise, NaN) is refused, not lost. Of an
 * object its own enumerable fields with text keys count; one that is undefined is as good as absent.
 */
import { types } from 'node:util'
import { LoomError } from '../base/errors.js'
import { BINARY_NULL, BINARY_PLAIN, JSON_PLAIN, type Payload, type Payloads } from '../protocol/payload.js'
import { CodecFailure } from './payload-codec.js'

/** One payload carries at most this many bytes where no setting says otherwise: 2 MB. */
export const MAX_PAYLOAD_BYTES: number = 2 * 1024 * 1024

const NULL_PAYLOAD: Payload = Object.freeze({ metadata: BINARY_NULL, data: new Uint8Array(0) })

/** LOOM_INVALID_ARGUMENT when `value` cannot be carried, or is too big; `path` names it there. */
export function encodePayload(value: unknown, path = 'value', maxBytes: number = MAX_PAYLOAD_BYTES): Payload {
  if (value === undefined) return NULL_PAYLOAD
  if (types.isUint8Array(value)) {
    checkSize(value.byteLength, path, maxBytes)
    // A copy: the caller may write to its own again.
    return { metadata: BINARY_PLAIN, data: new Uint8Array(value) }
  }
  return { metadata: JSON_PLAIN, data: Buffer.from(jsonOf(value, path, maxBytes)) }
}

/** The same checks without making a payload: a replay must refuse what the sender was refused. */
export function checkPayload(value: unknown, path: string, maxBytes: number = MAX_PAYLOAD_BYTES): void {
  if (value === undefined) return
  if (types.isUint8Array(value)) checkSize(value.byteLength, path, maxBytes)
  else jsonOf(value, path, maxBytes)
}

/**
 * The value that a payload carries. A CodecFailure when its encoding is none of ours, LOOM_INVALID_ARGUMENT when its bytes are
 * not what that says; the message begins with `path`.
 */
export function decodePayload(payload: Payload, path = 'value'): unknown {
  const { metadata, data } = payload
  // By identity first: nearly all are this one object.
  const encoding = metadata === JSON_PLAIN ? 'json/plain' : metadata['encoding']
  if (encoding === 'json/plain') return parseJson(textOf(data), path)
  if (encoding === 'binary/null') return undefined
  if (encoding === 'binary/plain') return new Uint8Array(data)
  throw new CodecFailure(`${path}: nothing here reads the encoding '${encoding}'`)
}

export function encodePayloads(values: readonly unknown[], path = 'values', maxBytes?: number): Payloads {
  return values.map((value, at) => encodePayload(value, `${path}[${at}]`, maxBytes))
}

export function decodePayloads(payloads: Payloads | undefined, path = 'values'): unknown[] {
  return payloads?.map((payload, at) => decodePayload(payload, `${path}[${at}]`)) ?? []
}

function jsonOf(value: unknown, path: string, maxBytes: number): string {
  let text: string | undefined
  let loss: string | undefined
  try {
    text = JSON.stringify(value)
    if (typeof value !== 'string') loss = lossIn(value, undefined)
  } catch (cause) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}${whyNot(value, cause)} cannot be sent`, { cause })
  }
  if (loss !== undefined || text === undefined) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}${loss ?? ': nothing'} cannot be sent`)
  }
  // A character is at most three bytes of UTF-8.
  if (text.length * 3 > maxBytes) checkSize(Buffer.byteLength(text), path, maxBytes)
  return text
}

function checkSize(bytes: number, path: string, maxBytes: number): void {
  if (bytes <= maxBytes) return
  throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: ${bytes} bytes, more than the ${maxBytes} of a payload`)
}

/** JSON threw: at something that it does not know, at a circle, by a getter, or because there is no end to it. */
function whyNot(value: unknown, cause: unknown): string {
  if (cause instanceof RangeError) return ': something nested so deep'
  try {
    const loss = lossIn(value, [])
    if (loss !== undefined) return loss
    return `: ${cause instanceof Error ? cause.message : String(cause)}`
  } catch {
    return ': something that cannot be read'
  }
}

/**
 * Where and what JSON cannot carry: `.items[2]: a function`. `ancestors` finds circles; without it the value is
 * known to have none.
 */
function lossIn(value: unknown, ancestors: object[] | undefined): string | undefined {
  if (typeof value !== 'object' || value === null) return lossyPrimitive(value)
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return ': bytes inside of something else'
  // It says itself what it becomes.
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return undefined
  if (ancestors?.includes(value) === true) return ': a circle'
  ancestors?.push(value)
  const loss = Array.isArray(value)
    ? lossInItems(value, ancestors)
    : (lossyKind(value) ?? lossInFields(value, ancestors))
  ancestors?.pop()
  return loss
}

function lossyPrimitive(value: unknown): string | undefined {
  switch (typeof value) {
    case 'function':
    case 'symbol':
    case 'bigint':
      return `: a ${typeof value}`
    case 'number':
      return Number.isFinite(value) ? undefined : `: ${String(value)}`
    default:
      return undefined
  }
}

function lossInItems(items: readonly unknown[], ancestors: object[] | undefined): string | undefined {
  for (let at = 0; at < items.length; at++) {
    const loss = lossIn(items[at], ancestors)
    if (loss !== undefined) return `[${at}]${loss}`
  }
  return undefined
}

function lossInFields(fields: object, ancestors: object[] | undefined): string | undefined {
  for (const key in fields) {
    if (!Object.hasOwn(fields, key)) continue
    // The receiver drops it (parseJson).
    if (key === '__proto__') return '.__proto__: a field of that name'
    const loss = lossIn((fields as Record<string, unknown>)[key], ancestors)
    if (loss !== undefined) return `.${key}${loss}`
  }
  return undefined
}

/** Objects that JSON turns into `{}`, or into something that does not come back as what it was. */
function lossyKind(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return undefined
  if (types.isPromise(value)) return ': a promise (await it first)'
  if (types.isMap(value) || types.isSet(value)) return ': a Map or Set'
  if (types.isWeakMap(value) || types.isWeakSet(value)) return ': a WeakMap or WeakSet'
  if (types.isNativeError(value)) return ': an error (send its message)'
  if (types.isRegExp(value)) return ': a regular expression (send its source)'
  if (types.isBoxedPrimitive(value)) return ': a primitive in an object'
  return undefined
}

function textOf(data: Uint8Array): string {
  return (Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength)).toString()
}

function parseJson(text: string, path: string): unknown {
  try {
    // An own property of that name does no harm until somebody copies the object; `_` may also be written as \u005f.
    return text.includes('__proto__') || text.includes('\\u005') ? JSON.parse(text, dropProto) : JSON.parse(text)
  } catch (cause) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: not JSON, though it says so`, { cause })
  }
}

function dropProto(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}
