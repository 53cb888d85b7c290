import { expect, test } from 'vitest'
import { errorOf, failureOf } from '../../src/workflow/failure-codec.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isFailure,
  RetryAfter,
  TerminatedFailure,
  TimeoutFailure,
} from '../../src/workflow/failures.js'

const ids = {
  activityId: '7',
  activityType: 'charge',
  retryState: 'Timeout',
  scheduledEventId: 5,
  startedEventId: 6,
} as const

const FAILURES = {
  application: new ApplicationFailure('declined', {
    type: 'Declined',
    details: [{ limit: 5 }, undefined, 'x'],
    nonRetryable: true,
    nextRetryDelay: '2 s',
    cause: new ApplicationFailure('inner'),
  }),
  activity: new ActivityFailure('failed', { ...ids, cause: new TimeoutFailure('late', 'Heartbeat', [3]) }),
  timeout: new TimeoutFailure('late', 'ScheduleToClose'),
  canceled: new CancelledFailure('stop', ['why']),
  terminated: new TerminatedFailure('killed'),
}

test.each(Object.entries(FAILURES))('a failure comes back as it was, causes included: %s', (kind, error) => {
  const back = errorOf(failureOf(error))

  expect(back.kind).toBe(kind)
  expect(back).toBeInstanceOf(error.constructor)
  expect(isFailure(back)).toBe(true)
  expect(fields(back)).toEqual(fields(error))
  expect(back.stack).toBe(error.stack)
  expect(failureOf(back)).toEqual(failureOf(error))
})

test('a foreign error becomes an application failure with its name, stack and causes', () => {
  const error = new RangeError('too far', { cause: new TypeError('inner', { cause: 'a text' }) })

  const failure = failureOf(error)

  expect(failure).toMatchObject({ type: 'application', applicationType: 'RangeError', message: 'too far' })
  expect(failure.stackTrace).toBe(error.stack)
  expect(failure.cause).toMatchObject({
    applicationType: 'TypeError',
    cause: { type: 'application', message: 'a text' },
  })
  expect(errorOf(failure)).toMatchObject({ name: 'ApplicationFailure', type: 'RangeError', message: 'too far' })
})

test.each([
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [{ a: 1 }, '[object Object]'],
  [Object.create(null), 'something was thrown that has no text'],
])('anything can be thrown: %#', (thrown, message) => {
  expect(failureOf(thrown)).toEqual({ type: 'application', message })
})

test('what cannot be told is cut or left out, and nothing is thrown', () => {
  const circular: Error & { cause?: unknown } = new Error('x'.repeat(20_000))
  circular.cause = circular
  const details = failureOf(new ApplicationFailure('m', { details: [() => 1] }))
  const unreadable = errorOf({
    type: 'canceled',
    message: 'm',
    details: [{ metadata: { encoding: '?' }, data: new Uint8Array() }],
  })

  expect(failureOf(circular).message).toHaveLength('x'.repeat(10_000).length + ' … (20000 characters)'.length)
  expect(depth(failureOf(circular))).toBe(20)
  expect(details).not.toHaveProperty('details')
  expect((unreadable as CancelledFailure).details).toEqual([])
})

test('RetryAfter says when: an instant against now, or a time', () => {
  const at = new RetryAfter(new Date(5000))

  expect(failureOf(at, 2000)).toMatchObject({ applicationType: 'RetryAfter', nextRetryDelayMs: 3000 })
  expect(failureOf(at, 9000)).toMatchObject({ nextRetryDelayMs: 0 })
  expect(failureOf(at)).not.toHaveProperty('nextRetryDelayMs')
  expect(failureOf(new RetryAfter('1 m', 'busy'))).toMatchObject({ message: 'busy', nextRetryDelayMs: 60_000 })
  expect(() => new RetryAfter(new Date(Number.NaN))).toThrow('RetryAfter: not an instant')
})

test('nonRetryable makes one that no policy tries again', () => {
  expect(failureOf(ApplicationFailure.nonRetryable('no', { type: 'T' }))).toMatchObject({
    nonRetryable: true,
    applicationType: 'T',
  })
})

test('a failure without kind is an application failure without type', () => {
  const back = errorOf({ type: 'none', message: 'bare', cause: { type: 'terminated', message: 'killed' } })

  expect(back).toMatchObject({ name: 'ApplicationFailure', message: 'bare', type: undefined })
  expect(back.cause).toBeInstanceOf(TerminatedFailure)
  expect(back.stack).toBe('ApplicationFailure: bare')
})

test('isFailure goes by symbol: other copies of the package and other realms are known, look-alikes are not', () => {
  const foreignCopy = Object.assign(new Error('x'), { [Symbol.for('shardloom.failure')]: 'application' })

  expect(isFailure(foreignCopy)).toBe(true)
  expect(failureOf(foreignCopy)).toMatchObject({ type: 'application', message: 'x' })
  expect(isFailure({ name: 'ApplicationFailure' })).toBe(false)
  expect(isFailure(undefined)).toBe(false)
})

test('a recorded delay that makes no sense does not hide the failure', () => {
  expect(errorOf({ type: 'application', message: 'm', nextRetryDelayMs: -5 })).toMatchObject({ message: 'm' })
})

function fields(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { stack: _, ...rest } = {
    ...error,
    message: error.message,
    name: error.name,
    cause: fields(error.cause),
  } as Record<string, unknown>
  return rest
}

function depth(failure: { cause?: unknown }): number {
  return failure.cause === undefined ? 0 : 1 + depth(failure.cause as { cause?: unknown })
}
