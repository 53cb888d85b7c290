import { expect, test } from 'vitest'
import { terminateExecution } from '../../src/machine/lifecycle.js'
import { pendingWorkflowTask } from '../../src/machine/workflow-task.js'
import type { Command } from '../../src/protocol/command.js'
import type { Failure } from '../../src/protocol/failure.js'
import { COMPLETE, NO_PROGRESS, progressOf, schedule, Subject, timer } from './subject.js'

const END = { reason: 'enough', details: undefined, identity: 'client' }
test('a start records Started and the first workflow task', () => {
  const subject = new Subject()

  const turn = subject.start()

  expect(subject.types).toEqual(['WorkflowExecutionStarted', 'WorkflowTaskScheduled'])
  expect(turn.tasks).toEqual([{ type: 'DispatchWorkflowTask', scheduledEventId: 2 }])
})

test.each([
  { asked: 0, run: 0, held: 10_000 },
  { asked: 50_000, run: 0, held: 50_000 },
  { asked: 300_000, run: 0, held: 120_000 },
  { asked: 50_000, run: 5_000, held: 5_000 },
  { asked: 0, run: 300_000, held: 10_000 },
])('a task time-out of $asked ms in a run of $run ms becomes $held ms', ({ asked, run, held }) => {
  const subject = new Subject()

  subject.start({ workflowTaskTimeoutMs: asked, workflowRunTimeoutMs: run })

  expect(subject.state.started!.attributes.workflowTaskTimeoutMs).toBe(held)
  expect(subject.state.workflowTask!.startToCloseTimeoutMs).toBe(held)
})

test('terminating clears all progress and tells the attempts that run in process to stop', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'), schedule('a2'), schedule('a3'), timer('t1', 60_000))
  subject.take(5, 'host1')
  subject.take(6)
  subject.signal('wake')
  subject.stall('boom')

  const turn = subject.turn((turn) => terminateExecution(turn, END))

  expect(subject.last('WorkflowExecutionTerminated').attributes).toEqual(END)
  expect(progressOf(subject.state)).toEqual(NO_PROGRESS)
  expect(turn.tasks).toEqual([{ type: 'CancelActivityTask', scheduledEventId: 5, attempt: 1, reason: 'closed' }])
  expect(subject.state.activities!.size).toBe(3)
})

test('terminating leaves a workflow task that nobody has taken as it is', () => {
  const subject = new Subject()
  subject.start()

  subject.turn((turn) => terminateExecution(turn, END))

  expect(subject.types.slice(1)).toEqual(['WorkflowTaskScheduled', 'WorkflowExecutionTerminated'])
  expect(pendingWorkflowTask(subject.state)).toBeUndefined()
})

test('a task that is held is failed before the execution is terminated, and by whom is said', () => {
  const subject = new Subject()
  subject.start()
  subject.poll()

  subject.turn((turn) => terminateExecution(turn, END))

  expect(subject.types.slice(2)).toEqual(['WorkflowTaskStarted', 'WorkflowTaskFailed', 'WorkflowExecutionTerminated'])
  expect(subject.history[3]!.attributes).toMatchObject({ cause: 'ForceCloseCommand', identity: 'client' })
  expect(progressOf(subject.state)).toEqual(NO_PROGRESS)
})

test('what is closed cannot be terminated', () => {
  const subject = new Subject()
  subject.start()
  subject.run(COMPLETE)

  expect(() => subject.turn((turn) => terminateExecution(turn, END))).toThrow(
    expect.objectContaining({ code: 'LOOM_EXECUTION_CLOSED', message: 'workflow execution already completed' }),
  )
})

test('a failed execution says with what, and that nothing is tried again', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'))
  subject.take(5)
  subject.signal('wake')
  const failure: Failure = { type: 'application', message: 'boom' }

  subject.run({ type: 'FailWorkflowExecution', failure })

  const { attributes } = subject.last('WorkflowExecutionFailed')
  expect(attributes).toEqual({ failure, retryState: 'RetryPolicyNotSet', workflowTaskCompletedEventId: 9 })
  expect(subject.state.status).toBe('Failed')
  expect(progressOf(subject.state)).toEqual(NO_PROGRESS)
})

test('failing without a failure is a bad command', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()

  const error = subject.answer(token, [{ type: 'FailWorkflowExecution' } as Command])

  expect(error).toBe('BadFailWorkflowExecutionAttributes: Failure is not set on FailWorkflowExecutionCommand.')
})

test('failing has to wait for what the code has not seen, as completing has', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()
  subject.signal('s')

  const failure: Failure = { type: 'application', message: 'boom' }
  expect(subject.answer(token, [{ type: 'FailWorkflowExecution', failure }])).toBe('UnhandledCommand')
})
