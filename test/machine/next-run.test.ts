/** What follows a run: the next attempt, the next time of its schedule, the run that its code asks for; or nothing. */
import { expect, test } from 'vitest'
import { terminateExecution } from '../../src/machine/lifecycle.js'
import { chainAttributes } from '../../src/machine/next-run.js'
import { runExpiryMs, timeoutRun } from '../../src/machine/run-timeout.js'
import type { NewTask } from '../../src/machine/transition.js'
import { endFirstTaskWait } from '../../src/machine/workflow-task.js'
import type { Command, ContinueAsNewWorkflowExecutionCommand } from '../../src/protocol/command.js'
import type { ApplicationFailureInfo, Failure } from '../../src/protocol/failure.js'
import { DEFAULT_RETRY_POLICY } from '../../src/protocol/retry-policy.js'
import { COMPLETE, Subject } from './subject.js'

const RETRY = { ...DEFAULT_RETRY_POLICY, initialIntervalMs: 100, maximumIntervalMs: 10_000 }

function failing(failure: Failure): Command {
  return { type: 'FailWorkflowExecution', failure }
}

function boom(more: Partial<ApplicationFailureInfo> = {}): Command {
  return failing({ type: 'application', message: 'boom', ...more })
}

function started(attributes: Parameters<Subject['start']>[0]): Subject {
  const subject = new Subject()
  subject.start(attributes)
  return subject
}

/** What the next run is to begin with. */
function nextOf(subject: Subject): Extract<NewTask, { type: 'StartNextRun' }>['attributes'] | undefined {
  const task = subject.lastTurn!.tasks.find(({ type }) => type === 'StartNextRun')
  return task?.type === 'StartNextRun' ? task.attributes : undefined
}

function failed(subject: Subject, command: Command): unknown {
  subject.run(command)
  return subject.last('WorkflowExecutionFailed').attributes.retryState
}

test('a run without policy or schedule is the last', () => {
  const subject = started({})

  expect(failed(subject, boom())).toBe('RetryPolicyNotSet')

  expect(nextOf(subject)).toBeUndefined()
})

test('a failed run is tried again later each time, with what it failed with', () => {
  const subject = started({ retryPolicy: RETRY, attempt: 3, lastCompletionResult: [] })

  expect(failed(subject, boom())).toBe('InProgress')

  expect(nextOf(subject)).toMatchObject({
    ...{ attempt: 4, initiator: 'Retry', firstWorkflowTaskBackoffMs: 400, firstExecutionRunId: 'run1' },
    ...{ originalExecutionRunId: 'next-run', continuedFailure: { message: 'boom' }, lastCompletionResult: [] },
  })
})

test('a failure may ask for its own wait, up to the longest of the policy', () => {
  const asked = (nextRetryDelayMs: number): unknown => {
    const subject = started({ retryPolicy: RETRY })
    subject.run(boom({ nextRetryDelayMs }))
    return nextOf(subject)?.firstWorkflowTaskBackoffMs
  }

  expect(asked(5_000)).toBe(5_000)
  expect(asked(50_000)).toBe(10_000)
  expect(asked(0)).toBeUndefined()
})

test('no attempt follows what is not to be retried, the last attempt, or one for which there is no time', () => {
  const retryState = (attributes: Parameters<Subject['start']>[0], command: Command): unknown =>
    failed(started({ retryPolicy: RETRY, ...attributes }), command)

  expect(retryState({}, boom({ nonRetryable: true }))).toBe('NonRetryableFailure')
  expect(retryState({}, failing({ type: 'canceled', message: '' }))).toBe('NonRetryableFailure')
  expect(retryState({}, failing({ type: 'terminated', message: '' }))).toBe('NonRetryableFailure')
  expect(retryState({ retryPolicy: { ...RETRY, maximumAttempts: 2 }, attempt: 2 }, boom())).toBe(
    'MaximumAttemptsReached',
  )
  expect(retryState({ workflowExecutionTimeoutMs: 100 }, boom())).toBe('Timeout')
})

