import { expect, test } from 'vitest'
import { activityDue, retryActivity } from '../../src/machine/activity-attempt.js'
import { failActivity, timeoutActivity } from '../../src/machine/activity-end.js'
import { recordHeartbeat } from '../../src/machine/activity-heartbeat.js'
import { JSON_PLAIN, type Payloads } from '../../src/protocol/payload.js'
import { cancel, COMPLETE, schedule, Subject } from './subject.js'

const FIRST: Payloads = [{ metadata: JSON_PLAIN, data: new Uint8Array([1]) }]
const SECOND: Payloads = [{ metadata: JSON_PLAIN, data: new Uint8Array([2]) }]

/** Activity 5 is at attempt 1, since 1000, and has to be heard of every 300 ms. */
function subject(options: Parameters<typeof schedule>[1] = {}): Subject {
  const made = new Subject()
  made.start()
  made.run(schedule('a1', { startToCloseTimeoutMs: 1000, heartbeatTimeoutMs: 300, ...options }))
  made.nowMs = 1000
  made.take(5)
  return made
}

function beat(made: Subject, details: Payloads | undefined): boolean {
  let isAskedToStop = false
  const id = made.attempt(5)
  made.turn((turn) => (isAskedToStop = recordHeartbeat(turn, id, details)))
  return isAskedToStop
}

function due({ state }: Subject): ReturnType<typeof activityDue> {
  return activityDue(state.activities!.get(5)!, state.activityProgress!.get(5))
}

test('an attempt times out when nothing is heard of it, and each heartbeat puts that off', () => {
  const made = subject()
  expect(due(made)).toEqual({ dueAtMs: 1300, dueType: 'Heartbeat' })

  made.nowMs = 1250
  expect(beat(made, FIRST)).toBe(false)

  expect(due(made)).toEqual({ dueAtMs: 1550, dueType: 'Heartbeat' })
  expect(made.lastTurn!.events).toEqual([])
  expect(made.lastTurn!.tasks).toEqual([])
})

test('a heartbeat does not put off the other time-outs', () => {
  const made = subject()
  made.nowMs = 1750
  beat(made, FIRST)
  expect(due(made)).toEqual({ dueAtMs: 2000, dueType: 'StartToClose' })

  const short = subject({ scheduleToCloseTimeoutMs: 1500 })
  short.nowMs = 1300
  beat(short, FIRST)
  expect(due(short)).toEqual({ dueAtMs: 1500, dueType: 'ScheduleToClose' })
})

test('without a heartbeat time-out the details are kept all the same', () => {
  const made = subject({ heartbeatTimeoutMs: 0 })
  made.nowMs = 1500

  beat(made, FIRST)

  expect(due(made)).toEqual({ dueAtMs: 2000, dueType: 'StartToClose' })
  expect(made.state.activityProgress!.get(5)!.heartbeatDetails).toBe(FIRST)
})

test('details replace those of the heartbeat before, and reach the next attempt after a silence', () => {
  const made = subject()
  beat(made, FIRST)
  beat(made, SECOND)
  made.nowMs = 1300

  made.turn((turn) => timeoutActivity(turn, { ...made.attempt(5), dueAtMs: 1300 }))

  expect(made.state.activityProgress!.get(5)).toMatchObject({
    phase: 'backoff',
    attempt: 2,
    heartbeatDetails: SECOND,
    lastFailure: { type: 'timeout', timeoutType: 'Heartbeat', message: 'activity Heartbeat timeout' },
  })
  made.nowMs = 2300
  made.turn((turn) => retryActivity(turn, { scheduledEventId: 5, attempt: 2 }))
  made.take(5)
  expect(made.state.activityProgress!.get(5)!.heartbeatDetails).toBe(SECOND)
  expect(due(made)).toEqual({ dueAtMs: 2600, dueType: 'Heartbeat' })
})

test('a silence that ends the activity is recorded with the last details', () => {
  const made = subject({ retryPolicy: { maximumAttempts: 1 } })
  beat(made, FIRST)
  made.nowMs = 1300

  made.turn((turn) => timeoutActivity(turn, { ...made.attempt(5), dueAtMs: 1300 }))

  const timedOut = made.history.find(({ eventType }) => eventType === 'ActivityTaskTimedOut')
  expect(timedOut!.attributes).toMatchObject({
    failure: { type: 'timeout', timeoutType: 'Heartbeat', lastHeartbeatDetails: FIRST },
    retryState: 'MaximumAttemptsReached',
  })
})

test('the worker of a canceled attempt hears of it', () => {
  const made = subject()
  made.signal('stop')
  made.run(cancel(5))

  expect(beat(made, undefined)).toBe(true)
})

test('a heartbeat of an attempt that is over is NotFound', () => {
  const made = subject()
  const id = made.attempt(5)
  made.turn((turn) => failActivity(turn, id, { failure: undefined, identity: 'worker' }))
  expect(() => made.turn((turn) => recordHeartbeat(turn, id, FIRST))).toThrow('invalid activityID')

  made.signal('end')
  made.run(COMPLETE)
  expect(() => made.turn((turn) => recordHeartbeat(turn, id, FIRST))).toThrow('already completed')
})
