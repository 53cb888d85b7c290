/**
 * The golden runner itself: recordings that are played back pass, and whatever is changed in them is caught.
 */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { HistoryEvent } from '../src/protocol/event.js'
import { VERBS } from './golden/verbs.js'
import { VirtualClock } from '../src/testing/virtual-clock.js'
import { withoutFloorOf } from './golden/chain-differences.js'
import { compare } from './golden/compare.js'
import { DIFFERENCES, recordingsOf } from './golden/differences.js'
import { isFidelityDocsCurrent } from './golden/docs.js'
import { judge, type Defendant } from './golden/judge.js'
import { missingFor } from './golden/needs.js'
import type { PlayedRun } from './golden/normalise.js'
import { play, type Played } from './golden/play.js'
import { NOT_RECORDED, openPlayback } from './golden/playback.js'
import { listScenarioFiles, parseScenario, readScenario, type Scenario } from './golden/scenario.js'

const FOLDER = resolve(import.meta.dirname, 'golden/scenarios')
const scenarios = listScenarioFiles(FOLDER).map((path) => readScenario(path))
/**
 * The playback answers as recorded, at the recorded time. It has no words for a poll that the recorder cut short, which is
 * played as one that finds nothing, nor for calls that a known difference moves, nor for answers that come of later calls.
 */
const MOVED = 'activity-heartbeat-details-next-attempt'
const isCutShort = ({ name, calls }: (typeof scenarios)[number]): boolean =>
  name === MOVED ||
  calls.some(({ verb }) => VERBS.get(verb)?.isOpenEnded === true) ||
  calls.some(({ errorCode }) => errorCode === 'FAILED_PRECONDITION')
const runnable = scenarios
  .filter((scenario) => missingFor(scenario).length === 0 && !isCutShort(scenario))
  .map(withoutFloorOf)

test('every recording passes when it is played back', async () => {
  for (const scenario of runnable) {
    const verdict = await judge(scenario, playbackOf(scenario))
    expect(verdict, scenario.name).toEqual({ type: 'passed' })
  }
})

test('a changed, missing or added attribute of any event is caught', async () => {
  const missed: string[] = []
  for (const scenario of runnable) {
    const { recording, played } = await playBack(scenario)
    for (const { name, mutant } of attributeMutants(played)) {
      if (compare(recording, mutant).length === 0) missed.push(`${scenario.name}: ${name}`)
    }
  }
  // What the server wrote in its own words is the one thing that is ours to choose; how far a time-out stretches is another.
  const ownText = /WorkflowTaskFailed\.failure/
  const stretched = /^task-(failed|timeout)-repeated: run1 5 WorkflowTaskScheduled\.startToCloseTimeoutMs changed/
  expect(missed.filter((name) => !ownText.test(name) && !stretched.test(name))).toEqual([])
})

test('an event lost, doubled, swapped with the next or of another type is caught, and so is a status', async () => {
  for (const scenario of runnable) {
    const { recording, played } = await playBack(scenario)
    for (const { name, mutant } of structureMutants(played)) {
      expect(compare(recording, mutant), `${scenario.name}: ${name}`).not.toEqual([])
    }
  }
})

test('a run lost or one too many is caught', async () => {
  const { recording, played } = await playBack(named('complete'))
  const [run] = played.runs

  const lost = compare(recording, { ...played, runs: [] })
  const extra = compare(recording, {
    ...played,
    runs: [run!, { ...run!, runId: '019a0000-0000-7000-8000-ffffffffffff' }],
  })

  expect(lost).toEqual(['run1: never began'])
  expect(extra).toEqual(['one more run of complete: Completed'])
})

test('a late event is caught, an early one too unless the recorded server was late', async () => {
  const shift = async (name: string, eventType: string, byMs: number): Promise<readonly string[]> => {
    const { recording, played } = await playBack(named(name))
    const late = (event: HistoryEvent): HistoryEvent =>
      event.eventType === eventType ? { ...event, eventTimeMs: event.eventTimeMs + byMs } : event
    return compare(recording, { ...played, runs: played.runs.map((run) => ({ ...run, events: run.events.map(late) })) })
  }

  expect(await shift('timer-fired', 'TimerFired', 200)).toEqual([
    'run1 event 6 TimerFired atMs: expected 1000, got 1200',
  ])
  expect(await shift('timer-fired', 'TimerFired', -200)).toHaveLength(1)
  expect(await shift('timer-zero', 'TimerFired', 200)).toHaveLength(1)
  expect(await shift('timer-zero', 'TimerFired', -1000)).toEqual([])
  // It began at 1000 because the server was late, yet 1.5 s were over at 1500 by any clock.
  expect(await shift('activity-schedule-to-close-in-backoff', 'ActivityTaskStarted', -900)).toEqual([])
  expect(await shift('activity-schedule-to-close-in-backoff', 'ActivityTaskStarted', -950)).toHaveLength(1)
  expect(await shift('activity-schedule-to-close-in-backoff', 'ActivityTaskTimedOut', -200)).toHaveLength(1)
})

