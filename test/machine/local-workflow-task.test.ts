import { expect, test } from 'vitest'
import { startExecution } from '../../src/machine/lifecycle.js'
import { completeLocalWorkflowTask, retryStalledWorkflowTask } from '../../src/machine/local-workflow-task.js'
import { LiveTurn } from '../../src/machine/machine.js'
import { signalExecution } from '../../src/machine/signal.js'
import { ExecutionState } from '../../src/machine/state.js'
import { failWorkflowTask, pendingWorkflowTask } from '../../src/machine/workflow-task.js'
import { cancelTimer, COMPLETE, progressOf, recordedOf, schedule, STARTED, Subject, timer } from './subject.js'

const RUN = { beginTimeMs: 3, identity: 'host', sdk: 'sdk', historySizeBytes: 100 }
const SIGNAL = { signalName: 's', input: undefined, identity: 'client', requestId: '' }

function started(): Subject {
  const subject = new Subject()
  subject.start()
  return subject
}

function retry(subject: Subject): boolean {
  let isRetried = false
  subject.turn((turn) => {
    isRetried = retryStalledWorkflowTask(turn)
  })
  return isRetried
}

test('a task that stays open records what happens behind Scheduled, and is whole at its end', () => {
  const turn = new LiveTurn(new ExecutionState())
  turn.nowMs = 3
  startExecution(turn, STARTED)
  signalExecution(turn, SIGNAL)
  turn.nowMs = 5
  signalExecution(turn, SIGNAL)

  const first = completeLocalWorkflowTask(turn, { ...RUN, commands: [schedule('a1'), timer('t1', 1)] })

  expect(turn.events.map((event) => event.eventType)).toEqual([
    'WorkflowExecutionStarted',
    'WorkflowTaskScheduled',
    'WorkflowExecutionSignaled',
    'WorkflowExecutionSignaled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'ActivityTaskScheduled',
    'TimerStarted',
  ])
  expect(first).toBe(6)
  expect(turn.events[4]!.attributes).toEqual({
    scheduledEventId: 2,
    identity: 'host',
    requestId: '',
    beginTimeMs: 3,
    historySizeBytes: 100,
  })
  expect(turn.events[5]!.attributes).toEqual({ scheduledEventId: 2, startedEventId: 5, identity: 'host', sdk: 'sdk' })
  expect(turn.changes).toEqual([])
})

test("the first command's event is found in what the turn holds, though its owner took out what was before", () => {
  const turn = new LiveTurn(new ExecutionState())
  startExecution(turn, STARTED)
  turn.events = []

  const first = completeLocalWorkflowTask(turn, { ...RUN, commands: [timer('t1', 1)] })

  expect(turn.events[first]!.eventType).toBe('TimerStarted')
  expect(first).toBe(2)
})

test('a bad command throws, and nothing of the answer is left in the turn', () => {
  const turn = new LiveTurn(new ExecutionState())
  startExecution(turn, STARTED)
  signalExecution(turn, { ...SIGNAL, requestId: 'r1' })
  const before = structuredClone({ ...recordedOf(turn.state), ...progressOf(turn.state) })
  const complete = (): number =>
    completeLocalWorkflowTask(turn, { ...RUN, commands: [schedule('a1'), timer('t1', 1), cancelTimer('nope')] })

  expect(complete).toThrow(expect.objectContaining({ failedCause: 'BadCancelTimerAttributes' }))

  expect({ ...recordedOf(turn.state), ...progressOf(turn.state) }).toEqual(before)
  expect(turn.events).toHaveLength(3)
  expect(turn.tasks).toHaveLength(1)
  expect(completeLocalWorkflowTask(turn, { ...RUN, commands: [COMPLETE] })).toBe(5)
})

test('a task that is not pending, is held or belongs to a closed execution is not there to be completed', () => {
  const subject = started()
  subject.poll()
  expect(() => subject.run()).toThrow("not the local worker's")
  subject.answer(subject.state.workflowTaskProgress!)
  expect(() => subject.run()).toThrow('no workflow task is pending')

  const closed = started()
  closed.signal('wake')
  closed.run(COMPLETE)
  expect(() => closed.run()).toThrow('no workflow task is pending')
})

