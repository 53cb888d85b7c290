/**
 * How big an execution has become, held against the settings after each turn: a warning when a limit is near, the end when
 * it is passed.
 *
 * Invariant: everything that is compared is known without counting, and is the same when the execution is read back.
 */
import type { ExecutionRef } from '../protocol/ids.js'
import type { Settings } from '../protocol/settings.js'
import type { ExecutionState } from '../machine/state.js'

/** An execution, as far as it can be big. */
export interface Sized extends ExecutionRef {
  readonly state: ExecutionState
  /** Of its history rows. */
  readonly sizeBytes: number
}

/** Bits: more than a warning's worth. */
const MANY_EVENTS = 1
const LONG_HISTORY = 2
const MUCH_STATE = 4
/** Bits: more than there may be. */
const TOO_MANY_EVENTS = 8
const TOO_LONG_HISTORY = 16
const TOO_MUCH_STATE = 32
const TOO_MUCH = TOO_MANY_EVENTS | TOO_LONG_HISTORY | TOO_MUCH_STATE
/** A payload that is worth a warning came by. */
export const HEAVY_PAYLOAD = 64

/** All that holds; 0 for nearly every execution. */
export function growthOf({ state, sizeBytes }: Sized, settings: Settings): number {
  const eventCount = state.nextEventId - 1
  const { heldBytes } = state
  let bits = 0
  if (eventCount > settings.warnHistoryEvents) bits |= MANY_EVENTS
  if (sizeBytes > settings.warnHistoryBytes) bits |= LONG_HISTORY
  if (heldBytes > settings.warnStateBytes) bits |= MUCH_STATE
  if (eventCount > settings.maxHistoryEvents) bits |= TOO_MANY_EVENTS
  if (sizeBytes > settings.maxHistoryBytes) bits |= TOO_LONG_HISTORY
  if (heldBytes > settings.maxStateBytes) bits |= TOO_MUCH_STATE
  return bits
}

/** Why it may not go on; undefined: it may. */
export function reasonToEnd(bits: number, { state, sizeBytes }: Sized, settings: Settings): string | undefined {
  if ((bits & TOO_MUCH) === 0) return undefined
  if ((bits & TOO_MANY_EVENTS) !== 0)
    return reason('history count', state.nextEventId - 1, 'events', settings, 'maxHistoryEvents')
  if ((bits & TOO_LONG_HISTORY) !== 0) return reason('history size', sizeBytes, 'bytes', settings, 'maxHistoryBytes')
  return reason('state size', state.heldBytes, 'bytes', settings, 'maxStateBytes')
}

type Limit = 'maxHistoryEvents' | 'maxHistoryBytes' | 'maxStateBytes'

function reason(what: string, is: number, unit: string, settings: Settings, limit: Limit): string {
  return `${what} exceeds its limit: ${is} ${unit}, ${limit} is ${settings[limit]}`
}

/** What of it is worth a line: sentences. */
export function warningsOf(bits: number): readonly string[] {
  const lines: string[] = []
  if ((bits & MANY_EVENTS) !== 0) lines.push('the history of a run has many events: continue as new')
  if ((bits & LONG_HISTORY) !== 0)
    lines.push('the history of a run is big: continue as new, or pass references instead of data')
  if ((bits & MUCH_STATE) !== 0) lines.push('an execution has much pending at a time')
  if ((bits & HEAVY_PAYLOAD) !== 0) lines.push('big payloads: pass references instead of data')
  return lines
}
