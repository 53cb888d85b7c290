/** What `start` is told: the short way for common options and the schema are of one mind. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkedStart, startTimes, type StartOptions } from '../../src/client/start-options.js'

/** The same options, checked by the schema: the short way takes nothing but id and input. */
function bySchema(options: object): unknown {
  return outcome({ ...options, taskQueue: undefined })
}

function outcome(options: unknown): unknown {
  try {
    const { workflowId, input } = checkedStart(options as StartOptions)
    return { workflowId, input }
  } catch (error) {
    return { code: (error as { code: unknown }).code, message: (error as Error).message }
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 600 }),
  fc.array(fc.integer({ min: 0xd700, max: 0xe000 }), { maxLength: 4 }).map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom(
    '',
    '\0',
    '\n',
    'x'.repeat(333),
    'x'.repeat(334),
    'x'.repeat(1000),
    'x'.repeat(1001),
    'é'.repeat(500),
    '€'.repeat(334),
  ),
)

test('the short way accepts what the schema accepts, and refuses what it refuses, word for word', () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.anything()), fc.anything(), fc.boolean(), (workflowId, input, hasInput) => {
      const options = hasInput ? { workflowId, input } : { workflowId }
      expect(outcome(options)).toEqual(bySchema(options))
    }),
    { numRuns: 2000 },
  )
})

test.each([undefined, null, 7, 'w', [], () => 1, { input: 1 }])('%o is refused or read alike', (options) => {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options)

  expect(outcome(options)).toEqual(
    isObject ? bySchema(options as object) : expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT' }),
  )
})

test('what is not said is not there; durations become ms', () => {
  expect(startTimes(checkedStart({ workflowId: 'w' })).workflowTaskTimeoutMs).toBe(0)
  expect(startTimes(checkedStart({ workflowId: 'w', workflowTaskTimeout: '20 s' })).workflowTaskTimeoutMs).toBe(20_000)
})
