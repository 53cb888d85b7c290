/** What no row can hold is found before anything is staged: a definition may have let it through. */
import { expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import { checkCommandsFit, cutOutcome, outcomeBytes } from '../../src/history/limits.js'
import { OversizedCommandError } from '../../src/machine/errors.js'
import { JSON_PLAIN, type Payloads } from '../../src/protocol/payload.js'
import { failureBytes } from '../../src/machine/weights.js'
import type { Command } from '../../src/protocol/command.js'
import type { Failure } from '../../src/protocol/failure.js'

const LIMITS = { maxPayloadBytes: 1000, maxTurnBytes: 100_000 }
const schedule = { type: 'ScheduleActivityTask', activityId: 'a', activityType: 'a' }
const deep = (depth: number): object => ({ type: 'none', message: '', ...(depth > 0 && { cause: deep(depth - 1) }) })

const UNWRITABLE: readonly (readonly [what: string, failure: object])[] = [
  ['a type that is a class', { type: 'application', message: '', applicationType: TypeError }],
  ['a message that is an object', { type: 'none', message: { code: 1 } }],
  ['an activity id that is an object', { type: 'activity', message: '', activityId: {} }],
  ['details of texts', { type: 'application', message: '', details: ['x'] }],
  ['a symbol', { type: 'timeout', message: '', timeoutType: Symbol.iterator }],
  ['a cause like that', { type: 'none', message: '', cause: { type: 'none', message: 1n } }],
  ['100 causes', deep(100)],
]

test.each(UNWRITABLE)('a failure with %s is refused as a command', (_, failure) => {
  const command = { type: 'FailWorkflowExecution', failure } as unknown as Command

  expect(() => checkCommandsFit([command], LIMITS, 'w')).toThrow(/^BadFailWorkflowExecutionAttributes: /)
})

test.each(UNWRITABLE)('an attempt that fails with %s fails with what can be told', (_, failure) => {
  const told = { type: 'failed', failure: failure as Failure } as const

  expect(outcomeBytes(told, LIMITS)).toBeUndefined()
  const outcome = cutOutcome(told, LIMITS)
  expect(outcome).toMatchObject({ type: 'failed', failure: { type: 'application' } })
  expect(outcome.type === 'failed' && failureBytes(outcome.failure)).toBeLessThan(1000)
  expect(outcomeBytes(outcome, LIMITS)).toBeLessThan(1000)
})

test.each([
  ['an activity type', { ...schedule, activityType: {} }],
  ['a task queue', { ...schedule, taskQueue: 1 }],
  ['a type of errors', { ...schedule, retryPolicy: { nonRetryableErrorTypes: [TypeError] } }],
  ['a timer id', { type: 'StartTimer', timerId: {}, startToFireTimeoutMs: 1 }],
])('%s that is no text is a bad command', (_, command) => {
  let thrown: unknown
  try {
    checkCommandsFit([command as unknown as Command], LIMITS, 'w')
  } catch (error) {
    thrown = error
  }
  expect(isLoomError(thrown, 'LOOM_BAD_COMMAND')).toBe(true)
})

const payloads = (...sizes: number[]): Payloads =>
  sizes.map((bytes) => ({ metadata: JSON_PLAIN, data: new Uint8Array(bytes) }))

test('an outcome weighs what it brings, and payloads count together', () => {
  const failure = { type: 'application', message: 'x', applicationType: 'T' } as const

  expect(outcomeBytes({ type: 'completed', result: undefined }, LIMITS)).toBe(0)
  expect(outcomeBytes({ type: 'completed', result: payloads(400, 600) }, LIMITS)).toBe(1000)
  expect(outcomeBytes({ type: 'completed', result: payloads(400, 601) }, LIMITS)).toBeUndefined()
  expect(outcomeBytes({ type: 'canceled', details: payloads(1001) }, LIMITS)).toBeUndefined()
  expect(outcomeBytes({ type: 'failed', failure }, LIMITS)).toBe(13)
  expect(outcomeBytes({ type: 'failed', failure: undefined, heartbeatDetails: payloads(7) }, LIMITS)).toBe(7)
  expect(outcomeBytes({ type: 'failed', failure, heartbeatDetails: payloads(1001) }, LIMITS)).toBeUndefined()
  expect(outcomeBytes({ type: 'failed', failure: { ...failure, details: payloads(1001) } }, LIMITS)).toBeUndefined()
})

test('a failure and heartbeat details together are bounded by the turn', () => {
  const limits = { maxPayloadBytes: 60_000, maxTurnBytes: 100_000 }
  const failure = { type: 'application', message: '', details: payloads(60_000) } as const
  const both = { type: 'failed', failure, heartbeatDetails: payloads(60_000) } as const

  expect(outcomeBytes({ type: 'failed', failure }, limits)).toBe(60_011)
  expect(outcomeBytes(both, limits)).toBeUndefined()
  expect(cutOutcome(both, limits)).toEqual({ type: 'failed', failure })
})

test('what is cut of an outcome that is too big can be recorded', () => {
  expect(cutOutcome({ type: 'completed', result: payloads(2000) }, LIMITS)).toEqual({
    type: 'failed',
    failure: {
      type: 'application',
      message: 'result of the activity: 2000 bytes; at most 1000 are allowed',
      applicationType: 'PayloadsTooLarge',
      nonRetryable: true,
    },
  })
  expect(cutOutcome({ type: 'canceled', details: payloads(2000) }, LIMITS)).toEqual({ type: 'canceled' })
})

test('texts of a failure may be longer than a payload, its details may not', () => {
  const fails = (failure: object): Command => ({ type: 'FailWorkflowExecution', failure: failure as Failure })
  const boom = { type: 'application', message: 'x'.repeat(50_000) }

  expect(checkCommandsFit([fails(boom)], LIMITS, 'w')).toBe(50_011)
  expect(checkCommandsFit([fails({ ...boom, message: 'x'.repeat(2000) })], LIMITS, 'w')).toBe(0)
  for (const told of [
    { ...boom, details: payloads(1001) },
    {
      ...boom,
      cause: { type: 'timeout', message: '', timeoutType: 'Heartbeat', lastHeartbeatDetails: payloads(1001) },
    },
    { ...boom, encodedAttributes: payloads(1001)[0] },
  ])
    expect(() => checkCommandsFit([fails(told)], LIMITS, 'w')).toThrow(/failure of the workflow.details: 1001 bytes/)
  const long = { ...boom, message: 'x'.repeat(100_001) }
  expect(() => checkCommandsFit([fails(long)], LIMITS, 'w')).toThrow(/at most 100000 are allowed/)
})

test("a command that is too big says which it is, and Temporal's cause", () => {
  const big = payloads(1001)
  const oversized: readonly (readonly [Command, string])[] = [
    [{ ...schedule, input: big } as Command, 'BadScheduleActivityAttributes'],
    [{ type: 'CompleteWorkflowExecution', result: big }, 'BadScheduleActivityAttributes'],
    [{ type: 'CancelWorkflowExecution', details: big }, 'BadCancelWorkflowExecutionAttributes'],
    [{ type: 'ContinueAsNewWorkflowExecution', input: big }, 'BadContinueAsNewAttributes'],
    [{ type: 'RecordMarker', markerName: 'm', details: { a: big } } as unknown as Command, 'BadRecordMarkerAttributes'],
  ]
  for (const [command, failedCause] of oversized) {
    let thrown: unknown
    try {
      checkCommandsFit([schedule as Command, command], LIMITS, 'w')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(OversizedCommandError)
    expect(thrown).toMatchObject({ at: 1, failedCause, detail: expect.stringMatching(/1001 bytes/) as string })
  }
})

test('many commands, or many payloads, are too much for one task', () => {
  const many = Array.from({ length: 200 }, () => ({ ...schedule, input: payloads(600) }) as Command)

  const tooMuch = expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT' }) as Error
  expect(() => checkCommandsFit(many, LIMITS, 'w')).toThrow(tooMuch)
  expect(checkCommandsFit(many.slice(0, 100), LIMITS, 'w')).toBe(60_000)
})
