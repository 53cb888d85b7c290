import { expect, test } from 'vitest'
import { LoomError } from '../../src/base/errors.js'
import { OversizedCommandError } from '../../src/machine/errors.js'
import type { Command } from '../../src/protocol/command.js'
import { cancelTimer, COMPLETE, NO_PROGRESS, progressOf, schedule, Subject, timer } from './subject.js'

function started(): Subject {
  const subject = new Subject()
  subject.start()
  return subject
}

test('an answer is carried out whole, and the code has seen all up to its start', () => {
  const subject = started()

  subject.answer(subject.poll(), [timer('t1', 1)])

  expect(subject.types.slice(3)).toEqual(['WorkflowTaskCompleted', 'TimerStarted'])
  expect(subject.state).toMatchObject({ previousStartedEventId: 3, completedWorkflowTasks: 1 })
  expect(subject.state.workflowTaskProgress).toBeUndefined()
})

test('an answer is taken once', () => {
  const subject = started()
  const token = subject.poll()
  subject.answer(token)

  expect(() => subject.answer(token, [COMPLETE])).toThrow('Workflow task not found.')
})

test('an answer to a closed execution finds no task', () => {
  const subject = started()
  const token = subject.poll()
  subject.answer(token, [COMPLETE])

  expect(() => subject.answer(token)).toThrow(
    expect.objectContaining({ code: 'LOOM_NOT_FOUND', message: 'Workflow task not found.' }),
  )
})

test('a worker may have its next task at once, unless the execution has closed', () => {
  const subject = started()

  subject.answer(subject.poll(), [], true)
  expect(subject.types.slice(3)).toEqual(['WorkflowTaskCompleted', 'WorkflowTaskScheduled'])

  subject.answer(subject.poll(), [COMPLETE], true)
  subject.last('WorkflowExecutionCompleted')
})

test('a bad command takes back the good ones before it, and fails the task with its cause', () => {
  const subject = started()

  const error = subject.answer(subject.poll(), [timer('t1', 1), cancelTimer('nope')])

  expect(error).toMatch('BadCancelTimerAttributes')
  expect(subject.state.timers?.size ?? 0).toBe(0)
  expect(subject.last('WorkflowTaskFailed').attributes).toMatchObject({
    cause: 'BadCancelTimerAttributes',
    failure: { message: error },
    identity: 'worker',
  })
  expect(subject.state.workflowTaskProgress).toMatchObject({ attempt: 2, scheduledEventId: 5 })
})

test("a mistake of our own in an answer is nobody's bad command", () => {
  const subject = started()
  const token = subject.poll()
  const broken = { type: 'StartTimer', startToFireTimeoutMs: 1 } as const
  const command = Object.defineProperty(broken, 'timerId', {
    get: (): never => {
      throw new Error('ours')
    },
  })

  expect(() => subject.answer(token, [command as never])).toThrow('ours')
  expect(subject.answer(token)).toBeUndefined()
})

test('closing over what the code has not seen fails the task, and attempt 1 follows with it', () => {
  const subject = started()
  const token = subject.poll()
  subject.signal('s')

  expect(subject.answer(token, [timer('t1', 1), COMPLETE])).toBe('UnhandledCommand')

  expect(subject.types.slice(3)).toEqual(['WorkflowTaskFailed', 'WorkflowExecutionSignaled', 'WorkflowTaskScheduled'])
  expect(subject.state.workflowTask).toMatchObject({ attempt: 1 })
  expect(subject.answer(subject.poll(), [COMPLETE])).toBeUndefined()
})

const oversized = (commands: readonly Command[], at: number): OversizedCommandError =>
  new OversizedCommandError(commands[at]!, at, '5 bytes; at most 4 are allowed')

test('a command that is too big fails the task with its cause and terminates the execution', () => {
  const subject = started()
  const token = subject.poll()
  subject.signal('meanwhile')
  const commands = [timer('t1', 1), schedule('a1')]

  const message = subject.answer(token, commands, false, undefined, oversized(commands, 1))

  expect(message).toBe('BadScheduleActivityAttributes: 5 bytes; at most 4 are allowed')
  expect(subject.types.slice(3)).toEqual([
    'WorkflowTaskFailed',
    'WorkflowExecutionSignaled',
    'WorkflowExecutionTerminated',
  ])
  expect(subject.history[3]!.attributes).toMatchObject({
    cause: 'BadScheduleActivityAttributes',
    failure: { type: 'none', message },
    identity: 'worker',
  })
  expect(subject.last('WorkflowExecutionTerminated').attributes).toEqual({
    reason: message,
    details: undefined,
    identity: 'history-service',
  })
  expect(progressOf(subject.state)).toEqual(NO_PROGRESS)
})

test('what is wrong with a command before, or with the answer, goes first', () => {
  const subject = started()
  const commands = [cancelTimer('nope'), schedule('a1')]

  expect(subject.answer(subject.poll(), commands, false, undefined, oversized(commands, 1))).toMatch(
    'BadCancelTimerAttributes',
  )
  expect(subject.state.closed).toBeUndefined()

  const other = started()
  const token = other.poll()
  other.signal('meanwhile')
  expect(other.answer(token, [COMPLETE], false, undefined, oversized([COMPLETE], 0))).toBe('UnhandledCommand')
  expect(other.state.closed).toBeUndefined()
})

test('a later attempt whose answer is too big is left to its time-out', () => {
  const subject = started()
  subject.answer(subject.poll(), [cancelTimer('nope')])
  const token = subject.poll()
  const before = subject.history.length
  const commands = [schedule('a1')]

  expect(() => subject.answer(token, commands, false, undefined, oversized(commands, 0))).toThrow(
    'at most 4 are allowed',
  )

  expect(subject.history).toHaveLength(before)
  expect(subject.answer(token, [timer('t1', 1)])).toBeUndefined()
})

test('commands that are too much together terminate the execution, whatever they are', () => {
  const subject = started()
  const tooBig = new LoomError('LOOM_INVALID_ARGUMENT', 'all of it: too much')

  expect(subject.answer(subject.poll(), [cancelTimer('nope')], false, undefined, tooBig)).toBe('all of it: too much')

  expect(subject.types.slice(3)).toEqual(['WorkflowTaskFailed', 'WorkflowExecutionTerminated'])
  expect(subject.history[3]!.attributes).toMatchObject({ cause: 'ForceCloseCommand', identity: 'history-service' })
  expect(subject.last('WorkflowExecutionTerminated').attributes.reason).toBe('all of it: too much')
})
