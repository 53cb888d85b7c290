import { expect, test } from 'vitest'
import type { LiveTurn } from '../../src/machine/machine.js'
import {
  failWorkflowTask,
  pendingWorkflowTask,
  scheduleWorkflowTask,
  timeoutWorkflowTask,
  workflowTaskBackoffOver,
  type WorkflowTaskId,
  workflowTaskTimeoutMs,
} from '../../src/machine/workflow-task.js'
import type { WorkflowTaskFailedCause } from '../../src/protocol/event.js'
import { COMPLETE, Subject } from './subject.js'

function started(): Subject {
  const subject = new Subject()
  subject.start()
  return subject
}

function fail(subject: Subject, token: WorkflowTaskId): LiveTurn {
  const cause: WorkflowTaskFailedCause = 'WorkflowWorkerUnhandledFailure'
  return subject.turn((turn) => failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' }))
}

function timeOut(subject: Subject, id: WorkflowTaskId): boolean {
  let timedOut = false
  subject.turn((turn) => {
    timedOut = timeoutWorkflowTask(turn, id)
  })
  return timedOut
}

function waitIsOver(subject: Subject, scheduledEventId: number, attempt: number): boolean {
  let isOver = false
  subject.turn((turn) => {
    isOver = workflowTaskBackoffOver(turn, { scheduledEventId, attempt })
  })
  return isOver
}

/** The worker has failed so often; nobody has taken the attempt after. */
function failedTimes(count: number): Subject {
  const subject = started()
  for (let attempt = 1; attempt <= count; attempt++) fail(subject, subject.poll())
  return subject
}

test('a task is pending once: scheduling it again does nothing', () => {
  const subject = started()
  const again = (): LiveTurn => subject.turn(scheduleWorkflowTask)

  expect(again().events).toEqual([])
  const token = subject.poll()
  expect(again().events).toEqual([])
  fail(subject, token)
  expect(again()).toMatchObject({ events: [], tasks: [] })
})

test('attempts 2 to 4 follow at once, later ones wait 10 s, doubled up to 10 minutes', () => {
  const waits: number[] = []
  const subject = started()
  for (let attempt = 1; attempt <= 13; attempt++) {
    fail(subject, subject.poll())
    const { dueAtMs, isBackingOff, scheduledEventId } = subject.state.workflowTaskProgress!
    waits.push(isBackingOff ? dueAtMs - subject.nowMs : 0)
    subject.nowMs = Math.max(subject.nowMs, dueAtMs)
    expect(waitIsOver(subject, scheduledEventId, attempt + 1)).toBe(isBackingOff)
  }

  expect(waits.map((ms) => ms / 1_000)).toEqual([0, 0, 0, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600])
  expect(subject.types.filter((type) => type === 'WorkflowTaskFailed')).toHaveLength(1)
})

test('later attempts may take longer', () => {
  const { state } = started()

  const seconds = [1, 3, 4, 5, 6, 10, 11, 12, 100].map((attempt) => workflowTaskTimeoutMs(state, attempt) / 1_000)

  expect(seconds).toEqual([10, 10, 15, 20, 30, 330, 610, 610, 610])
})

test('what is scheduled, by history or beside it, has not been started', () => {
  const subject = started()
  expect(subject.state.workflowTask).toEqual({
    taskQueue: 'tq',
    normalTaskQueue: undefined,
    scheduledEventId: 2,
    scheduledAtMs: 0,
    startedEventId: 0,
    startedAtMs: 0,
    attempt: 1,
    startToCloseTimeoutMs: 10_000,
  })

  fail(subject, subject.poll())
  expect(subject.state.workflowTaskProgress).toEqual({
    attempt: 2,
    scheduledEventId: 5,
    scheduledAtMs: 0,
    startedEventId: 0,
    startedAtMs: 0,
    identity: '',
    requestId: '',
    stamp: 0,
    dueAtMs: 0,
    isBackingOff: false,
  })
})

test('what happens during a wait ends it, since the code may now go on', () => {
  const subject = failedTimes(4)
  expect(subject.state.workflowTaskProgress!.isBackingOff).toBe(true)

  const turn = subject.signal('wake')

  expect(turn.tasks).toEqual([{ type: 'DispatchWorkflowTask', scheduledEventId: 5 }])
  expect(subject.state.workflowTaskProgress).toMatchObject({ isBackingOff: false, dueAtMs: 0 })
  subject.poll()
  expect(subject.state.workflowTask).toMatchObject({ scheduledEventId: 6, attempt: 1 })
})

test('the end of a wait means nothing to another attempt, or without a wait', () => {
  const subject = failedTimes(4)
  expect(waitIsOver(subject, 5, 4)).toBe(false)
  expect(waitIsOver(subject, 6, 5)).toBe(false)
  expect(waitIsOver(subject, 5, 5)).toBe(true)
  expect(waitIsOver(subject, 5, 5)).toBe(false)
  expect(waitIsOver(started(), 2, 1)).toBe(false)
})

test('a time-out fails only the attempt that is held; the first of a series is recorded', () => {
  const subject = started()
  expect(timeOut(subject, { scheduledEventId: 2, startedEventId: 0, attempt: 1, stamp: 0 })).toBe(false)
  const first = subject.poll()
  expect(timeOut(subject, { ...first, attempt: 2 })).toBe(false)
  expect(timeOut(subject, { ...first, startedEventId: 9 })).toBe(false)
  expect(timeOut(subject, { ...first, scheduledEventId: 9 })).toBe(false)

  expect(timeOut(subject, first)).toBe(true)
  expect(subject.last('WorkflowTaskTimedOut').attributes).toEqual({
    scheduledEventId: 2,
    startedEventId: 3,
    timeoutType: 'StartToClose',
  })
  expect(timeOut(subject, first)).toBe(false)
  timeOut(subject, subject.poll())
  subject.last('WorkflowTaskTimedOut')
  expect(pendingWorkflowTask(subject.state)).toMatchObject({ state: 'Scheduled', attempt: 3 })
})

test('a time-out flushes what waited, and attempt 1 follows', () => {
  const subject = started()
  const token = subject.poll()
  subject.signal('s')

  timeOut(subject, token)

  expect(subject.types.slice(3)).toEqual(['WorkflowTaskTimedOut', 'WorkflowExecutionSignaled', 'WorkflowTaskScheduled'])
  expect(subject.state.workflowTask!.attempt).toBe(1)
})

test('only who holds the task may fail it', () => {
  const subject = started()
  const token = subject.poll()
  const refused = (other: WorkflowTaskId, message = 'Workflow task not found.'): void =>
    expect(() => fail(subject, other)).toThrow(expect.objectContaining({ code: 'LOOM_NOT_FOUND', message }))

  refused({ ...token, scheduledEventId: 9 })
  refused({ ...token, startedEventId: 9 })
  refused({ ...token, attempt: 2 })
  refused({ ...token, stamp: 1 })
  fail(subject, token)
  refused(token)
  refused({ ...token, startedEventId: 0 })
  subject.answer(subject.poll(), [COMPLETE])
  refused(token, 'workflow execution already completed')
})

test('what is pending is told with its attempt', () => {
  const subject = started()
  expect(pendingWorkflowTask(subject.state)).toEqual({ state: 'Scheduled', attempt: 1, scheduledAtMs: 0 })

  subject.nowMs = 50
  const token = subject.poll()
  expect(pendingWorkflowTask(subject.state)).toEqual({ state: 'Started', attempt: 1, scheduledAtMs: 0 })

  fail(subject, token)
  expect(pendingWorkflowTask(subject.state)).toEqual({ state: 'Scheduled', attempt: 2, scheduledAtMs: 50 })

  subject.answer(subject.poll())
  expect(pendingWorkflowTask(subject.state)).toBeUndefined()
})
