import { expect, test } from 'vitest'
import { MAX_DURATION_MS } from '../../src/base/duration.js'
import type { ScheduleActivityTaskCommand } from '../../src/protocol/command.js'
import { DEFAULT_RETRY_POLICY } from '../../src/protocol/retry-policy.js'
import { schedule, Subject } from './subject.js'

function scheduled(options: Partial<ScheduleActivityTaskCommand>, workflowRunTimeoutMs = 0): object {
  const subject = new Subject()
  subject.start({ workflowRunTimeoutMs })
  subject.run(schedule('a1', options))
  return subject.last('ActivityTaskScheduled').attributes
}

function refusal(options: Partial<ScheduleActivityTaskCommand>): string | undefined {
  const subject = new Subject()
  subject.start()
  return subject.answer(subject.poll(), [schedule('a1', options)])
}

test("what is not given is not set, and the queue is the workflow's own", () => {
  expect(scheduled({ startToCloseTimeoutMs: 10_000 })).toEqual({
    activityId: 'a1',
    activityType: 'act',
    taskQueue: 'tq',
    input: undefined,
    scheduleToCloseTimeoutMs: 0,
    scheduleToStartTimeoutMs: 0,
    startToCloseTimeoutMs: 10_000,
    heartbeatTimeoutMs: 0,
    workflowTaskCompletedEventId: 4,
    retryPolicy: DEFAULT_RETRY_POLICY,
  })
})

test('an activity may have another queue', () => {
  expect(scheduled({ startToCloseTimeoutMs: 1, taskQueue: 'other' })).toMatchObject({ taskQueue: 'other' })
})

test.each([
  { asked: { scheduleToCloseTimeoutMs: 20 }, run: 30, filled: [20, 20, 20, 0] },
  { asked: { startToCloseTimeoutMs: 50 }, run: 30, filled: [30, 30, 30, 0] },
  {
    asked: { startToCloseTimeoutMs: 5, scheduleToCloseTimeoutMs: 100, heartbeatTimeoutMs: 9 },
    run: 30,
    filled: [30, 30, 5, 5],
  },
  { asked: { startToCloseTimeoutMs: 10, scheduleToStartTimeoutMs: 1 }, run: 0, filled: [0, 1, 10, 0] },
  { asked: { startToCloseTimeoutMs: 10, heartbeatTimeoutMs: 2.5 }, run: 0, filled: [0, 0, 10, 3] },
])('time-outs $asked in a run of $run ms are filled in', ({ asked, run, filled }) => {
  const [scheduleToCloseTimeoutMs, scheduleToStartTimeoutMs, startToCloseTimeoutMs, heartbeatTimeoutMs] = filled
  const expected = { scheduleToCloseTimeoutMs, scheduleToStartTimeoutMs, startToCloseTimeoutMs, heartbeatTimeoutMs }

  expect(scheduled(asked, run)).toMatchObject(expected)
})

test.each([
  { asked: {}, filled: DEFAULT_RETRY_POLICY },
  { asked: { initialIntervalMs: 200 }, filled: { initialIntervalMs: 200, maximumIntervalMs: 20_000 } },
  {
    asked: { initialIntervalMs: 0, maximumIntervalMs: 0 },
    filled: { initialIntervalMs: 1000, maximumIntervalMs: 100_000 },
  },
  {
    asked: { initialIntervalMs: Number.NaN, backoffCoefficient: Number.NaN, maximumAttempts: Number.NaN },
    filled: DEFAULT_RETRY_POLICY,
  },
  { asked: { maximumIntervalMs: Number.POSITIVE_INFINITY }, filled: { maximumIntervalMs: MAX_DURATION_MS } },
  {
    asked: { backoffCoefficient: 1, maximumIntervalMs: 5_000, maximumAttempts: 3, nonRetryableErrorTypes: ['Bad'] },
    filled: { backoffCoefficient: 1, maximumIntervalMs: 5_000, maximumAttempts: 3, nonRetryableErrorTypes: ['Bad'] },
  },
])('the retry policy $asked is filled in', ({ asked, filled }) => {
  expect(scheduled({ startToCloseTimeoutMs: 1, retryPolicy: asked })).toMatchObject({ retryPolicy: filled })
})

test('what is just within its bounds is taken', () => {
  const name = 'a'.repeat(1000)
  const policy = { initialIntervalMs: MAX_DURATION_MS, maximumIntervalMs: MAX_DURATION_MS, backoffCoefficient: 1 }
  const options = { activityId: name, activityType: name, startToCloseTimeoutMs: MAX_DURATION_MS, retryPolicy: policy }

  expect(scheduled(options)).toMatchObject(options)
})

const OK = { startToCloseTimeoutMs: 1 }

test.each<[Partial<ScheduleActivityTaskCommand>, string]>([
  [{}, 'a valid StartToClose or ScheduleToCloseTimeout is not set on ScheduleActivityTaskCommand'],
  [{ ...OK, activityId: '' }, 'ActivityId is not set on ScheduleActivityTaskCommand'],
  [{ ...OK, activityType: '' }, 'ActivityType is not set on ScheduleActivityTaskCommand'],
  [{ ...OK, activityId: 'a'.repeat(1001) }, 'exceeds length limit of 1000'],
  [{ ...OK, activityType: 'a'.repeat(1001) }, 'exceeds length limit of 1000'],
  [
    { startToCloseTimeoutMs: -1 },
    'An invalid StartToCloseTimeout is set on ScheduleActivityTaskCommand: negative duration',
  ],
  [{ ...OK, scheduleToCloseTimeoutMs: -1 }, 'An invalid ScheduleToCloseTimeout'],
  [{ ...OK, scheduleToStartTimeoutMs: -1 }, 'An invalid ScheduleToStartTimeout'],
  [
    { ...OK, heartbeatTimeoutMs: Number.NaN },
    'An invalid HeartbeatTimeout is set on ScheduleActivityTaskCommand: not between',
  ],
  [{ ...OK, retryPolicy: { initialIntervalMs: -1 } }, 'invalid InitialInterval set on retry policy: negative duration'],
  [
    { ...OK, retryPolicy: { initialIntervalMs: Number.POSITIVE_INFINITY } },
    'invalid InitialInterval set on retry policy: over',
  ],
  [{ ...OK, retryPolicy: { backoffCoefficient: 0.5 } }, 'BackoffCoefficient cannot be less than 1 on retry policy'],
  [{ ...OK, retryPolicy: { maximumIntervalMs: -1 } }, 'invalid MaximumInterval set on retry policy: negative duration'],
  [{ ...OK, retryPolicy: { maximumIntervalMs: 10 } }, 'MaximumInterval cannot be less than InitialInterval'],
  [{ ...OK, retryPolicy: { maximumAttempts: -1 } }, 'MaximumAttempts cannot be negative on retry policy'],
])('%o is a bad command', (options, detail) => {
  const error = refusal(options)

  expect(error).toMatch(/^BadScheduleActivityAttributes: .* ActivityType=\w*$/)
  expect(error).toContain(detail)
})
