import { expect, test } from 'vitest'
import {
  cancelActivity,
  completeActivity,
  failActivity,
  loseActivity,
  timeoutActivity,
} from '../../src/machine/activity-end.js'
import { retryActivity } from '../../src/machine/activity-attempt.js'
import type { LiveTurn } from '../../src/machine/machine.js'
import type { ScheduleActivityTaskCommand } from '../../src/protocol/command.js'
import type { Failure } from '../../src/protocol/failure.js'
import { JSON_PLAIN, type Payloads } from '../../src/protocol/payload.js'
import type { RetryPolicy } from '../../src/protocol/retry-policy.js'
import { cancel, COMPLETE, schedule, Subject } from './subject.js'

const PAYLOADS: Payloads = [{ metadata: JSON_PLAIN, data: Uint8Array.of(49) }]
const GONE = 'invalid activityID or activity already timed out or invoking workflow is completed'

/** Activity a1 is event 5, and taken. */
function taken(options: Partial<ScheduleActivityTaskCommand> = {}, incarnation = ''): Subject {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1', { startToCloseTimeoutMs: 10_000, ...options }))
  subject.take(5, incarnation)
  return subject
}

function fail(subject: Subject, failure?: Failure, lastHeartbeatDetails?: Payloads): void {
  const id = subject.attempt(5)
  subject.turn((turn) => failActivity(turn, id, { failure, identity: 'worker', lastHeartbeatDetails }))
}

function application(message: string, more: Partial<Failure & { type: 'application' }> = {}): Failure {
  return { type: 'application', message, ...more }
}

function timeOut(subject: Subject, dueAtMs: number, id = subject.attempt(5)): boolean {
  let timedOut = false
  subject.turn((turn) => {
    timedOut = timeoutActivity(turn, { ...id, dueAtMs })
  })
  return timedOut
}

/** Attempt 1 has failed with f1, and nobody has taken attempt 2. */
function retried(options: Partial<ScheduleActivityTaskCommand>): Subject {
  const subject = taken({ retryPolicy: { initialIntervalMs: 100 }, ...options })
  fail(subject, application('f1'))
  subject.nowMs = 100
  subject.turn((turn) => retryActivity(turn, { scheduledEventId: 5, attempt: 2 }))
  return subject
}

test('Started is recorded with the end, with the time of the start, and the code is woken', () => {
  const subject = taken()
  subject.nowMs = 3_000

  subject.turn((turn) => completeActivity(turn, subject.attempt(5), { result: PAYLOADS, identity: 'worker' }))

  expect(subject.types.slice(5)).toEqual(['ActivityTaskStarted', 'ActivityTaskCompleted', 'WorkflowTaskScheduled'])
  expect(subject.history.slice(5).map((event) => event.eventTimeMs)).toEqual([0, 3_000, 3_000])
  expect(subject.history[5]!.attributes).toEqual({
    scheduledEventId: 5,
    identity: 'worker',
    requestId: 'take',
    attempt: 1,
    lastFailure: undefined,
  })
  expect(subject.history[6]!.attributes).toMatchObject({ result: PAYLOADS, startedEventId: 6 })
  expect(subject.state.activityProgress!.size).toBe(0)
})

test('the time of Started is not before that of what was recorded meanwhile', () => {
  const subject = taken()
  subject.nowMs = 1_000
  subject.signal('s')
  subject.nowMs = 3_000

  subject.completed(5)

  expect(subject.history.slice(-2).map((event) => event.eventTimeMs)).toEqual([1_000, 3_000])
})

const answers: readonly [string, (turn: LiveTurn, id: ReturnType<Subject['attempt']>) => void][] = [
  ['completed', (turn, id) => completeActivity(turn, id, { result: undefined, identity: '' })],
  ['failed', (turn, id) => failActivity(turn, id, { failure: undefined, identity: '' })],
  ['canceled', (turn, id) => cancelActivity(turn, id, { details: undefined, identity: '' })],
]

test.each(answers)('%s is refused for any other attempt than the one that runs', (_name, answer) => {
  const subject = taken()
  const id = subject.attempt(5)
  const refused = (token: typeof id): void =>
    expect(() => subject.turn((turn) => answer(turn, token))).toThrow(
      expect.objectContaining({ code: 'LOOM_NOT_FOUND', message: GONE }),
    )

  refused({ ...id, attempt: 2 })
  refused({ ...id, stamp: 1 })
  refused({ ...id, scheduledEventId: 4 })
  fail(subject, application('f1'))
  refused(id)
  refused({ ...id, attempt: 2 })

  subject.signal('wake')
  subject.run(COMPLETE)
  expect(() => subject.turn((turn) => answer(turn, id))).toThrow('workflow execution already completed')
})