test('an answer that was an error, an error that was an answer, a task where none was: each is said', async () => {
  const base = named('task-no-commands')
  const altered = (at: number, change: object): Scenario => ({
    ...base,
    calls: base.calls.map((call, place) => (place === at ? { ...call, ...change } : call)),
  })
  const judged = async (asked: Scenario, given: Scenario): Promise<string> => {
    const verdict = await judge(asked, playbackOf(given))
    return verdict.type === 'failed' ? verdict.lines[0]! : verdict.type
  }

  expect(await judged(altered(5, { errorCode: 'NOT_FOUND' }), base)).toBe(
    'call 6 SignalWorkflowExecution: expected NOT_FOUND, got an answer',
  )
  expect(await judged(base, altered(5, { errorCode: 'NOT_FOUND' }))).toContain('expected an answer, got NOT_FOUND')
  expect(await judged(altered(5, { errorCode: 'INVALID_ARGUMENT' }), altered(5, { errorCode: 'NOT_FOUND' }))).toContain(
    'expected INVALID_ARGUMENT, got NOT_FOUND',
  )
  expect(await judged(base, altered(3, { expectsNothing: false }))).toBe(
    'call 4 PollWorkflowTaskQueue: expected nothing, got a task',
  )
  expect(await judged(base, altered(6, { expectsNothing: true }))).toBe(
    'call 7 PollWorkflowTaskQueue: no task came for w2',
  )
  expect(await judged({ ...base, pending: [{ moment: 'idle', status: 'Paused', historyLength: 4 }] }, base)).toBe(
    `moment 'idle' status: expected "Paused", got "Running"`,
  )
})

test('events whose order is free may come in any, and still must be the same', async () => {
  const base = named('timers-same-instant')
  const free: Scenario = { ...base, runs: base.runs.map((run) => ({ ...run, unordered: [[5, 6, 7, 8, 9]] })) }
  const { played } = await playBack(base)
  const swap = (id: number): number => (id === 5 ? 6 : id === 6 ? 5 : id)
  const swapped = played.runs.map((run) => {
    const events = run.events.map((event) => withEventId(event, swap))
    return { ...run, events: events.sort((one, other) => one.eventId - other.eventId) }
  })

  expect(compare(free, { ...played, runs: swapped })).toEqual([])
  expect(compare(base, { ...played, runs: swapped })).not.toEqual([])
  const wrong = swapped.map((run) => ({
    ...run,
    events: run.events.map((event) => withEventId(event, swap, 'startedEventId')),
  }))
  expect(compare(free, { ...played, runs: wrong })).not.toEqual([])
})

test('polls in a row may get their tasks in another order, one that had to wait may not', () => {
  const [recording, ...others] = recordingsOf(named('two-activities-complete-while-task-started'))

  expect(recording!.calls.filter(({ verb }) => verb === 'PollActivityTaskQueue').map(({ token }) => token)).toEqual([
    'a1',
    'a2',
  ])
  expect(
    others.map(({ calls }) => calls.filter(({ verb }) => verb === 'PollActivityTaskQueue').map(({ token }) => token)),
  ).toEqual([['a2', 'a1']])
  expect(recordingsOf(named('task-timeout'))).toHaveLength(1)
})

test('a program of ours stands for what an SDK drove, and names of sticky queues are not compared', async () => {
  const scenario = named('sdk-condition-met')
  const client = ['StartWorkflowExecution', 'SignalWorkflowExecution'].map((call) => ({ call }))
  const { calls } = parseScenario(JSON.stringify({ ...scenario, calls: client }))

  const skipped = await judge(scenario, playbackOf(scenario))
  const { open } = playbackOf({ ...scenario, calls })
  const judged = await judge(scenario, { open, openWithCode: open })

  expect(skipped).toEqual({ type: 'skipped', missing: ['sdk'] })
  expect(judged).toEqual({ type: 'passed' })
})

test('what does not exist yet is named: verbs, commands, fields, kinds of failure', () => {
  const scenario = (...calls: object[]): Scenario =>
    parseScenario(JSON.stringify({ name: 's', control: 'raw', runs: [], calls }))

  expect(missingFor(scenario({ call: 'CancelEverything' }))).toEqual(['CancelEverything'])
  expect(missingFor(scenario({ call: 'StartWorkflowExecution', workflowId: 's', completionCallbacks: [] }))).toEqual([
    'StartWorkflowExecution.completionCallbacks',
  ])
  const failure = { type: 'application', message: 'm', cause: { type: 'nexus', message: 'n' } }
  const commands = [
    { commandType: 'RequestCancelNexusOperation' },
    { commandType: 'FailWorkflowExecution', failWorkflowExecutionCommandAttributes: { failure } },
  ]
  expect(missingFor(scenario({ call: 'RespondWorkflowTaskCompleted', token: 'w1', commands }))).toEqual([
    'RequestCancelNexusOperation command',
    'FailWorkflowExecution.failure of type nexus',
  ])
})

