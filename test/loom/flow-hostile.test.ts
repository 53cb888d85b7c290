/** Whatever user code throws, sends or awaits: its own execution tells of it, and nobody else's notices. */
import { expect, test } from 'vitest'
import { activity, workflow } from '../../src/workflow/define.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '../../src/workflow/failures.js'
import { open, rejection, until } from './rig.js'

const weird = (fields: object): Error => Object.assign(new Error('weird'), fields)
const throwing = (): Error =>
  Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('from the getter')
    },
  })

const THROWN: Record<string, () => unknown> = {
  'a type that is a class': () => new ApplicationFailure('x', { type: TypeError as never }),
  'a name that is an object': () => weird({ name: { a: 1 } }),
  'such an error as a cause': () => new ApplicationFailure('x', { cause: weird({ name: { a: 1 } }) }),
  'an activity id that is an object': () => new ActivityFailure('x', { activityId: {} } as never),
  'a time-out type that is an object': () => new TimeoutFailure('x', {} as never),
  'a message that is an object': () => weird({ message: { code: 1 } }),
  'a message that throws': throwing,
  'a type of 9 MB': () => new ApplicationFailure('x', { type: 'T'.repeat(9e6) }),
  'a name of 9 MB': () => weird({ name: 'N'.repeat(9e6) }),
  'details of 11 MB': () =>
    new ApplicationFailure('x', { details: Array.from({ length: 6 }, () => 'y'.repeat(1.9e6)) }),
  'details of a cause, too': () =>
    new ApplicationFailure('x', {
      cause: new ApplicationFailure('x', { details: Array.from({ length: 6 }, () => 'y'.repeat(1.9e6)) }),
    }),
}

const work = activity({ name: 'work' }, async (n: number) => n)
const fine = workflow({ name: 'fine' }, async (ctx) => ctx.run(work, 1))

const ENDS: Record<string, (thrown: () => unknown) => (ctx: WorkflowContext) => unknown> = {
  'by the function': (thrown) => async (ctx) => {
    await ctx.sleep(1)
    throw thrown()
  },
  'by a function that is not async': (thrown) => () => {
    throw thrown()
  },
  'in a promise left alone': (thrown) => async (ctx) => {
    await ctx.sleep(1)
    void Promise.reject(thrown())
    await ctx.sleep(1e6)
  },
}

for (const [name, thrown] of Object.entries(THROWN)) {
  test.each(Object.entries(ENDS))(`${name}, thrown %s, ends or stalls its own execution`, async (_, code) => {
    const hostile = workflow({ name: 'hostile' }, code(thrown))
    const loom = await open({ definitions: [hostile, fine, work] })

    const handle = await loom.start(hostile, { workflowId: 'w' })
    await until(async () => {
      const { status, stalled } = await handle.describe()
      return status === 'Failed' || stalled !== undefined
    })

    expect(await loom.execute(fine, { workflowId: 'fine' })).toBe(1)
  })

  test(`${name}, thrown by an activity, is its failure`, async () => {
    const failing = activity({ name: 'failing', retry: { maximumAttempts: 1 } }, () => {
      throw thrown()
    })
    const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(failing))
    const loom = await open({ definitions: [calls, failing] })

    const error = await rejection(loom.execute(calls, { workflowId: 'w' }))

    expect(error).toMatchObject({ status: 'Failed', cause: { kind: 'activity', cause: { kind: 'application' } } })
    expect((error.cause as ActivityFailure).cause).not.toMatchObject({ type: 'WorkerLost' })
  })
}

test('an error that its own class does not know is a mistake, and nothing escapes', async () => {
  class Strange extends Error {
    static override [Symbol.hasInstance](): boolean {
      throw new Error('from hasInstance')
    }
  }
  const hostile = workflow({ name: 'hostile', failOn: [Strange] }, () => {
    throw new Error('x')
  })
  const loom = await open({ definitions: [hostile] })

  const handle = await loom.start(hostile, { workflowId: 'w' })

  await until(async () => (await handle.describe()).stalled !== undefined)
})
