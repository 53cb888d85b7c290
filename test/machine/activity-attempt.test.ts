import { expect, test } from 'vitest'
import { activityDue, retryActivity, retryIntervalMs, startActivity } from '../../src/machine/activity-attempt.js'
import { failActivity } from '../../src/machine/activity-end.js'
import { startExecution } from '../../src/machine/lifecycle.js'
import { completeLocalWorkflowTask } from '../../src/machine/local-workflow-task.js'
import type { ScheduleActivityTaskCommand } from '../../src/protocol/command.js'
import type { Failure } from '../../src/protocol/failure.js'
import { cancel, COMPLETE, schedule, STARTED, Subject } from './subject.js'

const TAKING = { attempt: 1, stamp: 0, identity: 'worker', requestId: 'r1', incarnation: '' }
const FAILURE: Failure = { type: 'application', message: 'f1' }

/** Activity a1 is event 5. */
function withActivity(options: Partial<ScheduleActivityTaskCommand> = { startToCloseTimeoutMs: 10_000 }): Subject {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1', options))
  return subject
}

function take(subject: Subject, taking: Partial<typeof TAKING>, scheduledEventId = 5): boolean {
  let isTaken = false
  subject.turn((turn) => {
    isTaken = startActivity(turn, scheduledEventId, { ...TAKING, ...taking })
  })
  return isTaken
}

function fail(subject: Subject, failure: Failure | undefined = FAILURE): void {
  subject.turn((turn) => failActivity(turn, subject.attempt(5), { failure, identity: 'worker' }))
}

function retry(subject: Subject, attempt: number, scheduledEventId = 5): boolean {
  let isRetried = false
  subject.turn((turn) => {
    isRetried = retryActivity(turn, { scheduledEventId, attempt })
  })
  return isRetried
}

test('taking an attempt leaves no event, and says when it is over time', () => {
  const subject = withActivity()
  const count = subject.history.length

  subject.nowMs = 400
  expect(take(subject, { incarnation: 'host1' })).toBe(true)

  expect(subject.history).toHaveLength(count)
  expect(subject.state.activityProgress!.get(5)).toEqual({
    phase: 'started',
    attempt: 1,
    stamp: 0,
    scheduledAtMs: 0,
    startedAtMs: 400,
    identity: 'worker',
    requestId: 'r1',
    incarnation: 'host1',
    lastFailure: undefined,
    heartbeatDetails: undefined,
    dueAtMs: 10_400,
    dueType: 'StartToClose',
    cancelRequested: false,
  })
})

test('an attempt may be taken in the turn that schedules it', () => {
  const subject = new Subject()

  subject.turn((turn) => {
    startExecution(turn, STARTED)
    const run = { beginTimeMs: 0, identity: 'host', sdk: '', historySizeBytes: 0 }
    completeLocalWorkflowTask(turn, { ...run, commands: [schedule('a1')] })
    expect(startActivity(turn, 5, TAKING)).toBe(true)
  })

  expect(subject.state.activityProgress!.get(5)!.phase).toBe('started')
})

test('an attempt is taken once; the same request again is told yes, but nothing changes', () => {
  const subject = withActivity()

  expect(take(subject, {})).toBe(true)
  expect(take(subject, {})).toBe(true)
  expect(subject.lastTurn!.changes).toEqual([])
  expect(take(subject, { requestId: 'r2' })).toBe(false)
})

test('a taker without a request id is never told yes twice', () => {
  const subject = withActivity()

  expect(take(subject, { requestId: '' })).toBe(true)
  expect(take(subject, { requestId: '' })).toBe(false)
})

test('another attempt, another stamp, an unknown or ended activity and a closed execution are not to be run', () => {
  const subject = withActivity()
  expect(take(subject, { attempt: 2 })).toBe(false)
  expect(take(subject, { stamp: 1 })).toBe(false)
  expect(take(subject, {}, 4)).toBe(false)

  take(subject, {})
  fail(subject)
  expect(take(subject, {})).toBe(false)
  expect(take(subject, { attempt: 2, stamp: 1 })).toBe(false)
  // It waits for its time.
  expect(take(subject, { attempt: 2 })).toBe(false)

  subject.signal('wake')
  subject.run(cancel(5))
  expect(take(subject, { attempt: 2 })).toBe(false)
  subject.run(schedule('a2'))
  const a2 = subject.last('ActivityTaskScheduled').eventId
  subject.signal('wake')
  subject.run(COMPLETE)
  expect(take(subject, {}, a2)).toBe(false)
})

test('an attempt is over time with its activity, if that comes first', () => {
  const subject = withActivity({ startToCloseTimeoutMs: 2_000, scheduleToCloseTimeoutMs: 3_000 })
  subject.nowMs = 1_000
  take(subject, {})
  // At the same instant there is no time for another one anyway.
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ dueAtMs: 3_000, dueType: 'ScheduleToClose' })

  const other = withActivity({ startToCloseTimeoutMs: 2_000, scheduleToCloseTimeoutMs: 3_000 })
  other.nowMs = 999
  take(other, {})
  expect(other.state.activityProgress!.get(5)).toMatchObject({ dueAtMs: 2_999, dueType: 'StartToClose' })
})

