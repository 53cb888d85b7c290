import { expect, test } from 'vitest'
import {
  eventBytes,
  failureBytes,
  keptFailure,
  MAX_TOLD_FAILURE_BYTES,
  payloadsBytes,
  shortenedFailure,
} from '../../src/machine/weights.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { Failure } from '../../src/protocol/failure.js'
import { JSON_PLAIN } from '../../src/protocol/payload.js'

const payload = (bytes: number) => ({ metadata: JSON_PLAIN, data: new Uint8Array(bytes) })
const boom: Failure = { type: 'application', message: 'boom' }
const event = (eventType: string, attributes: object): HistoryEvent =>
  ({ eventId: 1, eventType, eventTimeMs: 0, version: 0, attributes }) as never

test('payloads weigh their bytes, and metadata that is not the common one', () => {
  expect(payloadsBytes(undefined)).toBe(0)
  expect(payloadsBytes([payload(3), payload(4)])).toBe(7)
  expect(payloadsBytes([{ metadata: { ...JSON_PLAIN }, data: new Uint8Array(5) }])).toBe(5)
  expect(payloadsBytes([{ metadata: { encoding: 'ä' }, data: new Uint8Array(1) }])).toBe(1 + 8 + 2)
})

test.each([
  ['bytes that are none', [{ metadata: JSON_PLAIN, data: 'text' }]],
  ['metadata that is no text', [{ metadata: { encoding: 5 }, data: new Uint8Array(1) }]],
])('%s weigh more than anything', (_, payloads) => {
  expect(payloadsBytes(payloads as never)).toBe(Infinity)
})

test.each([
  ['no message', { type: 'application' }],
  ['a function', { ...boom, applicationType: () => 1 }],
  ['an object', { ...boom, applicationType: {} }],
  ['a cause that is none', { ...boom, cause: 'no' }],
])('a failure with %s cannot be written', (_, failure) => {
  expect(failureBytes(failure as never)).toBe(Infinity)
})

test('a failure weighs its fields and those of its causes', () => {
  const cause = { ...boom, details: [payload(100)], nonRetryable: true, nextRetryDelayMs: undefined }
  const same = { ...boom, nonRetryable: false }

  expect(failureBytes(undefined)).toBe(0)
  expect(failureBytes(same)).toBe(failureBytes(boom))
  expect(failureBytes({ ...boom, cause } as never)).toBe(2 * ('application'.length + 'boom'.length) + 100 + 8)
})

test('causes without end cannot be written', () => {
  const circle = { ...boom, cause: undefined as unknown }
  circle.cause = circle

  expect(failureBytes(circle as never)).toBe(Infinity)
})

test('what fits is kept as it is, the rest loses details and causes', () => {
  const big: Failure = {
    ...boom,
    applicationType: 'T',
    nonRetryable: true,
    nextRetryDelayMs: 5,
    details: [payload(MAX_TOLD_FAILURE_BYTES)],
  }

  expect(keptFailure(boom)).toBe(boom)
  expect(keptFailure(undefined)).toBeUndefined()
  expect(keptFailure(big)).toEqual({
    type: 'application',
    message: expect.stringMatching(/^boom \(details and causes are left out: \d+ bytes are too many\)$/) as string,
    stackTrace: '',
    applicationType: 'T',
    nonRetryable: true,
    nextRetryDelayMs: 5,
  })
})

test('what a failure says in code weighs too, and is kept as far as there is room', () => {
  const said = (bytes: number): Failure => ({ ...boom, encodedAttributes: payload(bytes) })

  expect(failureBytes(said(100))).toBe('application'.length + 'boom'.length + 100)
  expect(keptFailure(said(30_000))).toEqual(said(30_000))
  expect(shortenedFailure(said(20_000))).toMatchObject({ encodedAttributes: payload(20_000) })
  expect(keptFailure(said(40_000))).not.toHaveProperty('encodedAttributes')
})

test('texts are cut, and never within a character', () => {
  const { message } = shortenedFailure({ type: 'canceled', message: `${'x'.repeat(14)}😀` }, 64)

  expect(message).toBe(`${'x'.repeat(14)} (details and causes are left out: 26 bytes are too many)`)
  expect(shortenedFailure({ ...boom, message: 5 as never }).message).toContain('it cannot be written')
  expect(shortenedFailure({ ...boom, stackTrace: 's'.repeat(90_000) }).stackTrace).toHaveLength(16 * 1024)
})

test.each([4096, 32 * 1024])('what is left of a failure is at most %i bytes', (maxBytes) => {
  const text = 'ä'.repeat(20_000)
  const big: Failure = { ...boom, message: text, stackTrace: text, applicationType: text }

  expect(failureBytes(keptFailure(big, maxBytes))).toBeLessThanOrEqual(maxBytes)
})

test('an event weighs what it brings from outside', () => {
  expect(eventBytes(event('WorkflowExecutionSignaled', { input: [payload(1)] }))).toBe(1)
  expect(eventBytes(event('ActivityTaskCompleted', { result: [payload(2)] }))).toBe(2)
  expect(eventBytes(event('ActivityTaskCanceled', { details: [payload(3)] }))).toBe(3)
  expect(eventBytes(event('ActivityTaskStarted', { lastFailure: undefined }))).toBe(0)
  expect(eventBytes(event('ActivityTaskFailed', { failure: boom }))).toBe('application'.length + 'boom'.length)
  expect(eventBytes(event('ActivityTaskTimedOut', { failure: undefined }))).toBe(0)
  expect(eventBytes(event('TimerFired', { timerId: 't' }))).toBe(0)
})
