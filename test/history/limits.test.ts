/** What no row can hold is found before anything is staged: a definition may have let it through. */
import { expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import { checkCommandsFit, fittingOutcome } from '../../src/history/limits.js'
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
  const outcome = fittingOutcome({ type: 'failed', failure: failure as Failure }, LIMITS)

  expect(outcome).toMatchObject({ type: 'failed', failure: { type: 'application' } })
  expect(outcome.type === 'failed' && failureBytes(outcome.failure)).toBeLessThan(1000)
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

test('what fits is left as it is', () => {
  const outcome = { type: 'failed', failure: { type: 'application', message: 'x', applicationType: 'T' } } as const

  expect(fittingOutcome(outcome, LIMITS)).toBe(outcome)
  expect(checkCommandsFit([schedule as Command], LIMITS, 'w')).toBe(0)
})
