import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { encodeFailure } from '../../src/history/value-codec.js'
import type { Failure } from '../../src/protocol/failure.js'
import { BUILT_IN } from '../../src/workflow/data-converter.js'
import * as codec from '../../src/workflow/failure-codec.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  isFailure,
  RetryAfter,
  TerminatedFailure,
  TimeoutFailure,
} from '../../src/workflow/failures.js'

const failureOf = (error: unknown, nowMs?: number): Failure => codec.failureOf(error, BUILT_IN, nowMs)
const errorOf = (failure: Failure): Error & { kind?: string } => codec.errorOf(failure, BUILT_IN)

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

test('the first that an AggregateError gathered is told as its cause', () => {
  const refused = new Error('connect ECONNREFUSED ::1:5432')

  expect(failureOf(new AggregateError([refused, new Error('x')], ''))).toMatchObject({
    cause: { message: refused.message },
  })
  expect(failureOf(new AggregateError([refused], '', { cause: new Error('why') }))).toMatchObject({
    cause: { message: 'why' },
  })
  expect(failureOf(Object.assign(new Error('x'), { errors: [refused] }))).not.toHaveProperty('cause')
})

test('what cannot be told is cut or left out, and nothing is thrown', () => {
  const circular: Error & { cause?: unknown } = new Error('x'.repeat(20_000))
  circular.cause = circular
  const details = failureOf(new ApplicationFailure('m', { details: [() => 1] }))
  const unreadable = errorOf({
    type: 'canceled',
    message: 'm',
    details: [{ metadata: { encoding: 'json/plain' }, data: Buffer.from('{') }],
  })

  expect(failureOf(circular).message).toHaveLength('x'.repeat(10_000).length + ' … (20000 characters)'.length)
  expect(depth(failureOf(circular))).toBe(20)
  expect(details).not.toHaveProperty('details')
  expect((unreadable as CancelledFailure).details).toEqual([])
})

const HOSTILE: Record<string, unknown> = {
  'an error of objects': Object.assign(new Error('m'), { message: { code: 1 }, name: { a: 1 }, stack: 7 }),
  'a cause of objects': new ApplicationFailure('m', { cause: Object.assign(new Error('m'), { name: [] }) }),
  'an activity of objects': new ActivityFailure('m', { activityId: {}, retryState: 5, startedEventId: 'x' } as never),
  'a time-out of objects': new TimeoutFailure('m', {} as never, 'x' as never),
  'a getter that throws': Object.defineProperty(new Error('m'), 'message', {
    get: () => {
      throw new Error('from the getter')
    },
  }),
  'a Proxy that throws': new Proxy(new Error('m'), {
    get: () => {
      throw new Error('from the Proxy')
    },
    getPrototypeOf: () => {
      throw new Error('from the Proxy')
    },
  }),
  'half of a pair': Object.assign(new Error(`${'x'.repeat(9999)}😀`), { name: '\ud800' }),
  'another realm': runInNewContext(`new RangeError('far')`),
}

test.each(Object.entries(HOSTILE))('whatever is thrown, what is recorded is of its type: %s', (_, thrown) => {
  const failure = failureOf(thrown)

  expect(Buffer.from(JSON.stringify(failure)).toString()).toBe(JSON.stringify(failure))
  expect(JSON.stringify(failure)).not.toMatch(/\\ud[89a-f]/)
  expect(() => encodeFailure(failure)).not.toThrow()
  for (const key of ['message', 'stackTrace', 'applicationType', 'activityId', 'activityType', 'retryState'] as const) {
    expect(typeof ((failure as unknown as Record<string, unknown>)[key] ?? '')).toBe('string')
  }
  expect(errorOf(failure)).toBeInstanceOf(Error)
})

test('an error of another realm is told as one', () => {
  expect(failureOf(HOSTILE['another realm'])).toMatchObject({ applicationType: 'RangeError', message: 'far' })
})

test('a failure is bounded as a whole: its texts, its causes, its details', () => {
  let chain: Error = new Error('x'.repeat(10_000))
  for (let i = 0; i < 20; i++)
    chain = new ApplicationFailure('x'.repeat(10_000), { type: 'T'.repeat(5000), cause: chain })
  const big = new ApplicationFailure('declined', {
    type: 'Declined',
    nonRetryable: true,
    details: Array.from({ length: 6 }, () => 'y'.repeat(1_900_000)),
    cause: new ApplicationFailure('m', {
      details: ['z'.repeat(1_500_000)],
      cause: new CancelledFailure('m', ['z'.repeat(1_500_000)]),
    }),
  })

  expect(JSON.stringify(failureOf(chain)).length).toBeLessThan(110_000)
  const failure = failureOf(big)
  expect(failure).toMatchObject({
    applicationType: 'Declined',
    nonRetryable: true,
    message: expect.stringMatching(/^declined \(its details were left out: \d+ bytes, more than the 2097152/),
    cause: { details: [{}], cause: { message: expect.stringMatching(/^m \(its details were left out/) } },
  })
  expect(failure).not.toHaveProperty('details')
})

test.each([
  [{ type: TypeError }, 'type: not a text'],
  [{ details: 'x' }, 'details: not a list'],
  [{ nonRetryable: 'yes' }, 'nonRetryable: neither true nor false'],
  [{ nonRetriable: true }, "unknown option 'nonRetriable'"],
  [null, 'not an object of options'],
])('options of an ApplicationFailure are checked: %j', (options, message) => {
  expect(() => new ApplicationFailure('m', options as never)).toThrow(`ApplicationFailure: ${message}`)
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
  expect(isFailure(foreignCopy, 'application')).toBe(true)
  expect(isFailure(foreignCopy, 'timeout')).toBe(false)
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
