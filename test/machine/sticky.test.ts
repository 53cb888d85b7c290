import { expect, test } from 'vitest'
import { setSticky, stickyDueAtMs, timeoutStickyTask } from '../../src/machine/sticky.js'
import { timeoutWorkflowTask } from '../../src/machine/workflow-task.js'
import { COMPLETE, Subject } from './subject.js'

const STICKY = { workerTaskQueue: 'mine', scheduleToStartTimeoutMs: 2_000 }
const SCHEDULED = { taskQueue: 'mine', normalTaskQueue: 'tq', attempt: 1 }
const NORMAL = { taskQueue: 'tq', normalTaskQueue: undefined, attempt: 1 }

/** Its worker asked for the next task, and a signal has made one. */
function sticky(): Subject {
  const subject = new Subject()
  subject.start()
  subject.answer(subject.poll(), [], false, STICKY)
  subject.nowMs = 1_000
  subject.signal('s')
  return subject
}

test('the next task waits at the queue of the worker that asked for it, for as long as it said', () => {
  const subject = sticky()

  expect(subject.last('WorkflowTaskScheduled').attributes).toMatchObject(SCHEDULED)
  expect(stickyDueAtMs(subject.state)).toBe(3_000)
})

test('a task that nobody took there goes to the normal queue, and counts for no attempt', () => {
  const subject = sticky()
  const { eventId } = subject.last('WorkflowTaskScheduled')

  subject.turn((turn) => expect(timeoutStickyTask(turn, eventId - 1)).toBe(false))
  subject.turn((turn) => expect(timeoutStickyTask(turn, eventId)).toBe(true))

  const [timedOut, scheduled] = subject.lastTurn!.events
  expect(timedOut).toMatchObject({
    eventType: 'WorkflowTaskTimedOut',
    attributes: { scheduledEventId: eventId, startedEventId: 0, timeoutType: 'ScheduleToStart' },
  })
  expect(scheduled!.attributes).toMatchObject(NORMAL)
  expect(stickyDueAtMs(subject.state)).toBe(0)
  subject.turn((turn) => expect(timeoutStickyTask(turn, scheduled!.eventId)).toBe(false))
})

test('a task that was taken in time, or whose execution has closed, does not time out there', () => {
  const taken = sticky()
  const { eventId } = taken.last('WorkflowTaskScheduled')
  const token = taken.poll()
  taken.turn((turn) => expect(timeoutStickyTask(turn, eventId)).toBe(false))
  taken.answer(token, [COMPLETE])
  taken.turn((turn) => expect(timeoutStickyTask(turn, eventId)).toBe(false))
})

test('a worker that failed its sticky task gets no more of them', () => {
  const subject = sticky()
  const held = subject.poll()

  subject.nowMs = 20_000
  subject.turn((turn) => expect(timeoutWorkflowTask(turn, held)).toBe(true))

  // As the recorded server has it: a new task, not a second attempt.
  expect(subject.last('WorkflowTaskScheduled').attributes).toMatchObject(NORMAL)
})

test('stickiness ends when it is taken back, when an answer does not ask for it, and when code of this host has run', () => {
  const reset = new Subject()
  reset.start()
  reset.answer(reset.poll(), [], false, STICKY)
  reset.turn((turn) => setSticky(turn, undefined))
  expect(reset.turn((turn) => setSticky(turn, undefined)).changes).toEqual([])
  reset.signal('s')
  expect(reset.last('WorkflowTaskScheduled').attributes).toMatchObject(NORMAL)

  const unasked = sticky()
  unasked.answer(unasked.poll())
  unasked.signal('s')
  expect(unasked.last('WorkflowTaskScheduled').attributes).toMatchObject(NORMAL)

  const here = sticky()
  here.run()
  here.signal('s')
  expect(here.last('WorkflowTaskScheduled').attributes).toMatchObject(NORMAL)
})

test('a task whose stickiness was lost with the memory of its host still times out', () => {
  const subject = sticky()
  subject.turn((turn) => setSticky(turn, undefined))

  expect(stickyDueAtMs(subject.state)).toBe(6_000)
})
