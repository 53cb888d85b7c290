/** Calls of ctx that make no sense: each is told what is wrong with it, by name. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { FakeHost } from './fake-host.js'

const op = activity({ name: 'op' }, async () => 1)
const other = workflow({ name: 'other' }, async () => 1)
const throwing = activity(
  { name: 'throwing', input: { '~standard': { version: 1, vendor: 'x', validate: () => throwNow() } } },
  async () => 1,
)
const signals = { a: z.string() }

function throwNow(): never {
  throw new TypeError('from the schema')
}

/** As plain JavaScript may call it. */
type Untyped = Record<keyof WorkflowContext, (...args: unknown[]) => unknown>

const MISUSES: Record<string, [(ctx: Untyped) => unknown, RegExp]> = {
  'run of nothing': [(ctx) => ctx.run(undefined), /^run: its first argument was not made by activity/],
  'run of an object': [(ctx) => ctx.run({}), /^run: its first argument was not made by activity/],
  'run of a forged activity': [(ctx) => ctx.run({ kind: 'activity', name: 'x' }), /^run: its first argument/],
  'run of a workflow': [(ctx) => ctx.run(other), /^run: its first argument was not made by activity/],
  'run with null': [(ctx) => ctx.run(op, undefined, null), /^options of activity 'op': not an object of options/],
  'run with a misspelt option': [
    (ctx) => ctx.run(op, undefined, { retries: 1 }),
    /^options of activity 'op': unknown option 'retries'/,
  ],
  'run with a schema that throws': [
    (ctx) => ctx.run(throwing, 1),
    /^input of activity 'throwing': its schema throws: TypeError: from the schema/,
  ],
  'step with null': [(ctx) => ctx.step('s', () => 1, null), /^step 's': not an object of options/],
  'step with a task queue': [
    (ctx) => ctx.step('s', () => 1, { taskQueue: 'q' }),
    /^step 's': unknown option 'taskQueue'/,
  ],
  'step with half a character': [(ctx) => ctx.step('\ud800x', () => 1), /^step: its name is not well-formed Unicode/],
  'step with a long name': [(ctx) => ctx.step('s'.repeat(901), () => 1), /^step: its name has 901 characters/],
  'signal with null': [(ctx) => ctx.signal('a', null), /^signal 'a': not an object of options/],
  'signal with a misspelt option': [(ctx) => ctx.signal('a', { timeOut: 5 }), /^signal 'a': unknown option 'timeOut'/],
  'onSignal without a handler': [(ctx) => ctx.onSignal('a'), /^onSignal 'a': its handler is not a function/],
  'sleep for an object': [(ctx) => ctx.sleep(Object.create(null)), /^sleep: not a duration .*: a value of type object/],
  'a condition that is a value': [(ctx) => ctx.condition(true), /^condition: its predicate is not a function/],
  'a race of nothing': [(ctx) => ctx.race(null), /^race: not an object of branches/],
}

test.each(Object.entries(MISUSES))('%s', async (_, [call, message]) => {
  let caught: unknown
  const misuse = workflow({ name: 'misuse', signals }, async (ctx) => {
    try {
      await call(ctx as never)
    } catch (error) {
      caught = error
    }
  })

  const host = await new FakeHost().start(misuse).rest()

  expect(host.problem).toBeUndefined()
  expect(caught).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(message) })
})
