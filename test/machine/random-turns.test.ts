/**
 * Random turns: whatever callers, workers and clocks do, in any order, right or wrong. `Subject` compares after each turn
 * the state with its history rebuilt, and with its rows.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoomError, LoomError } from '../../src/base/errors.js'
import { activityDue, retryActivity, startActivity } from '../../src/machine/activity-attempt.js'
import {
  cancelActivity,
  completeActivity,
  failActivity,
  loseActivity,
  timeoutActivity,
} from '../../src/machine/activity-end.js'
import { requestCancelExecution } from '../../src/machine/cancel-request.js'
import { cancelActivityById, completeActivityById, failActivityById } from '../../src/machine/activity-by-id.js'
import { recordHeartbeat } from '../../src/machine/activity-heartbeat.js'
import { isWorkflowTaskHeld } from '../../src/machine/buffer.js'
import { terminateExecution } from '../../src/machine/lifecycle.js'
import {
  completeLocalWorkflowTask,
  failLocalWorkflowTask,
  retryStalledWorkflowTask,
} from '../../src/machine/local-workflow-task.js'
import { LiveTurn, takeTurn } from '../../src/machine/machine.js'
import { runExpiryMs, timeoutRun } from '../../src/machine/run-timeout.js'
import { signalExecution } from '../../src/machine/signal.js'
import type { ExecutionState } from '../../src/machine/state.js'
import { timeoutStickyTask } from '../../src/machine/sticky.js'
import { fireTimers } from '../../src/machine/timer.js'
import {
  endFirstTaskWait,
  failWorkflowTask,
  pendingWorkflowTask,
  timeoutWorkflowTask,
  workflowTaskBackoffOver,
} from '../../src/machine/workflow-task.js'
import { completeWorkflowTask } from '../../src/machine/workflow-task-answer.js'
import { startWorkflowTask } from '../../src/machine/workflow-task-start.js'
import type { Command } from '../../src/protocol/command.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import { DEFAULT_RETRY_POLICY } from '../../src/protocol/retry-policy.js'
import { JSON_PLAIN } from '../../src/protocol/payload.js'
import {
  CANCEL,
  cancel,
  cancelTimer,
  COMPLETE,
  marker,
  NO_PROGRESS,
  progressOf,
  recordedOf,
  schedule,
  Subject,
  timer,
  upsertAttribute,
  upsertMemo,
} from './subject.js'

/** What is done, and with which of the things that there are. */
interface Step {
  readonly verb: (typeof VERBS)[number]
  readonly which: number
  readonly commands: readonly Command[]
  readonly clockMs: number
}

const VERBS = [
  ...['signal', 'poll', 'answer', 'fail-task', 'task-due', 'run', 'stall', 'retry-stalled'],
  ...[
    'take',
    'heartbeat',
    'by-id',
    'completed',
    'failed',
    'canceled',
    'lost',
    'activity-due',
    'timers-due',
    'terminate',
  ],
  'request-cancel',
  ...['run-due', 'first-task-due'],
] as const

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom('a1', 'a2', 'a3').map((id) => schedule(id)),
  fc
    .record({ id: fc.constantFrom('a1', 'a2', 'a3'), attempts: fc.nat(3), closeMs: fc.constantFrom(0, 3_000) })
    .map(({ id, attempts: maximumAttempts, closeMs: scheduleToCloseTimeoutMs }) =>
      schedule(id, {
        ...{
          startToCloseTimeoutMs: 1_000,
          scheduleToCloseTimeoutMs,
          heartbeatTimeoutMs: scheduleToCloseTimeoutMs / 10,
        },
        retryPolicy: { maximumAttempts },
      }),
    ),
  fc.tuple(fc.constantFrom('t1', 't2'), fc.nat(3_000)).map(([id, ms]) => timer(id, ms - 1)),
  fc.constantFrom('t1', 't2').map(cancelTimer),
  fc.constantFrom('m', '').map(marker),
  fc.tuple(fc.constantFrom('k', 'l'), fc.constantFrom('1', 'null')).map(([key, text]) => upsertMemo(key, text)),
  fc.constantFrom('1', '[]').map((text) => upsertAttribute('a', text)),
  // Of the nth activity that is pending, if there is one then.
  fc.nat(3).map(cancel),
)