test('a schedule goes on after a success and a failure, but not beyond the time of the chain', () => {
  const completed = started({ cronSchedule: '@every 10s', firstWorkflowTaskBackoffMs: 10_000, attempt: 2 })
  completed.nowMs = 12_000
  completed.turn((turn) => endFirstTaskWait(turn))
  const result = [{ metadata: {}, data: new Uint8Array() }]
  completed.run({ type: 'CompleteWorkflowExecution', result })
  const late = started({ cronSchedule: '@every 10s', workflowExecutionTimeoutMs: 10_000, retryPolicy: RETRY })
  late.run(boom({ nonRetryable: true }))

  expect(nextOf(completed)).toMatchObject({
    ...{ initiator: 'CronSchedule', attempt: 1, firstWorkflowTaskBackoffMs: 8_000, lastCompletionResult: result },
  })
  expect(nextOf(completed)!.continuedFailure).toBeUndefined()
  expect(nextOf(late)).toBeUndefined()
})

test('a retry goes before the schedule', () => {
  const subject = started({ cronSchedule: '@every 10s', retryPolicy: RETRY })
  subject.run(boom())
  expect(nextOf(subject)!.initiator).toBe('Retry')
})

test('a terminated run is the last, whatever its policy', () => {
  const subject = started({ cronSchedule: '@every 10s', retryPolicy: RETRY })
  subject.turn((turn) => terminateExecution(turn, { reason: '', details: undefined, identity: '' }))
  expect(nextOf(subject)).toBeUndefined()
})

test('the code goes on as new: what it leaves out stays, but for policy and schedule', () => {
  const subject = started({ retryPolicy: RETRY, cronSchedule: '@hourly', workflowRunTimeoutMs: 60_000 })
  subject.run({ type: 'ContinueAsNewWorkflowExecution', input: [] })

  const { attributes } = subject.last('WorkflowExecutionContinuedAsNew')
  expect(attributes).toMatchObject({ newExecutionRunId: 'next-run', workflowType: 'wf', workflowRunTimeoutMs: 60_000 })
  expect(nextOf(subject)).toMatchObject({ input: [], initiator: 'Workflow', attempt: 1, workflowTaskTimeoutMs: 10_000 })
  expect(nextOf(subject)).toMatchObject({ retryPolicy: undefined, cronSchedule: undefined })
})

test('the code says what the next run is to be', () => {
  const subject = started({})
  subject.run({
    ...{ type: 'ContinueAsNewWorkflowExecution', workflowType: 'other', taskQueue: 'q2', cronSchedule: '@daily' },
    ...{ workflowRunTimeoutMs: 1.5, workflowTaskTimeoutMs: 5, backoffStartIntervalMs: 7, retryPolicy: {} },
  })

  expect(nextOf(subject)).toMatchObject({
    ...{ workflowType: 'other', taskQueue: 'q2', cronSchedule: '@daily', retryPolicy: DEFAULT_RETRY_POLICY },
    ...{ workflowRunTimeoutMs: 2, workflowTaskTimeoutMs: 5, firstWorkflowTaskBackoffMs: 7 },
  })
})

test('a continue-as-new that cannot be fails the task and not the run', () => {
  const refused = (command: Partial<ContinueAsNewWorkflowExecutionCommand>): void => {
    const subject = started({})
    expect(() => subject.run({ type: 'ContinueAsNewWorkflowExecution', ...command })).toThrow(
      'BadContinueAsNewAttributes',
    )
    expect(subject.state.closed).toBeUndefined()
  }

  refused({ cronSchedule: 'nonsense' })
  refused({ retryPolicy: { backoffCoefficient: 0.5 } })
  refused({ workflowRunTimeoutMs: -1 })
  refused({ backoffStartIntervalMs: Number.NaN })
})

