/**
 * Runs test/scenarios/*.txt: one execution, a command to a block, what it did written below: events, progress, tasks.
 *
 * `npx vitest run test/scenarios.test.ts -u` rewrites the outcomes. Read the diff, and commit it only if you can say why
 * each line changed.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isLoomError } from '../src/base/errors.js'
import { activityDue, retryActivity } from '../src/machine/activity-attempt.js'
import { cancelActivity, failActivity, loseActivity, timeoutActivity } from '../src/machine/activity-end.js'
import { findOpenActivity } from '../src/machine/activity.js'
import { isEndBuffered } from '../src/machine/buffer.js'
import { terminateExecution } from '../src/machine/lifecycle.js'
import { retryStalledWorkflowTask } from '../src/machine/local-workflow-task.js'
import type { LiveTurn } from '../src/machine/machine.js'
import { fireTimers } from '../src/machine/timer.js'
import type { NewTask, ProgressChange } from '../src/machine/transition.js'
import {
  failWorkflowTask,
  timeoutWorkflowTask,
  workflowTaskBackoffOver,
  type WorkflowTaskId,
} from '../src/machine/workflow-task.js'
import type { Command } from '../src/protocol/command.js'
import type { HistoryEvent } from '../src/protocol/event.js'
import type { ApplicationFailureInfo } from '../src/protocol/failure.js'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../src/protocol/retry-policy.js'
import { cancel, cancelTimer, COMPLETE, schedule, Subject, timer } from './machine/subject.js'

for (const name of readdirSync('test/scenarios')) {
  test(name.replace('.txt', '').replaceAll('-', ' '), async () => {
    const path = `test/scenarios/${name}`
    await expect(runScenario(readFileSync(path, 'utf8'))).toMatchFileSnapshot(`scenarios/${name}`)
  })
}

/** Copies the text, putting after each `----` line what the command above it does now. */
function runScenario(text: string): string {
  const scenario = new Scenario()
  const output: string[] = []
  let isOldOutcome = false
  for (const line of text.split('\n')) {
    if (line === '----') {
      output.push(line, ...scenario.run(output.at(-1)!))
      isOldOutcome = true
      continue
    }
    if (line === '') isOldOutcome = false
    if (!isOldOutcome) output.push(line)
  }
  return output.join('\n')
}

class Scenario {
  readonly #subject = new Subject()
  /** Workflow tasks that workers hold, or held, by the name they were polled under. */
  readonly #held = new Map<string, WorkflowTaskId>()

