import { expect, test } from 'vitest'
import { cancelActivity, failActivity, timeoutActivity } from '../../src/machine/activity-end.js'
import { isEndBuffered, isWorkflowTaskHeld } from '../../src/machine/buffer.js'
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.js'
import { fireTimer } from '../../src/machine/timer.js'
import { cancel, RULES, schedule, Subject, timer } from './subject.js'

/** Activities a1 to a5 (events 5 to 9) and timer t1 (10); a1 to a4 are taken, a3 is to stop, and a worker holds a task. */
function held(): Subject {
  const subject = new Subject()
  subject.start()
  const once = { startToCloseTimeoutMs: 10_000, retryPolicy: { maximumAttempts: 1 } }
  const a5 = schedule('a5', { ...once, scheduleToStartTimeoutMs: 5_000 })
  subject.run(...['a1', 'a2', 'a3', 'a4'].map((id) => schedule(id, once)), a5, timer('t1', 60_000))
  for (const scheduledEventId of [5, 6, 7, 8]) subject.take(scheduledEventId)
  subject.signal('wake')
  subject.run(cancel(7))
  subject.signal('wake')
  subject.poll('held')
  return subject
}

test('ends of activities of every kind come after all else, and name the Started that was flushed with them', () => {
  const subject = held()
  const count = subject.history.length
  const identity = 'worker'

  subject.completed(5)
  subject.turn((turn) => failActivity(turn, subject.attempt(6), { failure: undefined, identity }))
  subject.turn((turn) => cancelActivity(turn, subject.attempt(7), { details: undefined, identity }))
  subject.turn((turn) => timeoutActivity(turn, { ...subject.attempt(8), dueAtMs: 10_000 }))
  subject.turn((turn) => timeoutActivity(turn, { ...subject.attempt(9), dueAtMs: 5_000 }))
  subject.turn((turn) => fireTimer(turn, { timerId: 't1', startedEventId: 10 }))
  subject.signal('last')
  expect(subject.history).toHaveLength(count)
  subject.answer(subject.state.workflowTaskProgress!)

  const flushed = subject.history.slice(count + 1, -1)
  expect(flushed.map((event) => event.eventType)).toEqual([
    ...['ActivityTaskStarted', 'ActivityTaskStarted', 'ActivityTaskStarted', 'ActivityTaskStarted'],
    ...['TimerFired', 'WorkflowExecutionSignaled'],
    ...['ActivityTaskCompleted', 'ActivityTaskFailed', 'ActivityTaskCanceled'],
    ...['ActivityTaskTimedOut', 'ActivityTaskTimedOut'],
  ])
  const firstEventId = flushed[0]!.eventId
  expect(flushed.slice(6).map((event) => event.attributes)).toMatchObject([
    { scheduledEventId: 5, startedEventId: firstEventId },
    { scheduledEventId: 6, startedEventId: firstEventId + 1 },
    { scheduledEventId: 7, startedEventId: firstEventId + 2 },
    { scheduledEventId: 8, startedEventId: firstEventId + 3 },
    // Nobody had taken it.
    { scheduledEventId: 9, startedEventId: 0 },
  ])
  expect(subject.state.activities!.size).toBe(0)
  expect(subject.state.activityIds!.size).toBe(0)
})

test('what has ended in the buffer is known to have ended, and the rest is not', () => {
  const subject = held()
  expect(isEndBuffered(subject.state, 5)).toBe(false)

  subject.completed(5)
  subject.turn((turn) => fireTimer(turn, { timerId: 't1', startedEventId: 10 }))

  expect(isEndBuffered(subject.state, 5)).toBe(true)
  expect(isEndBuffered(subject.state, 10)).toBe(true)
  expect(isEndBuffered(subject.state, 6)).toBe(false)
})

test('a task is held from its start by a remote worker to its end', () => {
  const subject = new Subject()
  subject.start()
  expect(isWorkflowTaskHeld(subject.state)).toBe(false)

  const token = subject.poll()
  expect(isWorkflowTaskHeld(subject.state)).toBe(true)

  subject.answer(token)
  expect(isWorkflowTaskHeld(subject.state)).toBe(false)
})

const { maxBufferedEvents: MAX_BUFFERED_EVENTS } = DEFAULT_SETTINGS

test('a worker that holds its task while too much waits loses it, and everything is flushed', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()

  for (let count = 1; count < MAX_BUFFERED_EVENTS; count++) subject.signal('s')
  expect(subject.state.buffered).toHaveLength(MAX_BUFFERED_EVENTS - 1)
  subject.signal('the last drop')

  expect(subject.state.buffered).toBeUndefined()
  expect(subject.history[3]!.attributes).toMatchObject({ cause: 'ForceCloseCommand' })
  expect(subject.history).toHaveLength(4 + MAX_BUFFERED_EVENTS + 1)
  subject.last('WorkflowTaskScheduled')
  expect(() => subject.answer(token)).toThrow('Workflow task not found.')
})

test('so it does when what waits weighs too much', () => {
  const subject = new Subject()
  subject.rules = { ...RULES, maxBufferedBytes: 300 }
  subject.start()
  subject.poll()

  subject.signal('one')
  subject.signal('two')
  expect(subject.state.buffered).toHaveLength(2)
  subject.signal('three')

  expect(subject.state.buffered).toBeUndefined()
  expect(subject.state.bufferedBytes).toBe(0)
  subject.last('WorkflowTaskScheduled')
})
