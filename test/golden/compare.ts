/**
 * Is what came out of us what was recorded? An empty list says yes; otherwise each line says one thing that differs, for
 * people.
 */
import { isDeepStrictEqual } from 'node:util'
import { timeMismatch } from './lateness.js'
import {
  labelsOf,
  normaliseDescription,
  normaliseEvent,
  withoutDefaults,
  type Labels,
  type PlayedRun,
} from './normalise.js'
import type { Played } from './play.js'
import type { ExpectedRun, GoldenEvent, Json, JsonObject, Pending, Scenario } from './scenario.js'
import { isObject } from './words.js'

/** Stands in a recording for a value that is ours to choose (see differences.ts). */
export const ANYTHING = '<anything>'

const SHOWN_EVENTS = 12

/** `played` before anything of it is normalised. */
export function compare(scenario: Scenario, played: Played): readonly string[] {
  const labels = labelsOf(scenario.runs, played.runs)
  const isSdk = scenario.control === 'sdk'
  const described = new Map(played.described.map(({ moment, description }) => [moment, description]))
  return [
    ...played.mismatches,
    ...scenario.pending.flatMap((pending) => {
      const description = described.get(pending.moment)
      return description === undefined
        ? [`moment '${pending.moment}': not described`]
        : comparePending(pending, normaliseDescription(description, labels))
    }),
    ...scenario.runs.flatMap((expected) => {
      const run = played.runs.find(({ runId }) => labels.get(runId) === expected.label)
      return run === undefined ? [`${expected.label}: never began`] : compareRun(expected, run, labels, isSdk)
    }),
    ...played.runs
      .filter(({ runId }) => !scenario.runs.some(({ label }) => label === labels.get(runId)))
      .map(({ workflowId, status }) => `one more run of ${workflowId}: ${status}`),
  ]
}

function comparePending({ moment, ...recorded }: Pending, ours: JsonObject): readonly string[] {
  return differingFields(withoutDefaults(recorded), ours).map((line) => `moment '${moment}' ${line}`)
}

function compareRun(expected: ExpectedRun, run: PlayedRun, labels: Labels, isSdk: boolean): readonly string[] {
  const recorded = expected.events.map((event) => withoutDefaults(event))
  const { events: ours, places } = inRecordedOrder(
    recorded,
    run.events.map((event) => normaliseEvent(event, labels)),
    expected.unordered,
  )
  const beganMs = run.events[0]?.eventTimeMs ?? 0
  const timeOf = (eventId: number): number => (run.events[places.get(eventId) ?? -1]?.eventTimeMs ?? NaN) - beganMs
  const lines: string[] = []
  if (run.status !== expected.status) lines.push(`status: expected ${expected.status}, got ${run.status}`)
  const parting = recorded.findIndex(({ eventType }, at) => eventType !== ours[at]?.eventType)
  const alike = parting === -1 ? recorded.length : parting
  const taskTimeout = recorded[0]?.['workflowTaskTimeout']
  for (let at = 0; at < alike; at++) {
    const event = recorded[at]!
    const { fields, own } = comparable(event, ours[at]!, taskTimeout, isSdk)
    const time = timeMismatch(recorded, event, timeOf)
    for (const line of [...differingFields(fields, own), ...(time === undefined ? [] : [time])]) {
      lines.push(`event ${event.eventId} ${event.eventType} ${line}`)
    }
  }
  if (alike < recorded.length || ours.length > recorded.length) lines.push(...sideBySide(recorded, ours, alike))
  return lines.map((line) => `${expected.label} ${line}`)
}

/** Takes away what is compared in another way, or not at all. */
function comparable(
  { atMs: _, ...recorded }: GoldenEvent,
  ours: GoldenEvent,
  taskTimeout: Json | undefined,
  isSdk: boolean,
): { readonly fields: JsonObject; readonly own: JsonObject } {
  const fields: Record<string, Json> = { ...recorded }
  const own: Record<string, Json> = { ...ours }
  for (const [name, value] of Object.entries(fields)) {
    // Grows with the attempt, with jitter.
    const isStretched = value === 'stretched' && Number(own[name]) > Number(taskTimeout)
    const isStickyQueue = isSdk && name === 'taskQueue' && isObject(value) && 'sticky' in value
    if (isStretched || isStickyQueue || value === ANYTHING) {
      delete fields[name]
      delete own[name]
    }
  }
  return { fields, own }
}

function differingFields(recorded: JsonObject, ours: JsonObject): readonly string[] {
  return [...new Set([...Object.keys(recorded), ...Object.keys(ours)])]
    .filter((name) => !isDeepStrictEqual(recorded[name], ours[name]))
    .map((name) => `${name}: expected ${shown(recorded[name])}, got ${shown(ours[name])}`)
}

function shown(value: Json | undefined): string {
  return value === undefined ? 'none' : JSON.stringify(value)
}

function sideBySide(recorded: readonly GoldenEvent[], ours: readonly GoldenEvent[], from: number): readonly string[] {
  const until = Math.min(Math.max(recorded.length, ours.length), from + SHOWN_EVENTS)
  const lines = [`events from ${from + 1} on: expected | got`]
  for (let at = from; at < until; at++) {
    const name = (event: GoldenEvent | undefined): string => event?.eventType ?? '-'
    lines.push(`  ${String(at + 1).padStart(3)} ${name(recorded[at]).padEnd(32)} | ${name(ours[at])}`)
  }
  return lines
}

/**
 * Our events in the order of the recorded ones within each group whose order is free, with new ids and references to
 * them. `places`: recorded event id → where ours stood.
 */
function inRecordedOrder(
  recorded: readonly GoldenEvent[],
  ours: readonly GoldenEvent[],
  groups: readonly (readonly number[])[],
): { readonly events: readonly GoldenEvent[]; readonly places: ReadonlyMap<number, number> } {
  const newIds = new Map(ours.map(({ eventId }) => [eventId, eventId]))
  for (const group of groups) {
    const free = new Set(group)
    const wanted = recorded.filter(({ eventId }) => free.has(eventId))
    for (const event of ours.filter(({ eventId }) => free.has(eventId))) {
      const at = wanted.findIndex((candidate) => isDeepStrictEqual(apart(candidate, free), apart(event, free)))
      const twin = wanted.splice(Math.max(at, 0), 1)[0]
      if (twin !== undefined) newIds.set(event.eventId, twin.eventId)
    }
  }
  const standsAt = new Map(ours.map(({ eventId }, at) => [eventId, at]))
  const events: GoldenEvent[] = []
  const places = new Map<number, number>()
  for (const [at, event] of ours.entries()) {
    const newId = newIds.get(event.eventId)!
    events[standsAt.get(newId) ?? at] = withNewIds(event, newIds)
    places.set(newId, at)
  }
  return { events, places }
}

/** What an event says beside ids of its own group. */
function apart({ atMs: _, ...event }: GoldenEvent, group: ReadonlySet<number>): JsonObject {
  const isOwn = (name: string, value: Json): boolean => isEventId(name) && group.has(Number(value))
  return Object.fromEntries(Object.entries(event).filter(([name, value]) => !isOwn(name, value)))
}

function withNewIds(event: GoldenEvent, newIds: ReadonlyMap<number, number>): GoldenEvent {
  const renew = (name: string, value: Json): Json => (isEventId(name) ? (newIds.get(Number(value)) ?? value) : value)
  const fields = Object.entries(event).map(([name, value]) => [name, renew(name, value)] as const)
  return Object.fromEntries(fields) as GoldenEvent
}

function isEventId(name: string): boolean {
  return name === 'eventId' || name.endsWith('EventId')
}
