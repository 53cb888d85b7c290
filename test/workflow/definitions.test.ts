import { expect, test } from 'vitest'
import { z } from 'zod'
import { isLoomError } from '../../src/base/errors.js'
import { BUILT_IN } from '../../src/workflow/data-converter.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { definitionsByName, fingerprint } from '../../src/workflow/definition.js'
import { decodeParsed, encodeChecked, type Schema } from '../../src/workflow/schema.js'

const fn = async (): Promise<void> => {}

test('a definition is frozen data around its function', () => {
  const charge = activity(
    { name: 'charge', input: z.number(), startToClose: '1.5 s', retry: { maximumInterval: '1 m' } },
    fn,
  )
  const order = workflow({ name: 'order', signals: { s: z.string() }, taskQueue: 'q' }, fn)

  expect(Object.isFrozen(charge) && Object.isFrozen(charge.settings) && Object.isFrozen(order.signals)).toBe(true)
  expect(charge).toMatchObject({ kind: 'activity', name: 'charge', settings: { startToCloseTimeoutMs: 1500 } })
  expect(charge.settings.retryPolicy).toEqual({ maximumIntervalMs: 60_000 })
  expect(order).toMatchObject({ kind: 'workflow', taskQueue: 'q', failOn: [] })
})

test('an activity without any time-out gets one; with scheduleToClose it does not', () => {
  expect(activity({ name: 'a' }, fn).settings.startToCloseTimeoutMs).toBe(60_000)
  expect(activity({ name: 'a', scheduleToClose: 5 }, fn).settings.startToCloseTimeoutMs).toBeUndefined()
})

/** What a caller without types may give. */
const wrong = (value: unknown): never => value as never