test('nobody can answer for an activity that nobody has taken', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'))

  expect(() => subject.completed(5)).toThrow(GONE)
})

test('a worker may cancel only what the workflow wants canceled', () => {
  const subject = taken()
  const answer = { details: PAYLOADS, identity: 'worker' }
  expect(() => subject.turn((turn) => cancelActivity(turn, subject.attempt(5), answer))).toThrow(
    expect.objectContaining({
      code: 'LOOM_INVALID_ARGUMENT',
      message: 'unable to mark activity as canceled without activity being request canceled first',
    }),
  )

  subject.signal('wake')
  subject.run(cancel(5))
  const { eventId } = subject.last('ActivityTaskCancelRequested')
  subject.turn((turn) => cancelActivity(turn, subject.attempt(5), answer))

  const canceled = subject.history.find((event) => event.eventType === 'ActivityTaskCanceled')!
  expect(canceled.attributes).toMatchObject({ ...answer, latestCancelRequestedEventId: eventId, scheduledEventId: 5 })
})

test.each<Failure>([
  { type: 'none', message: 'bare' },
  { type: 'canceled', message: 'canceled' },
])('a worker cannot report a failure of type $type', (failure) => {
  const subject = taken()

  expect(() => fail(subject, failure)).toThrow(
    expect.objectContaining({
      code: 'LOOM_INVALID_ARGUMENT',
      message: 'Failure must have ApplicationFailureInfo.',
    }),
  )
})

const ONCE: Partial<RetryPolicy> = { maximumAttempts: 1 }
const PICKY: Partial<RetryPolicy> = { nonRetryableErrorTypes: ['Bad'] }

test.each([
  { failure: undefined, policy: {}, retryState: undefined },
  { failure: undefined, policy: ONCE, retryState: 'MaximumAttemptsReached' },
  { failure: application('f'), policy: {}, retryState: undefined },
  { failure: application('f', { nonRetryable: true }), policy: {}, retryState: 'NonRetryableFailure' },
  { failure: application('f', { applicationType: 'Bad' }), policy: PICKY, retryState: 'NonRetryableFailure' },
  { failure: application('f', { applicationType: 'Good' }), policy: PICKY, retryState: undefined },
  { failure: application('f'), policy: PICKY, retryState: undefined },
  { failure: application('f', { nonRetryable: true }), policy: ONCE, retryState: 'NonRetryableFailure' },
])('after $failure with $policy the end is $retryState', ({ failure, policy, retryState }) => {
  const subject = taken({ retryPolicy: policy })

  fail(subject, failure)

  const failed = subject.history.find((event) => event.eventType === 'ActivityTaskFailed')
  expect(failed?.attributes).toEqual(
    retryState && { failure, scheduledEventId: 5, startedEventId: 6, identity: 'worker', retryState },
  )
  expect(subject.state.activityProgress!.get(5)?.phase).toBe(retryState === undefined ? 'backoff' : undefined)
})

test("a retry may begin at the very end of the activity's time, and no later", () => {
  const options = { scheduleToCloseTimeoutMs: 5_000, retryPolicy: { initialIntervalMs: 2_000 } }
  const subject = taken(options)
  subject.nowMs = 3_000
  fail(subject, application('f'))
  expect(subject.state.activityProgress!.get(5)!.phase).toBe('backoff')

  const late = taken(options)
  late.nowMs = 3_001
  fail(late, application('f'))
  expect(late.history[6]!.attributes).toMatchObject({ failure: application('f'), retryState: 'Timeout' })
})

test('heartbeat details of a failed attempt are kept for the next, and newer ones replace them', () => {
  const subject = taken({ retryPolicy: { initialIntervalMs: 100 } })
  fail(subject, application('f1'), PAYLOADS)
  expect(subject.state.activityProgress!.get(5)!.heartbeatDetails).toBe(PAYLOADS)

  subject.turn((turn) => retryActivity(turn, { scheduledEventId: 5, attempt: 2 }))
  subject.take(5)
  fail(subject, application('f2'))
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ attempt: 3, heartbeatDetails: PAYLOADS })
})

