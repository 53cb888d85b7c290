/** User data on its way: opaque bytes, and metadata that says how to read them. Encoded once, at the client or worker boundary. */

export interface Payload {
  /** `encoding` is always there: 'json/plain', 'binary/plain', 'binary/null', or a codec's own. */
  readonly metadata: Readonly<Record<string, string>>
  readonly data: Uint8Array
}

/** A list, as in Temporal: arguments, or one result; undefined where there is none. */
export type Payloads = readonly Payload[]

/** The one object for the common encoding, so that rows and comparisons can go by identity. */
export const JSON_PLAIN: Readonly<Record<string, string>> = Object.freeze({ encoding: 'json/plain' })
export const BINARY_PLAIN: Readonly<Record<string, string>> = Object.freeze({ encoding: 'binary/plain' })
/** `undefined`. */
export const BINARY_NULL: Readonly<Record<string, string>> = Object.freeze({ encoding: 'binary/null' })
