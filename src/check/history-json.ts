/**
 * Histories as JSON: what `handle.history().toJson()` gives, and a file may keep. The events are as they are everywhere,
 * but for the bytes of payloads, which are base64.
 *
 * Invariant: `readHistoryJson(historyJson(events))` gives the same events.
 */
import { LoomError } from '../base/errors.js'
import { EVENT_NUMBERS, type HistoryEvent } from '../protocol/event.js'
import { JSON_PLAIN, type Payload } from '../protocol/payload.js'

/** A history that JSON can carry. */
export interface HistoryJson {
  readonly format: 'shardloom-history'
  /** 1 today. */
  readonly version: number
  readonly events: readonly EventJson[]
}

/** An event that JSON can carry. */
export interface EventJson extends Omit<HistoryEvent, 'attributes'> {
  /** Those of the event's type; a payload is `{ metadata, data }`, and `data` base64. */
  readonly attributes: Readonly<Record<string, unknown>>
}

export const HISTORY_FORMAT = 'shardloom-history'
const VERSION = 1

/** Events as JSON has them: payload bytes as base64. `checkReplay` reads it, and so does `npx shardloom check-replay`. */
export function historyJson(events: readonly HistoryEvent[]): HistoryJson {
  const written = events.map((event) => ({ ...event, attributes: toJson(event.attributes) as EventJson['attributes'] }))
  return { format: HISTORY_FORMAT, version: VERSION, events: written }
}

/** Throws LOOM_INVALID_ARGUMENT, saying what is wrong with it. */
export function readHistoryJson({ version, events }: Partial<HistoryJson>): HistoryEvent[] {
  if (version !== VERSION) throw unreadable(`its version is ${String(version)}; this release reads ${VERSION}`)
  if (!Array.isArray(events)) throw unreadable('its events are not a list')
  return (events as readonly EventJson[]).map((event, at) => {
    requireKnown(event.eventType, at + 1)
    return { ...event, attributes: fromJson(event.attributes) } as HistoryEvent
  })
}

export function requireKnown(eventType: unknown, eventId: number): void {
  if (typeof eventType === 'string' && Object.hasOwn(EVENT_NUMBERS, eventType)) return
  throw unreadable(`event ${eventId} is of type ${String(eventType)}, which this release does not know`)
}

export function unreadable(why: string): LoomError {
  return new LoomError('LOOM_INVALID_ARGUMENT', `the history cannot be read: ${why}`)
}

/** With the one object for the common metadata. */
export function payloadOf(metadata: Readonly<Record<string, string>>, base64: string): Payload {
  const isPlain = Object.keys(metadata).length === 1 && metadata['encoding'] === 'json/plain'
  return { metadata: isPlain ? JSON_PLAIN : metadata, data: Buffer.from(base64, 'base64') }
}

function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return mapped(value, toJson)
}

function fromJson(value: unknown): unknown {
  const { metadata, data } = (value ?? {}) as { metadata?: unknown; data?: unknown }
  if (typeof data === 'string' && typeof metadata === 'object' && metadata !== null)
    return payloadOf(metadata as Record<string, string>, data)
  return mapped(value, fromJson)
}

/** Objects of JSON, item by item; fields that are undefined are left out. */
function mapped(value: unknown, map: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(fields.map(([name, item]) => [name, map(item)]))
}