test('code that cannot go on is recorded once, and no task is made for it whatever happens', () => {
  const subject = started()

  subject.stall('boom')
  const signaled = subject.signal('wake')

  expect(subject.types.slice(2)).toEqual(['WorkflowTaskStarted', 'WorkflowTaskFailed', 'WorkflowExecutionSignaled'])
  expect(subject.history[3]!.attributes).toMatchObject({
    cause: 'WorkflowWorkerUnhandledFailure',
    failure: { message: 'boom' },
    identity: 'host',
  })
  expect(signaled.tasks).toEqual([])
  expect(subject.state.stall).toMatchObject({ message: 'boom' })
  expect(subject.state.workflowTaskProgress).toMatchObject({ isBackingOff: true, dueAtMs: 600_000, attempt: 2 })
})

test('it is tried again once at a time, and each further failure leaves no event', () => {
  const subject = started()
  subject.stall('boom')
  const count = subject.history.length

  for (let attempt = 2; attempt < 5; attempt++) {
    expect(retry(subject)).toBe(true)
    expect(subject.lastTurn!.tasks).toEqual([{ type: 'DispatchWorkflowTask', scheduledEventId: 5 }])
    expect(retry(subject)).toBe(false)
    expect(pendingWorkflowTask(subject.state)).toMatchObject({ attempt })
    subject.stall(`boom ${attempt}`)
    expect(subject.state.stall).toMatchObject({ message: `boom ${attempt}` })
  }

  expect(subject.history).toHaveLength(count)
})

test('the try that succeeds is written down whole, and the stall is over', () => {
  const subject = started()
  subject.stall('boom')
  retry(subject)

  subject.run(timer('t1', 1))

  expect(subject.types.slice(4)).toEqual([
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'TimerStarted',
  ])
  expect(subject.history[4]!.attributes).toMatchObject({ attempt: 2 })
  expect(subject.state).toMatchObject({ stall: undefined, workflowTaskProgress: undefined })
  expect(retry(subject)).toBe(false)
})

test('a try that succeeds after something new has happened is written down as a new task, behind it', () => {
  const subject = started()
  subject.stall('boom')
  subject.signal('wake')
  retry(subject)

  expect(subject.run(COMPLETE)).toEqual(['WorkflowExecutionCompleted'])

  expect(subject.types.slice(4)).toEqual([
    'WorkflowExecutionSignaled',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'WorkflowExecutionCompleted',
  ])
  expect(subject.history[5]!.attributes).toMatchObject({ attempt: 1 })
})

test('a task that other workers failed stalls here without an event, unless something has happened since', () => {
  const failedOnce = (): Subject => {
    const subject = started()
    const token = subject.poll()
    const cause = 'WorkflowWorkerUnhandledFailure'
    subject.turn((turn) => failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' }))
    return subject
  }
  const silent = failedOnce()
  silent.stall('boom')
  expect(silent.types.slice(3)).toEqual(['WorkflowTaskFailed'])
  expect(silent.state.workflowTaskProgress).toMatchObject({ attempt: 3, isBackingOff: true })

  const news = failedOnce()
  news.signal('wake')
  news.stall('boom')
  expect(news.types.slice(5)).toEqual(['WorkflowTaskScheduled', 'WorkflowTaskStarted', 'WorkflowTaskFailed'])
  expect(news.state.workflowTaskProgress).toMatchObject({ attempt: 2, isBackingOff: true })
})

test('a task that waits because other workers failed it is not a stalled one', () => {
  const subject = started()
  for (let attempt = 1; attempt <= 4; attempt++) {
    const token = subject.poll()
    const cause = 'WorkflowWorkerUnhandledFailure'
    subject.turn((turn) => failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' }))
  }
  expect(subject.state.workflowTaskProgress!.isBackingOff).toBe(true)

  expect(retry(subject)).toBe(false)
})

test('a stalled task that another worker takes is stalled no more', () => {
  const subject = started()
  subject.stall('boom')
  retry(subject)

  const token = subject.poll()
  expect(subject.state.stall).toBeUndefined()
  subject.answer(token)

  expect(subject.signal('wake').tasks).toHaveLength(1)
})