test('the next attempt waits its interval, then can be taken, and knows what failed', () => {
  const subject = withActivity({ startToCloseTimeoutMs: 10_000, retryPolicy: { initialIntervalMs: 200 } })
  take(subject, {})
  subject.nowMs = 50
  fail(subject)
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ phase: 'backoff', dueAtMs: 250, dueType: 'Retry' })

  subject.nowMs = 250
  expect(retry(subject, 2)).toBe(true)

  expect(subject.lastTurn!.tasks).toEqual([{ type: 'DispatchActivityTask', scheduledEventId: 5, attempt: 2 }])
  expect(subject.state.activityProgress!.get(5)).toMatchObject({
    phase: 'scheduled',
    attempt: 2,
    scheduledAtMs: 250,
    lastFailure: FAILURE,
    dueAtMs: 0,
    dueType: undefined,
  })
  expect(take(subject, { attempt: 2 })).toBe(true)
  expect(subject.state.activityProgress!.get(5)).toMatchObject({ lastFailure: FAILURE, scheduledAtMs: 250 })
})

test('a retry that is due means nothing when its attempt does not wait', () => {
  const subject = withActivity()
  expect(retry(subject, 2)).toBe(false)
  take(subject, {})
  expect(retry(subject, 1)).toBe(false)
  fail(subject)
  expect(retry(subject, 3)).toBe(false)
  expect(retry(subject, 2, 4)).toBe(false)
  expect(retry(subject, 2)).toBe(true)
  expect(retry(subject, 2)).toBe(false)
})

test.each([
  { asked: { startToCloseTimeoutMs: 9_000 }, due: undefined },
  { asked: { startToCloseTimeoutMs: 9_000, scheduleToStartTimeoutMs: 2_000 }, due: [2_000, 'ScheduleToStart'] },
  // The queue's fault, since nobody has come for so long.
  { asked: { scheduleToCloseTimeoutMs: 5_000 }, due: [5_000, 'ScheduleToStart'] },
  { asked: { scheduleToCloseTimeoutMs: 5_000, scheduleToStartTimeoutMs: 2_000 }, due: [2_000, 'ScheduleToStart'] },
])('a first attempt with $asked is due $due', ({ asked, due }) => {
  const { state } = withActivity(asked)

  const found = activityDue(state.activities!.get(5)!, undefined)

  expect(found && [found.dueAtMs, found.dueType]).toEqual(due)
})

test('a later attempt that nobody takes is due with its own wait or with its activity, whichever comes first', () => {
  const due = (scheduleToStartTimeoutMs: number): object | undefined => {
    const policy = { initialIntervalMs: 1_000 }
    const subject = withActivity({ scheduleToCloseTimeoutMs: 5_000, scheduleToStartTimeoutMs, retryPolicy: policy })
    take(subject, {})
    fail(subject)
    const info = subject.state.activities!.get(5)!
    expect(activityDue(info, subject.state.activityProgress!.get(5))).toEqual({ dueAtMs: 1_000, dueType: 'Retry' })
    subject.nowMs = 1_000
    retry(subject, 2)
    return activityDue(info, subject.state.activityProgress!.get(5))
  }

  expect(due(2_000)).toEqual({ dueAtMs: 3_000, dueType: 'ScheduleToStart' })
  expect(due(4_500)).toEqual({ dueAtMs: 5_000, dueType: 'ScheduleToClose' })
})

test('nothing is due by time of a later attempt without such time-outs', () => {
  const subject = withActivity()
  take(subject, {})
  fail(subject)
  retry(subject, 2)

  expect(activityDue(subject.state.activities!.get(5)!, subject.state.activityProgress!.get(5))).toBeUndefined()
})

test('an interval is of whole ms, rounded up', () => {
  const policy = { initialIntervalMs: 10, backoffCoefficient: 1.25 }
  const { state } = withActivity({ startToCloseTimeoutMs: 1, retryPolicy: policy })

  expect(retryIntervalMs(state.activities!.get(5)!, 2, FAILURE)).toBe(13)
})

test('intervals grow up to the maximum; what the failure asks for goes before', () => {
  const policy = { initialIntervalMs: 400, backoffCoefficient: 1.5, maximumIntervalMs: 800 }
  const { state } = withActivity({ startToCloseTimeoutMs: 1, retryPolicy: policy })
  const info = state.activities!.get(5)!

  expect([1, 2, 3, 1_000].map((attempt) => retryIntervalMs(info, attempt, FAILURE))).toEqual([400, 600, 800, 800])
  expect(retryIntervalMs(info, 1, { ...FAILURE, nextRetryDelayMs: 5_000.5 })).toBe(5_001)
  expect(retryIntervalMs(info, 1, { ...FAILURE, nextRetryDelayMs: 0 })).toBe(0)
  expect(retryIntervalMs(info, 1, undefined)).toBe(400)
  for (const nextRetryDelayMs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(retryIntervalMs(info, 1, { ...FAILURE, nextRetryDelayMs })).toBe(400)
  }
})
