import { expect, test } from 'vitest'
import { retryActivity } from '../../src/machine/activity-attempt.js'
import {
  cancelActivityById,
  completeActivityById,
  failActivityById,
  recordHeartbeatById,
} from '../../src/machine/activity-by-id.js'
import { cancel, COMPLETE, schedule, Subject } from './subject.js'

const DONE = { result: undefined, identity: 'somebody' }
const FAILED = { failure: { type: 'application', message: 'no' }, identity: 'somebody' } as const

/** Activity 'a1' is scheduled by event 5. */
function subject(): Subject {
  const made = new Subject()
  made.start()
  made.run(schedule('a1'))
  return made
}

test('an activity that nobody has taken is started and completed at once', () => {
  const made = subject()

  made.turn((turn) => completeActivityById(turn, 'a1', DONE))

  expect(made.types.slice(5)).toEqual(['ActivityTaskStarted', 'ActivityTaskCompleted', 'WorkflowTaskScheduled'])
  expect(made.history[5]!.attributes).toMatchObject({ attempt: 1, identity: 'somebody', lastFailure: undefined })
  expect(made.history[6]!.attributes).toMatchObject({ scheduledEventId: 5, startedEventId: 6 })
  expect(made.take(5)).toBe(false)
})

test('one that waits for its next attempt is completed as that, and one that waits for a worker too', () => {
  const made = subject()
  made.take(5)
  made.turn((turn) => failActivityById(turn, 'a1', FAILED))
  made.turn((turn) => completeActivityById(turn, 'a1', DONE))
  expect(made.history[5]!.attributes).toMatchObject({ attempt: 2, lastFailure: FAILED.failure })

  const other = subject()
  other.take(5)
  other.turn((turn) => failActivityById(turn, 'a1', FAILED))
  other.nowMs = 1000
  other.turn((turn) => retryActivity(turn, { scheduledEventId: 5, attempt: 2 }))
  other.turn((turn) => completeActivityById(turn, 'a1', DONE))
  expect(other.history[5]!.attributes).toMatchObject({ attempt: 2, lastFailure: FAILED.failure })
})

test('while a worker holds the workflow task the end waits, and comes once', () => {
  const made = subject()
  made.signal('s')
  made.poll()

  made.turn((turn) => completeActivityById(turn, 'a1', DONE))

  expect(made.state.buffered).toHaveLength(2)
  expect(() => made.turn((turn) => completeActivityById(turn, 'a1', DONE))).toThrow('cannot find pending activity')
})

test('a running attempt is answered as by its token, and a worker of this process is told', () => {
  const remote = subject()
  remote.take(5)
  expect(remote.turn((turn) => completeActivityById(turn, 'a1', DONE)).tasks).toEqual([
    { type: 'DispatchWorkflowTask', scheduledEventId: 8 },
  ])

  const local = subject()
  local.take(5, 'host1')
  expect(local.turn((turn) => failActivityById(turn, 'a1', FAILED)).tasks).toEqual([
    { type: 'CancelActivityTask', scheduledEventId: 5, attempt: 1, reason: 'ended' },
  ])
})

test('it says that it has stopped, when that was asked for, and hears of it with its heartbeat', () => {
  const made = subject()
  made.take(5)
  const canceled = { details: undefined, identity: 'somebody' }
  expect(() => made.turn((turn) => cancelActivityById(turn, 'a1', canceled))).toThrow('without activity being request')
  made.signal('s')
  made.run(cancel(5))
  made.turn((turn) => expect(recordHeartbeatById(turn, 'a1', undefined)).toBe(true))

  made.turn((turn) => cancelActivityById(turn, 'a1', canceled))

  expect(made.types.at(-2)).toBe('ActivityTaskCanceled')
})

test('what is not running cannot fail, be canceled or be alive, and what is not there cannot complete', () => {
  const made = subject()
  const notRunning = 'invalid activityID'
  expect(() => made.turn((turn) => failActivityById(turn, 'a1', FAILED))).toThrow(notRunning)
  expect(() => made.turn((turn) => recordHeartbeatById(turn, 'a1', undefined))).toThrow(notRunning)
  expect(() => made.turn((turn) => completeActivityById(turn, 'a2', DONE))).toThrow(
    'cannot find pending activity with ActivityID a2',
  )
  made.signal('end')
  made.run(COMPLETE)
  expect(() => made.turn((turn) => completeActivityById(turn, 'a1', DONE))).toThrow('already completed')
})
