/**
 * Headers: texts by name that travel with a start, a signal or an activity for whoever intercepts it, and that no workflow
 * code or activity sees.
 *
 * Invariant: they are not passed through the data converter: what carries a message has to be readable on its way.
 */
import { LoomError } from '../base/errors.js'
import { headerBytes, JSON_PLAIN, MAX_HEADER_BYTES, type Header } from '../protocol/payload.js'

/** Texts by name. Together at most 64 KB as JSON; not encrypted, so no place for secrets. */
export type Headers = Readonly<Record<string, string>>

export const NO_HEADERS: Headers = Object.freeze({})

/** Undefined: there are none. LOOM_INVALID_ARGUMENT for what is no text, and for too much. */
export function encodeHeaders(headers: Headers, path: string): Header | undefined {
  const header: Record<string, Header[string]> = {}
  for (const [name, text] of Object.entries(headers)) {
    if (typeof text !== 'string' || name === '__proto__')
      throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}.${name}: not a text by name`)
    header[name] = { metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(text)) }
  }
  const bytes = headerBytes(header)
  if (bytes > MAX_HEADER_BYTES)
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: ${bytes} bytes, more than ${MAX_HEADER_BYTES}`)
  return bytes === 0 ? undefined : header
}

/** What others put there and is no text is left out. */
export function decodeHeaders(header: Header | undefined): Headers {
  if (header === undefined) return NO_HEADERS
  const headers: Record<string, string> = {}
  for (const [name, { data }] of Object.entries(header)) {
    const text = textOf(data)
    if (text !== undefined && name !== '__proto__') headers[name] = text
  }
  return headers
}

function textOf(data: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString())
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
