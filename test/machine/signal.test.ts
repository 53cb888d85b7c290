import { expect, test } from 'vitest'
import { startExecution } from '../../src/machine/lifecycle.js'
import { signalExecution } from '../../src/machine/signal.js'
import { fireTimer } from '../../src/machine/timer.js'
import { COMPLETE, RULES, STARTED, Subject, timer } from './subject.js'

test('a signal wakes the code once, however many come', () => {
  const subject = new Subject()
  subject.start()
  subject.run()

  const first = subject.signal('a')
  const second = subject.signal('b')

  expect(first.tasks).toEqual([{ type: 'DispatchWorkflowTask', scheduledEventId: 6 }])
  expect(second.tasks).toEqual([])
  expect(subject.types.slice(4)).toEqual([
    'WorkflowExecutionSignaled',
    'WorkflowTaskScheduled',
    'WorkflowExecutionSignaled',
  ])
})

test('a signal with a known request id does nothing, be the first recorded or still buffered', () => {
  const subject = new Subject()
  subject.start()
  subject.signal('a', 'r1')
  const token = subject.poll()
  subject.signal('b', 'r2')
  subject.signal('c')

  expect(subject.signal('a', 'r1').changes).toEqual([])
  expect(subject.signal('b', 'r2').changes).toEqual([])
  expect(subject.signal('d', 'r3').changes).toHaveLength(1)
  subject.answer(token)

  expect([...subject.state.signalRequestIds!]).toEqual(['r1', 'r2', 'r3'])
})

test('a request id is looked for among signals only', () => {
  const subject = new Subject()
  subject.start()
  subject.run(timer('t1', 0))
  subject.signal('wake')
  subject.poll()
  subject.turn((turn) => fireTimer(turn, { timerId: 't1', startedEventId: 5 }))

  expect(subject.signal('b', 'r2').changes).toHaveLength(1)
})

test('who signals is told whether it was new', () => {
  const subject = new Subject()
  subject.start()
  const answers: boolean[] = []
  const signal = { signalName: 's', input: undefined, identity: 'client', requestId: 'r1' }

  subject.turn((turn) => {
    answers.push(signalExecution(turn, signal), signalExecution(turn, signal))
  })

  expect(answers).toEqual([true, false])
})

test('signals without a request id are all different', () => {
  const subject = new Subject()
  subject.start()

  subject.signal('a')
  subject.signal('a')

  expect(subject.types.slice(2)).toEqual(['WorkflowExecutionSignaled', 'WorkflowExecutionSignaled'])
  expect(subject.state.signalRequestIds).toBeUndefined()
})

test('a closed execution takes no signal', () => {
  const subject = new Subject()
  subject.start()
  subject.run(COMPLETE)

  expect(() => subject.signal('late')).toThrow(expect.objectContaining({ code: 'LOOM_EXECUTION_CLOSED' }))
})

test('an execution may begin with a signal, before its first workflow task is scheduled', () => {
  const subject = new Subject()
  const signal = { signalName: 's', input: undefined, identity: 'client', requestId: 'start' }

  subject.turn((turn) => startExecution(turn, STARTED, signal))

  expect(subject.types).toEqual(['WorkflowExecutionStarted', 'WorkflowExecutionSignaled', 'WorkflowTaskScheduled'])
  expect(subject.signal('s', 'start').events).toEqual([])
})

test('a run takes so many signals and no more, be they recorded or buffered', () => {
  const subject = new Subject()
  subject.rules = { ...RULES, maxSignalsPerExecution: 3 }
  const tooMany = expect.objectContaining({ code: 'LOOM_LIMIT_EXCEEDED', retryable: false }) as Error
  subject.start()
  subject.signal('a', 'r1')
  const token = subject.poll()
  subject.requestCancel()
  subject.signal('b')
  subject.signal('c')

  expect(() => subject.signal('d')).toThrow(tooMany)
  expect(subject.signal('a', 'r1').changes).toEqual([])
  subject.answer(token)
  expect(subject.state.signalCount).toBe(3)
  expect(() => subject.signal('d')).toThrow(tooMany)
})
