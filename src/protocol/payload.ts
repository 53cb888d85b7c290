/** User data on its way: opaque bytes, and metadata that says how to read them. Encoded once, at the client or worker boundary. */
import { types } from 'node:util'
import { isWellFormed } from './ids.js'

/** One value as it travels and is stored. */
export interface Payload {
  /** `encoding` is always there: 'json/plain', 'binary/plain', 'binary/null', or a codec's own. */
  readonly metadata: Readonly<Record<string, string>>
  readonly data: Uint8Array
}

/** A list, as in Temporal: arguments, or one result; undefined where there is none. */
export type Payloads = readonly Payload[]

/** Payloads by name that go with a message, for those who pass it on. */
export type Header = Readonly<Record<string, Payload>>

/** Of names and values together. */
export const MAX_HEADER_BYTES: number = 64 * 1024

/** As limits count them: names and data. */
export function headerBytes(header: Header | undefined): number {
  let bytes = 0
  for (const name in header) bytes += name.length + header[name]!.data.length
  return bytes
}

/** The one object for the common encoding, so that rows and comparisons can go by identity. */
export const JSON_PLAIN: Readonly<Record<string, string>> = Object.freeze({ encoding: 'json/plain' })
export const BINARY_PLAIN: Readonly<Record<string, string>> = Object.freeze({ encoding: 'binary/plain' })
/** `undefined`. */
export const BINARY_NULL: Readonly<Record<string, string>> = Object.freeze({ encoding: 'binary/null' })

/** Could it be written and read back? */
export function isPayload(value: unknown): value is Payload {
  if (typeof value !== 'object' || value === null) return false
  const { metadata, data } = value as Partial<Payload>
  if (!types.isUint8Array(data) || typeof metadata !== 'object' || metadata === null) return false
  const pairs: readonly (readonly unknown[])[] = Object.entries(metadata)
  return (
    Object.hasOwn(metadata, 'encoding') &&
    pairs.every((pair) => pair.every((one) => typeof one === 'string' && isWellFormed(one)))
  )
}
