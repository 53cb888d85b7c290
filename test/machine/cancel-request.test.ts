import { expect, test } from 'vitest'
import type { Command } from '../../src/protocol/command.js'
import { CANCEL, COMPLETE, NO_PROGRESS, progressOf, schedule, Subject } from './subject.js'

test('a request is recorded once and wakes the code; asking again does nothing', () => {
  const subject = new Subject()
  subject.start()
  subject.run()

  const first = subject.requestCancel('enough')
  const second = subject.requestCancel('more than enough')

  expect(subject.types.slice(4)).toEqual(['WorkflowExecutionCancelRequested', 'WorkflowTaskScheduled'])
  expect(subject.history[4]!.attributes).toEqual({ cause: 'enough', identity: 'client', requestId: 'cancel' })
  expect(first.tasks).toEqual([{ type: 'DispatchWorkflowTask', scheduledEventId: 6 }])
  expect([second.events, second.changes, second.tasks]).toEqual([[], [], []])
  expect(subject.state.cancelRequestedEventId).toBe(5)
})

test('a request that waits for the end of a held task counts as asked for', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()
  subject.signal('s')

  expect(subject.requestCancel('a').changes).toHaveLength(1)
  expect(subject.requestCancel('b').changes).toEqual([])
  subject.answer(token)

  expect(subject.types.slice(4)).toEqual([
    'WorkflowExecutionSignaled',
    'WorkflowExecutionCancelRequested',
    'WorkflowTaskScheduled',
  ])
})

test('a closed execution is as good as cancelled', () => {
  const subject = new Subject()
  subject.start()
  subject.run(COMPLETE)

  expect(subject.requestCancel().events).toEqual([])
})

test('a request for another chain finds nothing', () => {
  const subject = new Subject()
  subject.start()

  expect(() => subject.requestCancel('', 'run0')).toThrow(expect.objectContaining({ code: 'LOOM_NOT_FOUND' }))
  expect(subject.requestCancel('', 'run1').events).toHaveLength(1)
})

test('canceling closes the execution, asked for or not, and leaves no progress', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'))
  subject.take(5, 'host1')
  subject.signal('s')

  subject.run({ ...CANCEL, details: [] } as Command)

  expect(subject.last('WorkflowExecutionCanceled').attributes).toEqual({ details: [], workflowTaskCompletedEventId: 9 })
  expect(subject.state.status).toBe('Canceled')
  expect(progressOf(subject.state)).toEqual(NO_PROGRESS)
})

test('canceling has to wait for what the code has not seen', () => {
  const subject = new Subject()
  subject.start()
  const token = subject.poll()
  subject.requestCancel()

  expect(subject.answer(token, [CANCEL])).toBe('UnhandledCommand')
  expect(subject.answer(subject.poll(), [CANCEL])).toBeUndefined()
  expect(subject.state.status).toBe('Canceled')
})
