import { expect, test } from 'vitest'
import { carryOutCommands } from '../../src/machine/commands.js'
import type { Command } from '../../src/protocol/command.js'
import { cancel, cancelTimer, COMPLETE, schedule, Subject, timer } from './subject.js'

test('each command becomes one event, in the order of the commands', () => {
  const subject = new Subject()
  subject.start()

  const types = subject.run(schedule('a1'), cancel(5), timer('t1', 1), cancelTimer('t1'), schedule('a2'))

  expect(types).toEqual([
    'ActivityTaskScheduled',
    'ActivityTaskCancelRequested',
    'TimerStarted',
    'TimerCanceled',
    'ActivityTaskScheduled',
  ])
  expect(subject.types.slice(9)).toEqual(['ActivityTaskCanceled', 'WorkflowTaskScheduled'])
})

test('commands that leave nothing to see make no task', () => {
  const subject = new Subject()
  subject.start()

  subject.run(schedule('a1'), timer('t1', 1))

  expect(subject.state.workflowTask).toBeUndefined()
})

test('a command behind the closing one is refused, and the task is not failed', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()

  expect(() => subject.answer(token, [COMPLETE, COMPLETE])).toThrow(
    expect.objectContaining({
      code: 'LOOM_INVALID_ARGUMENT',
      message:
        'invalid command sequence: [CompleteWorkflowExecution, CompleteWorkflowExecution], ' +
        'command CompleteWorkflowExecution must be the last command.',
    }),
  )
  expect(subject.answer(token, [COMPLETE])).toBeUndefined()
})

test('failing is closing, too', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()
  const fail: Command = { type: 'FailWorkflowExecution', failure: { type: 'application', message: 'boom' } }

  expect(() => subject.answer(token, [fail, timer('t1', 1)])).toThrow('invalid command sequence')
})

test.each(['Unspecified', 'toString'])('a command of type %s is refused', (type) => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()

  expect(() => subject.answer(token, [{ type } as unknown as Command])).toThrow(
    expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT', message: `unknown command type: ${type}` }),
  )
})

test('an unknown command that was not refused before is our own mistake', () => {
  const subject = new Subject()
  subject.start()
  const command = { type: 'Unspecified' } as unknown as Command

  expect(() => subject.turn((turn) => carryOutCommands(turn, [command], 4, ''))).toThrow('unreachable')
})
