/**
 * Where we differ from the recorded server on purpose, or where the server itself could as well have done otherwise. Each
 * entry rewrites the recording, for one scenario or for one well-defined situation, and nothing else is compared more loosely.
 */
import { CHAIN_DIFFERENCES } from './chain-differences.js'
import { ANYTHING } from './compare.js'
import type { Call, GoldenEvent, Scenario } from './scenario.js'
import { isObject } from './words.js'

export interface Difference {
  /** Its name, or `any`: wherever the situation arises. */
  readonly scenario: string
  readonly what: string
  readonly why: string
  /** The recording as it would be of a server like ours. */
  readonly adjust?: (scenario: Scenario) => Scenario
  /** Recordings that would have been as good; tried in turn when it is not met as it stands. */
  readonly alternatives?: (scenario: Scenario) => readonly Scenario[]
}

const MAX_EXCHANGED_POLLS = 4

export const DIFFERENCES: readonly Difference[] = [
  {
    scenario: 'any',
    what: 'WorkflowTaskFailed: the failure that the server itself wrote is not compared; its cause is.',
    why: 'The failure repeats the text of the error, and our texts name the command and the ids in our own words.',
    adjust: (scenario) => withEvents(scenario, withoutServerText),
  },
  {
    scenario: 'sdk-cancel-handled',
    what: 'The activity id is not compared.',
    why: 'The recorded SDK numbers activities and timers apart; our workflow code numbers what it starts, whatever it is.',
    adjust: (scenario) => withEvents(scenario, withAnyActivityId),
  },
  {
    scenario: 'any',
    what: 'Polls in a row on one queue, all answered at once, may get their tasks in another order.',
    why: 'Task queues promise no order; the recorded server has four partitions of each and gives any of them first.',
    alternatives: withPollsExchanged,
  },
  {
    scenario: 'activity-heartbeat-details-next-attempt',
    what: 'The second and third attempt begin, and are answered, as soon as they are due, not up to two seconds later.',
    why: 'The recorded server was late with the time-out and with the retries. Ours is in time, so an attempt that is answered at the recorded time has missed its heartbeat.',
    adjust: (scenario) => withCallsAt(scenario, { 3000: 1100, 4000: 1300 }),
  },
  ...CHAIN_DIFFERENCES,
]

function differencesOf(scenario: Scenario): readonly Difference[] {
  return DIFFERENCES.filter((difference) => difference.scenario === 'any' || difference.scenario === scenario.name)
}

/** The recording to compare with, and those that would do as well. */
export function recordingsOf(scenario: Scenario): readonly Scenario[] {
  const differences = differencesOf(scenario)
  const adjusted = differences.reduce((recording, { adjust }) => adjust?.(recording) ?? recording, scenario)
  return [adjusted, ...differences.flatMap(({ alternatives }) => alternatives?.(adjusted) ?? [])]
}

function withEvents(scenario: Scenario, rewrite: (event: GoldenEvent) => GoldenEvent): Scenario {
  return { ...scenario, runs: scenario.runs.map((run) => ({ ...run, events: run.events.map(rewrite) })) }
}

/** Calls that were made, or answered, at one time are moved to another. */
function withCallsAt(scenario: Scenario, times: Readonly<Record<number, number>>): Scenario {
  const moved = (atMs: number | undefined): number | undefined =>
    atMs === undefined ? undefined : (times[atMs] ?? atMs)
  const calls = scenario.calls.map((call) => ({ ...call, atMs: moved(call.atMs), doneMs: moved(call.doneMs) }))
  return { ...scenario, calls }
}

function withoutServerText(event: GoldenEvent): GoldenEvent {
  const { eventType, failure } = event
  const isServers = eventType === 'WorkflowTaskFailed' && isObject(failure) && failure['type'] === 'server'
  return isServers ? { ...event, failure: ANYTHING } : event
}

function withAnyActivityId(event: GoldenEvent): GoldenEvent {
  return 'activityId' in event ? { ...event, activityId: ANYTHING } : event
}

function withPollsExchanged(scenario: Scenario): readonly Scenario[] {
  const { calls } = scenario
  return pollsInARow(calls).flatMap((group) => {
    const tokens = group.map((at) => calls[at]!.token)
    const otherOrders = permutations(tokens).filter((order) => order.some((token, at) => token !== tokens[at]))
    return otherOrders.map((order) => ({
      ...scenario,
      calls: calls.map((call, at) => (group.includes(at) ? { ...call, token: order[group.indexOf(at)] } : call)),
    }))
  })
}

/** Places of calls. */
function pollsInARow(calls: readonly Call[]): readonly (readonly number[])[] {
  const groups: number[][] = []
  for (const [at, call] of calls.entries()) {
    if (!call.verb.startsWith('Poll') || call.token === undefined || call.doneMs !== undefined) continue
    const last = groups.at(-1)
    const before = calls[at - 1]
    const isSameQueue = before?.verb === call.verb && before.fields['taskQueue'] === call.fields['taskQueue']
    const isNext = last?.at(-1) === at - 1 && isSameQueue
    if (last !== undefined && isNext) last.push(at)
    else groups.push([at])
  }
  return groups.filter(({ length }) => length > 1 && length <= MAX_EXCHANGED_POLLS)
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items]
  return items.flatMap((item, at) => permutations(items.toSpliced(at, 1)).map((rest) => [item, ...rest]))
}