/** What ends everything, or stops it for long, is rare: nothing else would be seen. What moves it on is not. */
const RARE: readonly Step['verb'][] = ['terminate', 'stall', 'fail-task', 'request-cancel', 'run-due']
const OFTEN: readonly Step['verb'][] = ['signal', 'poll', 'answer', 'run', 'take']

const CLOSING: readonly Command[] = [
  COMPLETE,
  { type: 'FailWorkflowExecution', failure: { type: 'application', message: 'boom' } },
  { type: 'ContinueAsNewWorkflowExecution' },
  CANCEL,
]

/** Of the chain that the run belongs to. */
const chain: fc.Arbitrary<Parameters<Subject['start']>[0]> = fc.record({
  workflowRunTimeoutMs: fc.constantFrom(0, 20_000),
  workflowExecutionTimeoutMs: fc.constantFrom(0, 30_000),
  firstWorkflowTaskBackoffMs: fc.constantFrom(undefined, 500),
  cronSchedule: fc.constantFrom(undefined, '@every 10s'),
  retryPolicy: fc.constantFrom(undefined, DEFAULT_RETRY_POLICY),
  memo: fc.constantFrom(undefined, { k: { metadata: JSON_PLAIN, data: new Uint8Array([48]) } }),
})

const step: fc.Arbitrary<Step> = fc.record({
  verb: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(...VERBS.filter((verb) => !RARE.includes(verb))) },
    { weight: 30, arbitrary: fc.constantFrom(...OFTEN) },
    { weight: 1, arbitrary: fc.constantFrom(...RARE) },
  ),
  which: fc.nat(7),
  commands: fc
    .tuple(fc.array(command, { maxLength: 3 }), fc.nat(30))
    .map(([commands, closes]) => (closes < CLOSING.length ? [...commands, CLOSING[closes]!] : commands)),
  clockMs: fc.integer({ min: -500, max: 1_000 }),
})

const ANY_CHAIN = { firstExecutionRunId: undefined }

/** One verb, with whatever it meets. */
function act(turn: LiveTurn, step: Step): void {
  const { state } = turn
  const { verb, which } = step
  const commands = step.commands.map((one) => aimed(one, state))
  const token = state.workflowTaskProgress ?? { scheduledEventId: 2, startedEventId: 3, attempt: 1, stamp: 0 }
  const run = { beginTimeMs: turn.nowMs, identity: 'host', sdk: 'sdk', historySizeBytes: 100 }
  switch (verb) {
    case 'signal': {
      const requestId = which < 4 ? '' : `r${which}`
      return void signalExecution(turn, { signalName: 's', input: undefined, identity: 'client', requestId })
    }
    case 'poll': {
      const { scheduledEventId } = state.workflowTaskProgress ?? state.workflowTask ?? token
      return void startWorkflowTask(turn, { ...run, scheduledEventId, requestId: `p${which}` })
    }
    case 'answer':
      return void completeWorkflowTask(turn, {
        ...{ ...run, token, commands, forceCreateNewWorkflowTask: which === 0 },
        stickyAttributes: which % 2 === 0 ? undefined : { workerTaskQueue: 'mine', scheduleToStartTimeoutMs: which },
      })
    case 'fail-task': {
      const cause = 'WorkflowWorkerUnhandledFailure'
      return failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' })
    }
    case 'task-due':
      return void (
        timeoutWorkflowTask(turn, token) ||
        workflowTaskBackoffOver(turn, token) ||
        timeoutStickyTask(turn, state.workflowTask?.scheduledEventId ?? 0)
      )
    case 'run':
      if (isTakeable(state)) completeLocalWorkflowTask(turn, { ...run, commands })
      return
    case 'stall':
      if (isTakeable(state)) failLocalWorkflowTask(turn, { ...run, ...STALL })
      return
    case 'retry-stalled':
      return void retryStalledWorkflowTask(turn)
    case 'run-due':
      return void timeoutRun(turn, runExpiryMs(state))
    case 'first-task-due':
      return void endFirstTaskWait(turn)
    case 'timers-due':
      return void fireTimers(
        turn,
        [...(state.timers?.values() ?? [])].filter((one) => one.fireAtMs <= turn.nowMs),
      )
    case 'request-cancel':
      return void requestCancelExecution(turn, { reason: 'r', identity: 'c', requestId: `c${which}`, ...ANY_CHAIN })
    case 'terminate':
      return terminateExecution(turn, { reason: 'enough', details: undefined, identity: 'client' })
    default:
      return actOnActivity(turn, verb, which)
  }
}

