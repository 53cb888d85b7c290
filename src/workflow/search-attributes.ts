/**
 * Search attributes as code has them. Values travel as JSON that everybody can read: they never go through a codec, since an
 * index has to understand them.
 */
import type { SearchAttributes } from '../protocol/event.js'
import { BINARY_NULL, JSON_PLAIN, type Payload } from '../protocol/payload.js'
import { CHANGE_VERSION } from '../protocol/search-attributes.js'
import { nameAt } from './activity-settings.js'
import { invalid } from './options.js'

/** A value: which of Temporal's types it has is registered with its name. */
export type SearchAttributeValue = boolean | number | string | Date | readonly string[]

/** Search attributes by name. */
export type SearchAttributeValues = Readonly<Record<string, SearchAttributeValue>>

/** What is to be changed: a null takes an attribute away. */
export type SearchAttributeChanges = Readonly<Record<string, SearchAttributeValue | null | undefined>>

/** A Date that has been read back is one again. */
const DATETIME: Readonly<Record<string, string>> = Object.freeze({ encoding: 'json/plain', type: 'Datetime' })
const NOTHING: Payload = Object.freeze({ metadata: BINARY_NULL, data: new Uint8Array(0) })

/** Undefined: nothing is in it. LOOM_INVALID_ARGUMENT, beginning with `path`, for what no type has as a value. */
export function encodeSearchAttributes(values: unknown, path: string): SearchAttributes | undefined {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) throw invalid(`${path}: not an object`)
  let attributes: Record<string, Payload> | undefined
  for (const [name, value] of Object.entries(values) as [string, unknown][]) {
    if (value === undefined) continue
    if (name === CHANGE_VERSION) throw invalid(`${path}.${name}: it is set by ctx.patched alone`)
    attributes ??= {}
    attributes[nameAt(name, `${path}: a name`)] = encodeValue(value, `${path}.${name}`)
  }
  return attributes
}

function encodeValue(value: unknown, path: string): Payload {
  if (value === null) return NOTHING
  if (value instanceof Date) return { metadata: DATETIME, data: jsonOf(isoText(value, path)) }
  const isList = Array.isArray(value) && value.every((one) => typeof one === 'string')
  const isNumber = typeof value === 'number' && Number.isFinite(value)
  if (isList || isNumber || typeof value === 'boolean' || typeof value === 'string')
    return { metadata: JSON_PLAIN, data: jsonOf(value) }
  throw invalid(`${path}: neither a boolean, a finite number, a text, a Date, a list of texts, nor null`)
}

function isoText(date: Date, path: string): string {
  if (Number.isNaN(date.getTime())) throw invalid(`${path}: an invalid Date`)
  return date.toISOString()
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** What cannot be read is left out: whoever wrote it did not go through here. */
export function decodeSearchAttributes(attributes: SearchAttributes | undefined): SearchAttributeValues {
  const values = Object.entries(attributes ?? {}).flatMap(([name, payload]): [string, SearchAttributeValue][] => {
    const value = decodeValue(payload)
    return value === null || value === undefined ? [] : [[name, value]]
  })
  return Object.freeze(Object.fromEntries(values))
}

function decodeValue({ metadata, data }: Payload): SearchAttributeValue | null | undefined {
  if (metadata['encoding'] !== 'json/plain') return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(data).toString())
  } catch {
    return undefined
  }
  const isDate = metadata['type'] === 'Datetime' && typeof value === 'string'
  return isDate ? new Date(value as string) : (value as SearchAttributeValue | null)
}

/** A null takes its attribute away, and so does an empty list. */
export function mergedSearchAttributes(
  before: SearchAttributeValues,
  changes: SearchAttributes,
): SearchAttributeValues {
  const kept = Object.entries(before).filter(([name]) => !Object.hasOwn(changes, name))
  const changed = Object.entries(decodeSearchAttributes(changes))
  const set = changed.filter(([, value]) => !Array.isArray(value) || value.length > 0)
  return Object.freeze(Object.fromEntries([...kept, ...set]))
}
