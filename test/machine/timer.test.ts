import { expect, test } from 'vitest'
import { MAX_DURATION_MS } from '../../src/base/duration.js'
import type { LiveTurn } from '../../src/machine/machine.js'
import { fireTimer, fireTimers } from '../../src/machine/timer.js'
import type { Command } from '../../src/protocol/command.js'
import { cancelTimer, COMPLETE, Subject, timer } from './subject.js'

/** An execution that has run those commands; the first one's event is 5. */
function running(...commands: Command[]): Subject {
  const subject = new Subject()
  subject.start()
  subject.run(...commands)
  return subject
}

function fire(subject: Subject, timerId: string, startedEventId: number): boolean {
  let fired = false
  subject.turn((turn) => {
    fired = fireTimer(turn, { timerId, startedEventId })
  })
  return fired
}

function refusal(command: Command): string | undefined {
  const subject = new Subject()
  subject.start()
  return subject.answer(subject.poll(), [command])
}

test('a timer is due by the time of its event, and gone when it has fired', () => {
  const subject = running(timer('t1', 5_000))
  expect(subject.state.timers!.get('t1')).toEqual({ timerId: 't1', startedEventId: 5, fireAtMs: 5_000 })

  subject.nowMs = 5_000
  expect(fire(subject, 't1', 5)).toBe(true)

  expect(subject.types.slice(5)).toEqual(['TimerFired', 'WorkflowTaskScheduled'])
  expect(subject.state.timers!.size).toBe(0)
})

test('a due task of a timer that fired, was canceled or belongs to a closed execution does nothing', () => {
  const subject = running(timer('t1', 1), timer('t2', 1), cancelTimer('t2'), timer('t2', 1), timer('t3', 1))

  expect(fire(subject, 't1', 5)).toBe(true)
  expect(fire(subject, 't1', 5)).toBe(false)
  expect(fire(subject, 't2', 6)).toBe(false)
  expect(fire(subject, 'unknown', 6)).toBe(false)
  subject.run(COMPLETE)
  expect(fire(subject, 't3', 9)).toBe(false)
})

test('a firing that waits is not fired again', () => {
  const subject = running(timer('t1', 1))
  subject.signal('wake')
  subject.poll()

  expect(fire(subject, 't1', 5)).toBe(true)
  expect(fire(subject, 't1', 5)).toBe(false)
  expect(subject.state.buffered).toHaveLength(1)
})

test('timers of one instant fire in the order given, before the one task that they cause', () => {
  const subject = running(timer('t2', 1), timer('t1', 1), timer('t3', 1))
  const due = [...subject.state.timers!.values()]
  let count = 0
  const act = (turn: LiveTurn): void => {
    count = fireTimers(turn, [...due, { timerId: 'gone', startedEventId: 1 }])
  }

  subject.turn(act)
  expect(count).toBe(3)
  expect(subject.types.slice(7)).toEqual(['TimerFired', 'TimerFired', 'TimerFired', 'WorkflowTaskScheduled'])

  subject.turn(act)
  expect(count).toBe(0)
  expect(subject.lastTurn!.events).toEqual([])
})

test('when nothing of what is due fires, the code is not woken', () => {
  const subject = running(timer('t1', 1))

  subject.turn((turn) => fireTimers(turn, [{ timerId: 'gone', startedEventId: 1 }]))

  subject.last('TimerStarted')
})

test('of several firings that wait, the one of the canceled timer is taken back', () => {
  const subject = running(timer('t1', 1), timer('t2', 1))
  subject.signal('wake')
  const token = subject.poll()
  fire(subject, 't1', 5)
  fire(subject, 't2', 6)

  subject.answer(token, [cancelTimer('t2')])

  const ends = subject.history.filter(({ eventType }) => eventType === 'TimerCanceled' || eventType === 'TimerFired')
  expect(ends.map((event) => [event.eventType, event.attributes])).toMatchObject([
    ['TimerCanceled', { timerId: 't2', startedEventId: 6 }],
    ['TimerFired', { timerId: 't1', startedEventId: 5 }],
  ])
})

test('a timer may last a hundred years', () => {
  const subject = running(timer('t1', MAX_DURATION_MS))

  expect(subject.last('TimerStarted').attributes.startToFireTimeoutMs).toBe(MAX_DURATION_MS)
})

test('a timer lasts whole ms, rounded up', () => {
  const subject = running(timer('t1', 0.4))

  expect(subject.last('TimerStarted').attributes.startToFireTimeoutMs).toBe(1)
})

test.each([
  [timer('', 5), 'TimerId is not set on StartTimerCommand.'],
  [timer('t', -5), 'An invalid StartToFireTimeout is set on StartTimerCommand: negative duration. TimerId=t'],
  [timer('t', Number.NaN), /not between 0 and 3153600000000 ms/],
  [timer('t', Number.POSITIVE_INFINITY), /not between 0 and 3153600000000 ms/],
])('%o is a bad command', (command, detail) => {
  const error = refusal(command)

  expect(error).toMatch(/^BadStartTimerAttributes: /)
  expect(error).toMatch(detail)
})

test('canceling a timer that is not running is a bad command', () => {
  expect(refusal(cancelTimer('t1'))).toMatch('BadCancelTimerAttributes: invalid history builder state')
})

test('who canceled a timer is recorded', () => {
  const subject = running(timer('t1', 5), cancelTimer('t1'))

  expect(subject.last('TimerCanceled').attributes).toEqual({
    timerId: 't1',
    startedEventId: 5,
    workflowTaskCompletedEventId: 4,
    identity: 'host',
  })
})