/** Most commands are meant for something that is there. */
function aimed(one: Command, { activities, activityIds, timers }: ExecutionState): Command {
  switch (one.type) {
    case 'RequestCancelActivityTask':
      return cancel([...(activities?.keys() ?? [])][one.scheduledEventId] ?? 4)
    case 'CancelTimer':
      return timers?.has(one.timerId) || one.timerId === 't1'
        ? one
        : cancelTimer([...(timers?.keys() ?? [])][0] ?? 't1')
    case 'ScheduleActivityTask':
      return activityIds?.has(one.activityId) && one.activityId !== 'a1'
        ? { ...one, activityId: `a${activityIds.size}-` }
        : one
    default:
      return one
  }
}

function actOnActivity(turn: LiveTurn, verb: string, which: number): void {
  const { activities, activityProgress } = turn.state
  const ids = [...(activities?.keys() ?? [])]
  const scheduledEventId = ids[which % ids.length] ?? 5
  const info = activities?.get(scheduledEventId)
  const progress = activityProgress?.get(scheduledEventId)
  const id = { scheduledEventId, attempt: progress?.attempt ?? 1, stamp: progress?.stamp ?? 0 }
  const identity = 'worker'
  switch (verb) {
    case 'take': {
      const incarnation = which % 2 === 0 ? 'host1' : ''
      return void startActivity(turn, scheduledEventId, { ...id, identity, requestId: '', incarnation })
    }
    case 'heartbeat':
      return void recordHeartbeat(turn, id, [{ metadata: JSON_PLAIN, data: new Uint8Array([which]) }])
    case 'by-id':
      return answerById(turn, info?.attributes.activityId ?? 'a1', which)
    case 'completed':
      return completeActivity(turn, id, { result: undefined, identity })
    case 'failed': {
      const encodedAttributes = { metadata: JSON_PLAIN, data: new Uint8Array([which]) }
      const base = { type: 'application', message: `f${which}`, nonRetryable: which === 0 } as const
      const failure = which === 2 ? { ...base, encodedAttributes } : base
      return failActivity(turn, id, { failure, identity })
    }
    case 'canceled':
      return cancelActivity(turn, id, { details: undefined, identity })
    case 'lost':
      return void loseActivity(turn, id)
    default: {
      const due = info && activityDue(info, progress)
      return void (retryActivity(turn, id) || timeoutActivity(turn, { ...id, dueAtMs: due?.dueAtMs ?? 0 }))
    }
  }
}

function answerById(turn: LiveTurn, activityId: string, which: number): void {
  const answer = { failure: undefined, result: undefined, details: undefined, identity: 'somebody' }
  if (which < 3) completeActivityById(turn, activityId, answer)
  else if (which < 5) failActivityById(turn, activityId, answer)
  else cancelActivityById(turn, activityId, answer)
}

