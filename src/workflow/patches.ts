/**
 * Patches: markers by which changed code tells the executions that began before the change from those that did not.
 * Names and payloads are those of Temporal's SDKs.
 *
 * Invariant: the first call with an id that is true asks for its marker, live and replayed alike.
 */
import type { Command } from '../protocol/command.js'
import type { EventOf, HistoryEvent } from '../protocol/event.js'
import { JSON_PLAIN, type Payload } from '../protocol/payload.js'
import { CHANGE_VERSION } from '../protocol/search-attributes.js'
import { decodePayload } from './converter.js'

const MARKER = 'core_patch'
const DETAIL = 'patch-data'
const ATTRIBUTE = CHANGE_VERSION
const KEYWORDS: Readonly<Record<string, string>> = Object.freeze({ encoding: 'json/plain', type: 'KeywordList' })
/** A longer list of patches is no search attribute: what is found by it would not fit. */
const MAX_ATTRIBUTE_BYTES = 2048

/** What a marker in a history says. */
export interface Patch {
  readonly id: string
  readonly deprecated: boolean
}

export class Patches {
  /** Whose markers the history has, up to the task that is being replayed. */
  #recorded: Set<string> | undefined
  /** Whose markers the code asked for. */
  #asked: Set<string> | undefined

  /** The history has its marker: to be told before the code of that task runs. */
  noted({ id }: Patch): void {
    this.#recorded ??= new Set()
    this.#recorded.add(id)
  }

  /** False: the code of this task ran before the change. `ask` takes what is to be written down. */
  isIn(id: string, deprecated: boolean, isReplaying: boolean, ask: (command: Command) => void): boolean {
    if (isReplaying && this.#recorded?.has(id) !== true) return false
    this.#asked ??= new Set()
    if (this.#asked.has(id)) return true
    this.#asked.add(id)
    ask({ type: 'RecordMarker', markerName: MARKER, details: { [DETAIL]: [jsonPayload({ id, deprecated })] } })
    const all = new Set([...(this.#recorded ?? []), ...this.#asked])
    const payload = jsonPayload([...all].sort(), KEYWORDS)
    if (payload.data.length < MAX_ATTRIBUTE_BYTES)
      ask({ type: 'UpsertWorkflowSearchAttributes', searchAttributes: { [ATTRIBUTE]: payload } })
    return true
  }
}

function jsonPayload(value: unknown, metadata = JSON_PLAIN): Payload {
  return { metadata, data: Buffer.from(JSON.stringify(value)) }
}

/** Undefined: it is another kind of marker. */
export function patchIn({
  markerName,
  details,
}: Pick<EventOf<'MarkerRecorded'>['attributes'], 'markerName' | 'details'>): Patch | undefined {
  const payload = markerName === MARKER ? details?.[DETAIL]?.[0] : undefined
  if (payload === undefined) return undefined
  const { id, deprecated } = (jsonOf(payload) ?? {}) as { id?: unknown; deprecated?: unknown }
  return typeof id === 'string' ? { id, deprecated: deprecated === true } : undefined
}

/** Markers of a foreign history may hold anything. */
function jsonOf(payload: Payload): unknown {
  try {
    return decodePayload(payload)
  } catch {
    return undefined
  }
}

/** Did the code ask for just this patch? `deprecated` may have changed since. */
export function isMarkerOf(command: Command | undefined, { id }: Patch): boolean {
  return command?.type === 'RecordMarker' && patchIn(command)?.id === id
}

/** It follows from a marker, and is not compared: older SDKs wrote none. */
export function isListOfPatches(one: Command | HistoryEvent | undefined): boolean {
  if (one === undefined) return false
  const attributes =
    'type' in one
      ? one.type === 'UpsertWorkflowSearchAttributes' && one.searchAttributes
      : one.eventType === 'UpsertWorkflowSearchAttributes' && one.attributes.searchAttributes
  return attributes !== false && Object.hasOwn(attributes, ATTRIBUTE)
}