const BAD: Record<string, [() => unknown, RegExp]> = {
  'an empty name': [() => activity({ name: '' }, fn), /^activity\.name: Too small/],
  'no name': [() => workflow(wrong({}), fn), /^workflow\.name: Invalid input/],
  'a name too long': [() => workflow({ name: 'x'.repeat(1001) }, fn), /^workflow\.name: longer than 1000 bytes/],
  'a name of steps': [() => activity({ name: 'step:x' }, fn), /^activity 'step:x'\.name: 'step:' is for ctx\.step/],
  'a bad duration': [
    () => activity({ name: 'a', startToClose: wrong('soon') }, fn),
    /^activity 'a'\.startToClose: not a duration/,
  ],
  'a duration of 0': [
    () => activity({ name: 'a', scheduleToStart: 0 }, fn),
    /^activity 'a'\.scheduleToStart: must be longer than 0/,
  ],
  'a bad interval': [
    () => activity({ name: 'a', retry: { initialInterval: -1 } }, fn),
    /^activity 'a'\.retry\.initialInterval: not a duration/,
  ],
  'a coefficient below 1': [
    () => activity({ name: 'a', retry: { backoffCoefficient: 0.5 } }, fn),
    /^activity 'a'\.retry\.backoffCoefficient: not a number of at least 1: 0\.5/,
  ],
  'half an attempt': [
    () => activity({ name: 'a', retry: { maximumAttempts: 1.5 } }, fn),
    /^activity 'a'\.retry\.maximumAttempts: not a whole number of at least 0: 1\.5/,
  ],
  'an empty task queue': [() => activity({ name: 'a', taskQueue: '' }, fn), /^activity 'a'\.taskQueue: /],
  'no schema': [() => activity({ name: 'a', input: wrong({}) }, fn), /^activity 'a'\.input: not a Standard Schema/],
  'no schema of a signal': [
    () => workflow({ name: 'w', signals: { s: wrong({}) } }, fn),
    /^workflow 'w'\.signals\.s: not a Standard/,
  ],
  'no function': [() => workflow({ name: 'w' }, wrong('code')), /^workflow 'w': its second argument is not a function/],
  'failOn of a predicate': [
    () => workflow({ name: 'w', failOn: wrong([(error: { code: string }) => error.code === 'X']) }, fn),
    /^workflow 'w'\.failOn: neither 'any' nor/,
  ],
  'failOn of something else': [
    () => workflow({ name: 'w', failOn: wrong(['Error']) }, fn),
    /^workflow 'w'\.failOn: neither 'any' nor/,
  ],
  'no options of an activity': [() => activity(wrong(undefined), fn), /^activity: its first argument is no object/],
  'no options of a workflow': [() => workflow(wrong(null), fn), /^workflow: its first argument is no object/],
  'an option of another name': [
    () => activity(wrong({ name: 'a', startToclose: '1 s' }), fn),
    /^activity 'a': unknown option 'startToclose' \(there are: name, input/,
  ],
  'an option of a workflow of another name': [
    () => workflow(wrong({ name: 'w', signal: {} }), fn),
    /^workflow 'w': unknown option 'signal'/,
  ],
  'null for a schema': [() => activity({ name: 'a', input: wrong(null) }, fn), /^activity 'a'\.input: not a Standard/],
  'null for the schema of a signal': [
    () => workflow({ name: 'w', signals: { s: wrong(null) } }, fn),
    /^workflow 'w'\.signals\.s: not a Standard/,
  ],
  'half a character in the name of a signal': [
    () => workflow({ name: 'w', signals: { ['\ud800']: z.string() } }, fn),
    /^workflow 'w'\.signals: not well-formed/,
  ],
  'null for retry': [() => activity({ name: 'a', retry: wrong(null) }, fn), /^activity 'a'\.retry: not an object/],
  'a number for retry': [() => activity({ name: 'a', retry: wrong(5) }, fn), /^activity 'a'\.retry: not an object/],
  'a misspelt option of retry': [
    () => activity({ name: 'a', retry: wrong({ maxAttempts: 3 }) }, fn),
    /^activity 'a'\.retry: unknown option 'maxAttempts' \(there are: initialInterval, .*maximumAttempts/,
  ],
  'intervals the wrong way round': [
    () => activity({ name: 'a', retry: { initialInterval: '10 s', maximumInterval: '1 s' } }, fn),
    /^activity 'a'\.retry\.maximumInterval: 1000 ms, shorter than the initialInterval of 10000 ms/,
  ],
  'no interval as short as the first': [
    () => activity({ name: 'a', retry: { maximumInterval: 500 } }, fn),
    /^activity 'a'\.retry\.maximumInterval: 500 ms, shorter than the initialInterval of 1000 ms/,
  ],
  'error types that are a text': [
    () => activity({ name: 'a', retry: { nonRetryableErrorTypes: wrong('TypeError') } }, fn),
    /^activity 'a'\.retry\.nonRetryableErrorTypes: not a list of names/,
  ],
  'error types that are classes': [
    () => activity({ name: 'a', retry: { nonRetryableErrorTypes: wrong([TypeError]) } }, fn),
    /nonRetryableErrorTypes\[0\]: a class; give the name of its errors, 'TypeError'/,
  ],
  'what only looks like a workflow': [
    () => definitionsByName([wrong({ kind: 'workflow', name: 'x' })]),
    /^definitions\[0\]: made by neither/,
  ],
  'what only looks like an activity': [
    () => definitionsByName([wrong({ kind: 'activity', name: 'x' })]),
    /^definitions\[0\]: made by neither/,
  ],
  'two of one name': [
    () => definitionsByName([activity({ name: 'a' }, fn), workflow({ name: 'a' }, fn), activity({ name: 'a' }, fn)]),
    /^definitions\[2\]\.name: a second activity named 'a'/,
  ],
  'what is no definition': [() => definitionsByName([wrong({ name: 'a' })]), /^definitions\[0\]: made by neither/],
  nothing: [() => definitionsByName([wrong(undefined)]), /^definitions\[0\]: made by neither/],
}

test.each(Object.entries(BAD))('refused with a path: %s', (_, [make, message]) => {
  let error: unknown
  try {
    make()
  } catch (caught) {
    error = caught
  }

  expect(isLoomError(error, 'LOOM_INVALID_ARGUMENT')).toBe(true)
  expect((error as Error).message).toMatch(message)
})

test('definitions are found by kind and name', () => {
  const a = activity({ name: 'same' }, fn)
  const w = workflow({ name: 'same' }, fn)

  const { activities, workflows } = definitionsByName([a, w])

  expect(activities.get('same')).toBe(a)
  expect(workflows.get('same')).toBe(w)
})

test('the fingerprint changes with the code and the options, and with nothing else', () => {
  class Bankrupt extends Error {}
  const make = (options: object = {}, code: () => unknown = fn): string =>
    fingerprint(workflow({ name: 'w', ...options }, code))

  expect(make()).toBe(make())
  expect(make({ input: z.string() })).toBe(make({ input: z.number() }))
  const all = [
    make(),
    make({}, async () => 1),
    make({ name: 'v' }),
    make({ failOn: 'any' }),
    make({ failOn: [Bankrupt] }),
    make({ signals: { s: z.string() } }),
    make({ taskQueue: 'q' }),
    fingerprint(activity({ name: 'w' }, fn)),
    fingerprint(activity({ name: 'w', startToClose: 5 }, fn)),
  ]
  expect(new Set(all).size).toBe(all.length)
})

test('the sender keeps the input form, the receiver gets the parse', () => {
  const schema = z.object({ at: z.iso.datetime().transform((text) => Date.parse(text)), n: z.number().default(1) })
  const sent = { at: '1970-01-01T00:00:01Z' }

  const payloads = encodeChecked(schema, sent, 'input', BUILT_IN)

  expect(JSON.parse(Buffer.from(payloads![0]!.data).toString())).toEqual(sent)
  expect(decodeParsed(schema, payloads, 'input', BUILT_IN)).toEqual({ at: 1000, n: 1 })
  expect(encodeChecked(undefined, undefined, 'input', BUILT_IN)).toBeUndefined()
  expect(decodeParsed(undefined, undefined, 'input', BUILT_IN)).toBeUndefined()
})

test('issues are told with their paths, and not without end', () => {
  const schema = z.object({ items: z.array(z.object({ n: z.number() })) })

  expect(() => encodeChecked(schema, { items: [{ n: 1 }, { n: 'x' }] }, 'input', BUILT_IN)).toThrow(
    'input.items[1].n: Invalid input: expected number, received string',
  )
  const many = { items: Array.from({ length: 9 }, () => ({ n: 'x' })) }
  expect(() => encodeChecked(schema, many, 'input', BUILT_IN)).toThrow(
    /^(input\.items\[\d\]\.n: [^;]*; ){5}and 4 more$/,
  )
})

test('a schema of another library fits, and one that answers with a promise is refused', () => {
  const validate = (value: unknown): ReturnType<Schema['~standard']['validate']> =>
    value === 'bad' ? { issues: [{ message: 'bad', path: [{ key: 'a' }, 0] }] } : { value: 1 }
  const own: Schema = { '~standard': { version: 1, vendor: 'own', validate } }
  const slow: Schema = { '~standard': { version: 1, vendor: 'own', validate: async (value) => validate(value) } }
  const failing: Schema = { '~standard': { version: 1, vendor: 'own', validate: () => Promise.reject(new Error('x')) } }

  expect(decodeParsed(own, encodeChecked(own, 'good', 'input', BUILT_IN), 'input', BUILT_IN)).toBe(1)
  expect(() => encodeChecked(own, 'bad', 'input', BUILT_IN)).toThrow('input.a[0]: bad')
  expect(() => encodeChecked(slow, 'good', 'input', BUILT_IN)).toThrow('input: its schema answers with a promise')
  expect(() => encodeChecked(failing, 'good', 'input', BUILT_IN)).toThrow('input: its schema answers with a promise')
})
