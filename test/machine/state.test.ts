import { expect, test } from 'vitest'
import { FewMap } from '../../src/base/few-map.js'
import { ExecutionState } from '../../src/machine/state.js'

test('a roll-back restores what was there, what was not, and what was replaced', () => {
  const state = new ExecutionState()
  state.timers = new FewMap()
  state.put(state.timers, 't1', { timerId: 't1', startedEventId: 5, fireAtMs: 10 })
  state.put(state.timers, 't0', { timerId: 't0', startedEventId: 4, fireAtMs: 10 })
  state.signalRequestIds = new Set(['r1'])

  state.mark()
  state.put(state.timers, 't1', { timerId: 't1', startedEventId: 7, fireAtMs: 20 })
  state.put(state.timers, 't2', { timerId: 't2', startedEventId: 8, fireAtMs: 20 })
  state.remove(state.timers, 't1')
  state.remove(state.timers, 't0')
  state.addTo(state.signalRequestIds, 'r1')
  state.addTo(state.signalRequestIds, 'r2')
  state.activities = new FewMap()
  state.nextEventId = 9
  state.status = 'Failed'
  state.rollBack()

  expect(new Map(state.timers)).toEqual(
    new Map([
      ['t1', { timerId: 't1', startedEventId: 5, fireAtMs: 10 }],
      ['t0', { timerId: 't0', startedEventId: 4, fireAtMs: 10 }],
    ]),
  )
  expect([...state.signalRequestIds]).toEqual(['r1'])
  expect(state.activities).toBeUndefined()
  expect(state).toMatchObject({ nextEventId: 1, status: 'Running' })
})

test('marks nest: the inner one is taken back alone, or with the outer one though it was settled', () => {
  const state = new ExecutionState()
  state.timers = new FewMap()
  const put = (timerId: string): void => state.put(state.timers!, timerId, { timerId, startedEventId: 1, fireAtMs: 1 })

  state.mark()
  put('outer')
  state.mark()
  put('inner')
  state.rollBack()
  expect([...state.timers.keys()]).toEqual(['outer'])
  state.mark()
  put('settled')
  state.settle()
  state.rollBack()

  expect(state.timers.size).toBe(0)
})

test('what was settled stays', () => {
  const state = new ExecutionState()

  state.mark()
  state.nextEventId = 2
  state.settle()
  state.rollBack()

  expect(state.nextEventId).toBe(2)
})

test('without a mark there is nothing to settle or to take back', () => {
  const state = new ExecutionState()
  state.nextEventId = 2

  state.settle()
  state.rollBack()
  state.remove(state.timers, 't1')

  expect(state.nextEventId).toBe(2)
})

test('only one execution at a time has a mark, since the log of changes is shared', () => {
  const state = new ExecutionState()
  state.mark()

  expect(() => new ExecutionState().mark()).toThrow('a turn of another execution is under way')

  state.settle()
  const other = new ExecutionState()
  other.mark()
  other.settle()
})