  run(line: string): string[] {
    const [verb, ...args] = line.split(' ') as [string, ...string[]]
    if (verb === 'advance') return this.#advance(ms(args[0]!))
    this.#subject.lastTurn = undefined
    const notes: string[] = []
    try {
      const note = this.#act(verb, args)
      if (note !== undefined) notes.push(note)
    } catch (error) {
      if (!isLoomError(error)) throw error
      notes.push(`error ${error.code}: ${error.message}`)
    }
    return [...notes, ...this.#outcome()]
  }

  /** Returns what the caller is told, if anything. */
  #act(verb: string, [first = '', ...rest]: string[]): string | undefined {
    const subject = this.#subject
    switch (verb) {
      case 'start':
        subject.start({ workflowTaskTimeoutMs: ms(first || '0') })
        return undefined
      case 'signal':
        subject.signal(first, rest[0])
        return undefined
      case 'terminate':
        subject.turn((turn) => terminateExecution(turn, { reason: first, details: undefined, identity: 'client' }))
        return undefined
      case 'poll':
        this.#held.set(first, subject.poll(first))
        return undefined
      case 'answer': {
        const error = subject.answer(this.#held.get(first)!, this.#commands(rest))
        return error === undefined ? undefined : `failed ${error}`
      }
      case 'fail-task': {
        const cause = 'WorkflowWorkerUnhandledFailure'
        const failure: ApplicationFailureInfo = { type: 'application', message: rest.join(' ') }
        const failed = { token: this.#held.get(first)!, cause, failure, identity: 'worker' } as const
        subject.turn((turn) => failWorkflowTask(turn, failed))
        return undefined
      }
      case 'run':
        subject.run(...this.#commands([first, ...rest]))
        return undefined
      case 'stall':
        subject.stall([first, ...rest].join(' '))
        return undefined
      case 'retry-stalled':
        return this.#asked((turn) => retryStalledWorkflowTask(turn))
      default:
        return this.#actOnActivity(verb, this.#activity(first), rest)
    }
  }

  #actOnActivity(verb: string, scheduledEventId: number, args: string[]): string | undefined {
    const subject = this.#subject
    const id = subject.attempt(scheduledEventId)
    switch (verb) {
      case 'take':
        return String(subject.take(scheduledEventId, args[0]))
      case 'completed':
        subject.completed(scheduledEventId)
        return undefined
      case 'failed': {
        const failure = failureOf(args)
        subject.turn((turn) => failActivity(turn, id, { failure, identity: 'worker' }))
        return undefined
      }
      case 'canceled':
        subject.turn((turn) => cancelActivity(turn, id, { details: undefined, identity: 'worker' }))
        return undefined
      case 'lost':
        return this.#asked((turn) => loseActivity(turn, id))
      default:
        throw new Error(`unknown scenario command: ${verb}`)
    }
  }

  #commands(words: string[]): Command[] {
    const texts = words.join(' ').split('; ').filter(Boolean)
    return texts.map((text) => this.#command(text.split(' ') as [string, string, ...string[]]))
  }

  #command([verb, id, ...options]: [string, string, ...string[]]): Command {
    switch (verb) {
      case 'schedule':
        return schedule(id, optionsOf(options))
      case 'cancel':
        return cancel(this.#activity(id))
      case 'timer':
        return timer(id, ms(options[0]!))
      case 'cancel-timer':
        return cancelTimer(id)
      case 'complete':
        return COMPLETE
      case 'fail':
        return { type: 'FailWorkflowExecution', failure: { type: 'application', message: id } }
      default:
        throw new Error(`unknown command: ${verb}`)
    }
  }

  /** By activity id; or the number of an event. */
  #activity(name: string): number {
    return this.#subject.state.activityIds?.get(name) ?? Number(name)
  }

  #asked(act: (turn: LiveTurn) => boolean): string {
    let answer = false
    this.#subject.turn((turn) => {
      answer = act(turn)
    })
    return String(answer)
  }

  // ---- time

  #advance(byMs: number): string[] {
    const subject = this.#subject
    const untilMs = subject.nowMs + byMs
    const lines: string[] = []
    for (;;) {
      const due = this.#due().sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined || due.atMs > untilMs) break
      subject.nowMs = Math.max(subject.nowMs, due.atMs)
      subject.turn(due.act)
      lines.push(`due ${due.what} ${seconds(due.atMs)}`, ...this.#outcome())
    }
    subject.nowMs = untilMs
    return lines
  }

  #due(): Due[] {
    const { state } = this.#subject
    if (state.closed !== undefined) return []
    const running = [...(state.timers?.values() ?? [])].filter((one) => !isEndBuffered(state, one.startedEventId))
    const due: Due[] = running.map(({ fireAtMs, timerId }) => {
      const equal = running.filter((one) => one.fireAtMs === fireAtMs)
      return { atMs: fireAtMs, what: `timer ${timerId}`, act: (turn: LiveTurn) => void fireTimers(turn, equal) }
    })
    for (const info of state.activities?.values() ?? []) {
      const { scheduledEventId } = info
      const next = activityDue(info, state.activityProgress?.get(scheduledEventId))
      if (next === undefined || findOpenActivity(state, scheduledEventId) === undefined) continue
      const id = { ...this.#subject.attempt(scheduledEventId), dueAtMs: next.dueAtMs }
      const act = (turn: LiveTurn): boolean =>
        next.dueType === 'Retry' ? retryActivity(turn, id) : timeoutActivity(turn, id)
      due.push({ atMs: next.dueAtMs, what: `activity ${scheduledEventId} ${next.dueType}`, act })
    }
    const task = state.workflowTaskProgress
    if (task !== undefined && task.dueAtMs !== 0) {
      const act = (turn: LiveTurn): boolean =>
        task.isBackingOff ? workflowTaskBackoffOver(turn, task) : timeoutWorkflowTask(turn, task)
      due.push({ atMs: task.dueAtMs, what: 'workflow task', act })
    }
    return due
  }

  #outcome(): string[] {
    const turn = this.#subject.lastTurn
    if (turn === undefined) return []
    return [...turn.events.map(eventLine), ...turn.changes.map(changeLine), ...turn.tasks.map(taskLine)]
  }
}

