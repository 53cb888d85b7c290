/** What a saved history may be: events as they are, their JSON, or Temporal's. */
import type { HistoryEvent } from '../protocol/event.js'
import { HISTORY_FORMAT, readHistoryJson, unreadable, type HistoryJson } from './history-json.js'
import { readTemporalJson } from './temporal-json.js'

/**
 * A history to be checked: the events themselves, what `history().toJson()` gave, or the parsed JSON of
 * `temporal workflow show --output json`.
 */
export type SavedHistory = readonly HistoryEvent[] | HistoryJson | TemporalHistoryJson

/** The parsed JSON of `temporal workflow show --output json`. */
export interface TemporalHistoryJson {
  /** Each with an eventId, an eventTime, an eventType, and its attributes. */
  readonly events: readonly object[]
}

/** Throws LOOM_INVALID_ARGUMENT, saying what is wrong with it. */
export function readSaved(saved: unknown): readonly HistoryEvent[] {
  const events = eventsOf(saved)
  const [first] = events
  if (first?.eventType !== 'WorkflowExecutionStarted')
    throw unreadable('it does not begin with WorkflowExecutionStarted')
  const misplaced = events.findIndex(({ eventId }, at) => eventId !== at + 1)
  if (misplaced !== -1) throw unreadable(`event ${misplaced + 1} is missing`)
  return events
}

function eventsOf(saved: unknown): readonly HistoryEvent[] {
  if (Array.isArray(saved)) return saved as readonly HistoryEvent[]
  if (typeof saved !== 'object' || saved === null) throw unreadable('it is neither an object nor a list of events')
  const { format, events } = saved as Partial<HistoryJson>
  if (format === HISTORY_FORMAT) return readHistoryJson(saved)
  if (Array.isArray(events)) return readTemporalJson(events)
  throw unreadable("it has no 'events'")
}