test('every known difference is of a scenario that exists, and changes it', () => {
  const idle = DIFFERENCES.filter(
    (difference) =>
      !scenarios.some(
        (scenario) =>
          (difference.scenario === 'any' || difference.scenario === scenario.name) &&
          (JSON.stringify(difference.adjust?.(scenario) ?? scenario) !== JSON.stringify(scenario) ||
            (difference.alternatives?.(scenario) ?? []).length > 0),
      ),
  )
  expect(idle).toEqual([])
})

test('docs/fidelity.md lists the scenarios as they are (npm run golden -- --docs)', () => {
  expect(isFidelityDocsCurrent(FOLDER)).toBe(true)
})

interface Mutant {
  readonly name: string
  readonly mutant: Played
}

function named(name: string): Scenario {
  return scenarios.find((scenario) => scenario.name === name)!
}

function playbackOf(scenario: Scenario): Defendant {
  return { open: (clock) => openPlayback(scenario, clock), openWithCode: undefined }
}

async function playBack(scenario: Scenario): Promise<{ readonly recording: Scenario; readonly played: Played }> {
  const clock = new VirtualClock()
  const played = await play(scenario, await openPlayback(scenario, clock), clock)
  return { recording: recordingsOf(scenario)[0]!, played }
}

function* attributeMutants(played: Played): Iterable<Mutant> {
  for (const [at, run] of played.runs.entries()) {
    for (const [place, event] of run.events.entries()) {
      const attributes = event.attributes as unknown as Record<string, unknown>
      const change = (name: string, how: string, value: unknown): Mutant => {
        const mutated = { ...event, attributes: { ...attributes, [name]: value } } as unknown as HistoryEvent
        const mutant = withRun(played, at, { ...run, events: run.events.with(place, mutated) })
        return { name: `run${at + 1} ${event.eventId} ${event.eventType}.${name} ${how}`, mutant }
      }
      for (const [name, value] of Object.entries(attributes)) {
        if (name in NOT_RECORDED || (name === 'workflowId' && event.eventType === 'WorkflowExecutionStarted')) continue
        yield change(name, 'changed', altered(value))
        if (!isUnset(value)) yield change(name, 'missing', undefined)
      }
      yield change('surplus', 'added', 1)
    }
  }
}

function* structureMutants(played: Played): Iterable<Mutant> {
  for (const [at, run] of played.runs.entries()) {
    const mutant = (name: string, changed: Partial<PlayedRun>): Mutant => ({
      name: `run${at + 1} ${name}`,
      mutant: withRun(played, at, { ...run, ...changed }),
    })
    yield mutant('status', { status: run.status === 'Completed' ? 'Failed' : 'Completed' })
    for (const [place, event] of run.events.entries()) {
      yield mutant(`event ${place + 1} lost`, { events: run.events.toSpliced(place, 1) })
      yield mutant(`event ${place + 1} doubled`, { events: run.events.toSpliced(place, 0, event) })
      const next = run.events[place + 1]
      if (next === undefined) continue
      yield mutant(`event ${place + 1} swapped`, { events: run.events.toSpliced(place, 2, next, event) })
      const eventType = event.eventType === 'TimerFired' ? 'TimerCanceled' : 'TimerFired'
      const other = { ...event, eventType } as unknown as HistoryEvent
      yield mutant(`event ${place + 1} of another type`, { events: run.events.with(place, other) })
    }
  }
}

function altered(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string') return `${value}x`
  if (Array.isArray(value)) return [...(value as unknown[]), 'x']
  if (typeof value !== 'object' || value === null) return 'x'
  const [name, first] = Object.entries(value)[0]!
  return { ...value, [name]: altered(first) }
}

/** Nothing is recorded of it either way. */
function isUnset(value: unknown): boolean {
  return value === 0 || value === undefined || (Array.isArray(value) && value.length === 0)
}

function withRun(played: Played, at: number, run: PlayedRun): Played {
  return { ...played, runs: played.runs.with(at, run) }
}

function withEventId(event: HistoryEvent, renew: (id: number) => number, only?: string): HistoryEvent {
  const attributes = Object.entries(event.attributes).map(([name, value]) =>
    (only ?? name) === name && name.endsWith('EventId') ? [name, renew(Number(value))] : [name, value as unknown],
  )
  const eventId = only === undefined ? renew(event.eventId) : event.eventId
  return { ...event, eventId, attributes: Object.fromEntries(attributes) }
}