test('a signal does not wake code that waits for its time', () => {
  const subject = started({ firstWorkflowTaskBackoffMs: 1_000 })
  expect(subject.state.firstTaskDueAtMs).toBe(1_000)

  subject.signal('s')
  expect(subject.types).toEqual(['WorkflowExecutionStarted', 'WorkflowExecutionSignaled'])
  subject.turn((turn) => expect(endFirstTaskWait(turn)).toBe(true))
  subject.turn((turn) => expect(endFirstTaskWait(turn)).toBe(false))

  expect(subject.types.at(-1)).toBe('WorkflowTaskScheduled')
})

test('a closed run does not begin any more', () => {
  const subject = started({ firstWorkflowTaskBackoffMs: 1_000 })
  subject.turn((turn) => terminateExecution(turn, { reason: '', details: undefined, identity: '' }))
  subject.turn((turn) => expect(endFirstTaskWait(turn)).toBe(false))
})

test('a run is over time from when it begins its work, and never later than its chain', () => {
  expect(runExpiryMs(started({}).state)).toBe(0)
  expect(runExpiryMs(started({ workflowRunTimeoutMs: 10, firstWorkflowTaskBackoffMs: 5 }).state)).toBe(15)
  expect(runExpiryMs(started({ workflowExecutionTimeoutMs: 30 }).state)).toBe(30)
  const next = { workflowExecutionTimeoutMs: 30, workflowRunTimeoutMs: 20, workflowExecutionExpirationTimeMs: 12 }
  expect(runExpiryMs(started(next).state)).toBe(12)
})

test('a run that is over time ends, also while a worker holds its task, and may be tried again', () => {
  const subject = started({ workflowRunTimeoutMs: 1_000, retryPolicy: RETRY })
  subject.poll()
  subject.turn((turn) => expect(timeoutRun(turn, 999)).toBe(false))
  subject.turn((turn) => expect(timeoutRun(turn, 1_000)).toBe(true))

  expect(subject.last('WorkflowExecutionTimedOut').attributes.retryState).toBe('InProgress')
  expect(nextOf(subject)!.continuedFailure).toMatchObject({ type: 'timeout', message: 'workflow timeout' })
  subject.turn((turn) => expect(timeoutRun(turn, 1_000)).toBe(false))
})

test('nothing follows when the chain is over time, and no run without limit is', () => {
  const subject = started({ workflowExecutionTimeoutMs: 1_000, retryPolicy: RETRY, cronSchedule: '@every 1s' })
  subject.turn((turn) => expect(timeoutRun(turn, 1_000)).toBe(true))
  const free = started({})
  free.turn((turn) => expect(timeoutRun(turn, 1_000)).toBe(false))

  expect(subject.last('WorkflowExecutionTimedOut').attributes).toEqual({ retryState: 'Timeout' })
  expect(nextOf(subject)).toBeUndefined()
})

test('a start is given what it asks for, or told what is wrong', () => {
  expect(chainAttributes({}, 0)).toBeUndefined()
  expect(chainAttributes({ workflowStartDelayMs: 5 }, 0)).toMatchObject({ firstWorkflowTaskBackoffMs: 5 })
  expect(chainAttributes({ retryPolicy: {} }, 0)).toMatchObject({ retryPolicy: DEFAULT_RETRY_POLICY })
  expect(chainAttributes({ cronSchedule: '@hourly' }, 1)).toMatchObject({ firstWorkflowTaskBackoffMs: 3_599_999 })
  expect(() => chainAttributes({ cronSchedule: '@hourly', workflowStartDelayMs: 5 }, 0)).toThrow('used together')
  expect(() => chainAttributes({ cronSchedule: 'nonsense' }, 0)).toThrow("invalid CronSchedule: 'nonsense'")
  expect(() => chainAttributes({ retryPolicy: { maximumAttempts: -1 } }, 0)).toThrow('MaximumAttempts')
})

test('the last completed result is kept over runs that have none', () => {
  const subject = started({ cronSchedule: '@every 1s', lastCompletionResult: [] })
  subject.run(COMPLETE)
  expect(nextOf(subject)!.lastCompletionResult).toEqual([])
})