const STALL = {
  cause: 'NonDeterministicError',
  failure: { type: 'application', message: 'boom' },
  stall: {
    eventId: 1,
    reason: 'NonDeterministicError',
    message: 'boom',
    hint: 'mend it',
    fingerprint: 'f',
    sinceMs: 0,
    retryAtMs: 600_000,
  },
} as const

function isTakeable(state: ExecutionState): boolean {
  return pendingWorkflowTask(state)?.state === 'Scheduled' && state.workflowTaskProgress?.isBackingOff !== true
}

test('in whatever order things happen, history and rows amount to the state', () => {
  fc.assert(
    fc.property(chain, fc.noBias(fc.array(step, { minLength: 1, maxLength: 80, size: 'max' })), (attributes, steps) => {
      const subject = new Subject()
      subject.start(attributes)
      for (const one of steps) {
        subject.nowMs += one.clockMs
        take(subject, one)
        expectSound(subject)
      }
    }),
    { numRuns: 300 },
  )
})

/** First in a turn that throws at its end: it must leave no trace. Then in earnest. */
function take(subject: Subject, one: Step): void {
  const { state, nowMs } = subject
  const before = structuredClone({ ...recordedOf(state), ...progressOf(state) })
  expect(() =>
    takeTurn(state, nowMs, (turn) => {
      act(turn, one)
      throw new LoomError('LOOM_ABORTED', 'taken back')
    }),
  ).toThrow(LoomError)
  expect({ ...recordedOf(state), ...progressOf(state) }).toEqual(before)
  try {
    subject.turn((turn) => act(turn, one))
  } catch (error) {
    if (!isLoomError(error)) throw error
    // A verb refuses before it changes anything: an owner of a turn need not mark it for one verb alone.
    const bare = new LiveTurn(state)
    bare.nowMs = nowMs
    expect(() => act(bare, one)).toThrow(error)
    expect({ ...recordedOf(state), ...progressOf(state) }).toEqual(before)
    expect([bare.events, bare.changes, bare.tasks]).toEqual([[], [], []])
  }
}

/** What must hold after every turn. */
function expectSound({ state, history, lastTurn }: Subject): void {
  history.forEach((event, at) => expect(event.eventId).toBe(at + 1))
  for (const event of history) expectNamed(history, event)
  if (state.buffered !== undefined) expect(isWorkflowTaskHeld(state)).toBe(true)
  if (state.stall !== undefined) expect(state.workflowTaskProgress).toBeDefined()
  if (state.closed === undefined) return
  const next = 'newExecutionRunId' in state.closed.attributes && state.closed.attributes.newExecutionRunId !== undefined
  const wasClosing = lastTurn?.events.at(-1) === state.closed
  if (wasClosing) expect(lastTurn.tasks.some(({ type }) => type === 'StartNextRun')).toBe(next)
  expect(progressOf(state)).toEqual(NO_PROGRESS)
  expect(history.at(-1)).toBe(state.closed)
}

/** The events that one names are what it takes them for. */
function expectNamed(history: readonly HistoryEvent[], { eventType, attributes }: HistoryEvent): void {
  const startedEventId = 'startedEventId' in attributes ? attributes.startedEventId : 0
  const noun = eventType.startsWith('Timer')
    ? 'Timer'
    : eventType.startsWith('Activity')
      ? 'ActivityTask'
      : 'WorkflowTask'
  if (startedEventId !== 0) expect(history[startedEventId - 1]!.eventType).toBe(`${noun}Started`)
  if ('scheduledEventId' in attributes) {
    expect(history[attributes.scheduledEventId - 1]!.eventType).toBe(`${noun}Scheduled`)
  }
  if (!('workflowTaskCompletedEventId' in attributes)) return
  expect(history[attributes.workflowTaskCompletedEventId - 1]!.eventType).toBe('WorkflowTaskCompleted')
}