test('an attempt whose host is gone has failed as WorkerLost, and its retry policy applies', () => {
  const subject = taken({}, 'host1')
  const id = subject.attempt(5)
  let wasLost = false
  const lose = (turn: LiveTurn): void => {
    wasLost = loseActivity(turn, id)
  }

  subject.turn(lose)
  expect(wasLost).toBe(true)
  const failure = { type: 'application', message: 'the host that ran attempt 1 is gone', applicationType: 'WorkerLost' }
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ phase: 'backoff', lastFailure: failure })
  subject.turn(lose)
  expect(wasLost).toBe(false)

  const other = taken({ retryPolicy: { nonRetryableErrorTypes: ['WorkerLost'] } }, 'host1')
  other.turn(lose)
  expect(other.history[6]!.attributes).toMatchObject({ failure, retryState: 'NonRetryableFailure' })
})

test('an attempt that takes too long is tried again, and its worker of this host told to stop', () => {
  const subject = taken({}, 'host1')
  subject.nowMs = 10_000

  expect(timeOut(subject, 10_000)).toBe(true)

  const failure = { type: 'timeout', message: 'activity StartToClose timeout', timeoutType: 'StartToClose' }
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ phase: 'backoff', attempt: 2, lastFailure: failure })
  expect(subject.lastTurn!.tasks).toEqual([
    { type: 'CancelActivityTask', scheduledEventId: 5, attempt: 1, reason: 'timedOut' },
  ])
})

test('a time-out that is due means nothing once its attempt has moved on', () => {
  const subject = taken()
  const first = subject.attempt(5)
  // Of the wait for a worker, which came in time.
  expect(timeOut(subject, 5_000)).toBe(false)
  expect(timeOut(subject, 10_000, { ...first, attempt: 2 })).toBe(false)
  expect(timeOut(subject, 10_000, { ...first, scheduledEventId: 4 })).toBe(false)
  expect(timeOut(subject, 10_000, { ...first, stamp: 1 })).toBe(false)

  fail(subject, application('f1'))
  expect(timeOut(subject, 10_000, first)).toBe(false)
  // Its wait ends by a retry.
  expect(timeOut(subject, 10_000)).toBe(false)
  subject.turn((turn) => retryActivity(turn, { scheduledEventId: 5, attempt: 2 }))
  // Nobody takes it, and it has no time-out for that.
  expect(timeOut(subject, 10_000)).toBe(false)
})

test('waiting too long for a worker ends the activity without Started, however often it may be tried', () => {
  const subject = retried({ scheduleToStartTimeoutMs: 1_000 })
  subject.nowMs = 1_100

  expect(timeOut(subject, 1_100)).toBe(true)

  expect(subject.history[5]!.attributes).toEqual({
    failure: { type: 'timeout', message: 'activity ScheduleToStart timeout', timeoutType: 'ScheduleToStart' },
    scheduledEventId: 5,
    startedEventId: 0,
    retryState: 'Timeout',
  })
  expect(subject.state.activityProgress!.size).toBe(0)
})

test('the time of the activity is up while nobody has taken its second attempt', () => {
  const subject = retried({ scheduleToCloseTimeoutMs: 4_000 })
  subject.nowMs = 4_000

  timeOut(subject, 4_000)

  const message = 'Not enough time to schedule next retry before activity ScheduleToClose timeout, giving up retrying'
  expect(subject.history[5]!.attributes).toMatchObject({
    failure: { type: 'timeout', message, timeoutType: 'ScheduleToClose', cause: application('f1') },
    startedEventId: 0,
    retryState: 'Timeout',
  })
})

test('the time of the activity is up even if the clock, having stepped back, would allow a retry', () => {
  const subject = taken({ scheduleToCloseTimeoutMs: 4_000, retryPolicy: { initialIntervalMs: 100 } })
  subject.nowMs = 3_000

  timeOut(subject, 4_000)

  expect(subject.history[6]!.attributes).toMatchObject({ retryState: 'Timeout' })
})

test('the time of the activity is up in the last attempt that it has', () => {
  const subject = taken({ scheduleToCloseTimeoutMs: 4_000, retryPolicy: ONCE })
  subject.nowMs = 4_000

  timeOut(subject, 4_000)

  expect(subject.history[6]!.attributes).toMatchObject({
    failure: { message: 'activity ScheduleToClose timeout', timeoutType: 'ScheduleToClose' },
    retryState: 'MaximumAttemptsReached',
  })
})

test("an attempt that takes too long, with no time left for another, is reported as the end of the activity's time", () => {
  const options = { startToCloseTimeoutMs: 3_000, scheduleToCloseTimeoutMs: 3_500 }
  const subject = taken(options)
  subject.nowMs = 3_000

  timeOut(subject, 3_000)

  const failure = { timeoutType: 'ScheduleToClose', message: expect.stringMatching('^Not enough time') as unknown }
  expect(subject.history[6]!.attributes).toMatchObject({ failure, retryState: 'Timeout' })
})