interface Due {
  readonly atMs: number
  readonly what: string
  readonly act: (turn: LiveTurn) => void
}

function eventLine({ eventId, eventType, eventTimeMs, attributes }: HistoryEvent): string {
  return `${eventId} ${eventType} ${eventTimeMs === 0 ? '' : `${seconds(eventTimeMs)} `}${fields(attributes)}`.trimEnd()
}

function changeLine(change: ProgressChange): string {
  switch (change.type) {
    case 'activity':
      return `progress activity ${change.scheduledEventId} ${fields(change.value ?? { none: true })}`
    case 'buffer':
      return `progress buffer ${change.event.eventType} ${fields(change.event.attributes)}`.trimEnd()
    case 'flushBuffer':
      return 'progress flush'
    default:
      return `progress ${change.type} ${fields(change.value ?? { none: true })}`
  }
}

function taskLine({ type, ...rest }: NewTask): string {
  return `task ${type} ${fields(rest)}`
}

/** What says nothing is left out, so that what a line is about can be seen. */
const DULL = new Set([
  ...['identity', 'requestId', 'beginTimeMs', 'historySizeBytes', 'sdk', 'stamp', 'replayRules', 'taskQueue'],
  ...['workflowType', 'workflowId', 'originalExecutionRunId', 'firstExecutionRunId', 'activityType'],
])

function fields(of: object): string {
  return Object.entries(of)
    .filter(([key, value]) => !DULL.has(key) && !isNothing(value))
    .map(([key, value]) => `${key}=${shown(value)}`)
    .join(' ')
}

function isNothing(value: unknown): boolean {
  return [undefined, '', 0, false, DEFAULT_RETRY_POLICY].includes(value as string)
}

function shown(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map((one: { data: Uint8Array }) => new TextDecoder().decode(one.data)).join(',')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const { type, message, timeoutType, cause } = value as Record<string, unknown>
  if (message === undefined) return retryPolicy(value as RetryPolicy)
  return `${String(timeoutType ?? type)}(${String(message)}${cause === undefined ? '' : `, ${shown(cause)}`})`
}

function retryPolicy({
  initialIntervalMs,
  backoffCoefficient,
  maximumIntervalMs,
  maximumAttempts,
}: RetryPolicy): string {
  return `${initialIntervalMs}ms*${backoffCoefficient}<=${maximumIntervalMs}ms/${maximumAttempts}`
}

function optionsOf(words: string[]): Parameters<typeof schedule>[1] {
  if (words.length === 0) return undefined
  const given = new Map(words.map((word) => word.split('=') as [string, string]))
  const time = (name: string): number => ms(given.get(name) ?? '0')
  const policy = { initialIntervalMs: time('retry'), maximumAttempts: Number(given.get('attempts') ?? 0) }
  return {
    startToCloseTimeoutMs: time('start-to-close'),
    scheduleToCloseTimeoutMs: time('schedule-to-close'),
    scheduleToStartTimeoutMs: time('schedule-to-start'),
    retryPolicy: policy,
  }
}

function failureOf([message, ...options]: string[]): ApplicationFailureInfo | undefined {
  if (message === undefined) return undefined
  return { type: 'application', message, ...(options.includes('non-retryable') ? { nonRetryable: true } : {}) }
}

function seconds(atMs: number): string {
  return `@${atMs / 1000}s`
}

/** '1.5s' */
function ms(text: string): number {
  return Number.parseFloat(text) * 1000
}
