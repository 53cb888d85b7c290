import { expect, test } from 'vitest'
import { startExecution } from '../../src/machine/lifecycle.js'
import { applyEvent, applyProgress, LiveTurn, rebuild, takeTurn } from '../../src/machine/machine.js'
import { signalExecution } from '../../src/machine/signal.js'
import { ExecutionState } from '../../src/machine/state.js'
import type { ProgressChange } from '../../src/machine/transition.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import { COMPLETE, recordedOf, schedule, STARTED, Subject, timer } from './subject.js'

const SIGNAL = { signalName: 's', input: undefined, identity: 'client', requestId: 'r1' }

test('a turn that throws leaves no trace in the state', () => {
  const state = new ExecutionState()
  takeTurn(state, 0, (turn) => startExecution(turn, STARTED))
  const before = structuredClone(recordedOf(state))

  const act = (): LiveTurn =>
    takeTurn(state, 5, (turn) => {
      signalExecution(turn, SIGNAL)
      throw new Error('no')
    })

  expect(act).toThrow('no')
  expect(recordedOf(state)).toEqual(before)
  expect(state.signalRequestIds).toBeUndefined()
})

test('the time of an event never steps back, though the clock does', () => {
  const subject = new Subject()
  subject.nowMs = 10_000
  subject.start()

  subject.nowMs = 4_000
  subject.signal('early')
  subject.nowMs = 10_001
  subject.signal('late')

  expect(subject.history.map((event) => event.eventTimeMs)).toEqual([10_000, 10_000, 10_000, 10_001])
})

test('an event is buffered with the time of the run, and keeps it when it is flushed', () => {
  const subject = new Subject()
  subject.nowMs = 1_000
  subject.start()
  const token = subject.poll()

  subject.nowMs = 500
  subject.signal('early')
  subject.nowMs = 2_000
  subject.signal('late')
  subject.nowMs = 3_000
  subject.answer(token)

  expect(subject.history.slice(3).map((event) => [event.eventType, event.eventTimeMs])).toEqual([
    ['WorkflowTaskCompleted', 3_000],
    ['WorkflowExecutionSignaled', 1_000],
    ['WorkflowExecutionSignaled', 2_000],
    ['WorkflowTaskScheduled', 3_000],
  ])
  expect(subject.state.lastEventTimeMs).toBe(3_000)
})

test('a turn may stay open over many verbs, and its owner takes out what it has gathered', () => {
  const state = new ExecutionState()
  const turn = new LiveTurn(state)
  turn.nowMs = 7

  startExecution(turn, STARTED)
  const staged = turn.events
  turn.events = []
  turn.tasks = []
  signalExecution(turn, SIGNAL)

  expect(staged.map((event) => event.eventId)).toEqual([1, 2])
  expect(turn.events.map((event) => event.eventId)).toEqual([3])
  expect(turn.tasks).toEqual([])
  expect(turn.eventTimeMs).toBe(7)
})

test('taking a turn back to a mark takes events, changes and tasks with it', () => {
  const subject = new Subject()
  subject.start()
  subject.poll()

  const kept = subject.turn((turn) => {
    signalExecution(turn, SIGNAL)
    const mark = turn.mark()
    signalExecution(turn, { ...SIGNAL, requestId: 'r2' })
    turn.append('TimerStarted', { timerId: 't', startToFireTimeoutMs: 1, workflowTaskCompletedEventId: 1 })
    turn.addTask({ type: 'DispatchWorkflowTask', scheduledEventId: 9 })
    turn.rollBack(mark)
  })

  expect(kept.events).toEqual([])
  expect(kept.changes).toHaveLength(1)
  expect(kept.tasks).toEqual([])
})

test('all events have one shape, in one order', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'), timer('t1', 60_000))
  subject.take(5)
  subject.completed(5)
  subject.run(COMPLETE)

  const shapes = new Set(subject.history.map((event) => Object.keys(event).join()))
  expect([...shapes]).toEqual(['eventId,eventType,eventTimeMs,version,attributes'])
})

test('a history rebuilds the state in which the execution closed', () => {
  const subject = new Subject()
  subject.start()
  subject.run(schedule('a1'), timer('t1', 60_000))
  subject.take(5)
  subject.completed(5)
  subject.run(COMPLETE)

  const state = rebuild(subject.history)

  expect(state).toMatchObject({ status: 'Completed', nextEventId: 13, completedWorkflowTasks: 2 })
  expect(state.closed?.eventId).toBe(12)
  // What was pending at close, as history says.
  expect([...state.timers!.keys()]).toEqual(['t1'])
})

test('an event or a change of a kind that nobody knows is our own mistake', () => {
  const event = { eventId: 1, eventType: 'Unheard', eventTimeMs: 0, version: 0, attributes: {} }
  const change = { type: 'unheard' }

  expect(() => applyEvent(new ExecutionState(), event as unknown as HistoryEvent)).toThrow('unreachable')
  expect(() => applyProgress(new ExecutionState(), change as unknown as ProgressChange)).toThrow('unreachable')
})

test('the workflow task is taken out of a turn once', () => {
  const state = new ExecutionState()
  const turn = takeTurn(state, 0, (one) => startExecution(one, STARTED))

  expect(turn.takeWorkflowTask()).toMatchObject({ type: 'DispatchWorkflowTask' })
  expect(turn.takeWorkflowTask()).toBeUndefined()
})

test('a turn that was staged is cleared, and its arrays belong to whoever has them', () => {
  const state = new ExecutionState()
  const turn = takeTurn(state, 0, (one) => startExecution(one, STARTED))
  const { events } = turn

  turn.clear()

  expect([turn.events, turn.changes, turn.tasks]).toEqual([[], [], []])
  expect(events).toHaveLength(2)
})
