import { expect, test } from 'vitest'
import type { WorkflowTaskProgress } from '../../src/machine/transition.js'
import { failWorkflowTask } from '../../src/machine/workflow-task.js'
import { startWorkflowTask, transientEvents, type WorkflowTaskTaking } from '../../src/machine/workflow-task-start.js'
import { COMPLETE, Subject } from './subject.js'

const TAKING = { scheduledEventId: 2, identity: 'worker', requestId: 'poll', historySizeBytes: 77 }

function take(subject: Subject, taking: Partial<WorkflowTaskTaking> = {}): WorkflowTaskProgress | undefined {
  let held: WorkflowTaskProgress | undefined
  subject.turn((turn) => {
    held = startWorkflowTask(turn, { ...TAKING, ...taking })
  })
  return held
}

function fail(subject: Subject): void {
  const token = subject.state.workflowTaskProgress!
  const cause = 'WorkflowWorkerUnhandledFailure'
  subject.turn((turn) => failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' }))
}

test('a first attempt is recorded when it is taken, and begins then', () => {
  const subject = new Subject()
  subject.start()
  subject.nowMs = 500

  const held = take(subject)

  expect(held).toEqual({
    attempt: 1,
    scheduledEventId: 2,
    scheduledAtMs: 0,
    startedEventId: 3,
    startedAtMs: 500,
    identity: 'worker',
    requestId: 'poll',
    stamp: 0,
    dueAtMs: 10_500,
    isBackingOff: false,
  })
  const { attributes, eventTimeMs } = subject.last('WorkflowTaskStarted')
  expect(eventTimeMs).toBe(500)
  expect(attributes).toEqual({ ...TAKING, beginTimeMs: 500 })
  expect(transientEvents(subject.state, 0)).toEqual([])
})

test('the same poll gets the same answer, another one nothing', () => {
  const subject = new Subject()
  subject.start()
  const held = take(subject)

  expect(take(subject)).toBe(held)
  expect(subject.lastTurn!.events).toEqual([])
  expect(take(subject, { requestId: 'other' })).toBeUndefined()
})

test('a task that is over, or was never there, is not taken', () => {
  const subject = new Subject()
  subject.start()
  expect(take(subject, { scheduledEventId: 9 })).toBeUndefined()
  subject.answer(take(subject)!)
  expect(take(subject)).toBeUndefined()

  subject.signal('wake')
  subject.run(COMPLETE)
  expect(take(subject, { scheduledEventId: 6 })).toBeUndefined()
})

test('a later attempt leaves no event, but its worker sees the two that it would have', () => {
  const subject = new Subject()
  subject.start({ workflowTaskTimeoutMs: 1_000 })
  take(subject)
  fail(subject)
  expect(transientEvents(subject.state, 0)).toEqual([])
  subject.nowMs = 700

  const held = take(subject, { scheduledEventId: 5 })

  subject.last('WorkflowTaskFailed')
  expect(held).toMatchObject({ attempt: 2, scheduledEventId: 5, startedEventId: 6, dueAtMs: 1_700 })
  expect(transientEvents(subject.state, 77)).toEqual([
    {
      eventId: 5,
      eventType: 'WorkflowTaskScheduled',
      eventTimeMs: 0,
      version: 0,
      attributes: { taskQueue: 'tq', startToCloseTimeoutMs: 1_000, attempt: 2 },
    },
    {
      eventId: 6,
      eventType: 'WorkflowTaskStarted',
      eventTimeMs: 700,
      version: 0,
      attributes: { ...TAKING, scheduledEventId: 5, beginTimeMs: 700 },
    },
  ])
})

test('what a worker saw of a later attempt is what history says when it completes', () => {
  const subject = new Subject()
  subject.start()
  take(subject)
  fail(subject)
  subject.nowMs = 700
  const held = take(subject, { scheduledEventId: 5 })!
  const seen = transientEvents(subject.state, 100)

  subject.nowMs = 900
  subject.answer(held)

  expect(subject.history.slice(4, 6)).toEqual(seen)
})

test('an attempt that waits is not taken, nor one under an old id', () => {
  const subject = new Subject()
  subject.start()
  for (let attempt = 1; attempt <= 4; attempt++) {
    subject.poll()
    fail(subject)
  }
  expect(take(subject, { scheduledEventId: 5 })).toBeUndefined()

  subject.signal('wake')
  expect(take(subject, { scheduledEventId: 2 })).toBeUndefined()
  expect(take(subject, { scheduledEventId: 5 })).toMatchObject({ attempt: 1, scheduledEventId: 6, startedEventId: 7 })
})
