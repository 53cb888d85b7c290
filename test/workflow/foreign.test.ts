import { readFile } from 'node:fs/promises'
import { setTimeout as sleepReal } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { FakeHost } from './fake-host.js'

const op = activity({ name: 'op' }, async () => undefined)
const signals = { s: z.unknown() }
const settled = Promise.resolve('ready')

type Code = (ctx: WorkflowContext<typeof signals>) => Promise<unknown>

const AWAITED: Record<string, Code> = {
  'fs.readFile': async (ctx) => {
    await readFile('/etc/hostname')
    await ctx.run(op)
  },
  'crypto.subtle': async (ctx) => {
    await crypto.subtle.digest('SHA-256', new Uint8Array(8))
    await ctx.run(op)
  },
  'a timer of Node': async () => {
    await sleepReal(5)
  },
  'a promise that nothing settles': async () => {
    await new Promise(() => {})
  },
}

test.each(Object.entries(AWAITED))('a wait for nothing of ctx is found at rest: %s', async (_, code) => {
  const host = await new FakeHost().start(workflow({ name: 'w', signals }, code)).rest()

  expect(host.problem).toMatchObject({
    cause: 'WorkflowWorkerUnhandledFailure',
    failure: { applicationType: 'ForeignAwait', message: 'wf-1 is not finished and waits for nothing of ctx' },
    hint: expect.stringMatching(/activity or ctx\.step/),
  })
  await sleepReal(20)
  // What it went on to ask for was not heard.
  expect(host.asked).toEqual([])
  expect(host.strays).toEqual([])
})

const STRAYING: Record<string, [Code, string]> = {
  'ctx after a timer of Node, beside a pending sleep': [
    (ctx) => Promise.all([ctx.sleep(1e6), sleepReal(5).then(() => ctx.run(op))]),
    'ctx.run was called',
  ],
  'the end of the function after I/O': [
    async (ctx) => {
      void ctx.sleep(1e6)
      await readFile('/etc/hostname')
    },
    'its function ended',
  ],
  'an error after a timer of Node': [
    async (ctx) => {
      void ctx.sleep(1e6)
      await sleepReal(5)
      throw new Error('unheard')
    },
    'its function ended',
  ],
  'ctx.now in a callback': [
    async (ctx) => {
      setTimeout(() => ctx.now(), 5)
      await ctx.sleep(1e6)
    },
    'ctx.now was called',
  ],
  'ctx.log in a callback': [
    async (ctx) => {
      setTimeout(() => ctx.log.info({}, 'x'), 5)
      await ctx.sleep(1e6)
    },
    'ctx.log was called',
  ],
}

test.each(Object.entries(STRAYING))(
  'a call from elsewhere is told at once, and ends the next task: %s',
  async (_, [code, what]) => {
    const host = await new FakeHost().start(workflow({ name: 'w', signals }, code)).rest()
    expect(host.problem).toBeUndefined()
    await sleepReal(30)

    expect(host.strays).toHaveLength(1)
    expect(host.strays[0]!.failure).toMatchObject({
      applicationType: 'OutsideActivation',
      message: `${what} while nothing was being delivered to wf-1`,
    })
    expect(host.problem).toBeUndefined()

    await host.signal('s').rest()
    expect(host.problem).toBe(host.strays[0])
  },
)

test('every method of ctx is safe to call from elsewhere: nothing is thrown, and promises stay pending', async () => {
  let ctx!: WorkflowContext<typeof signals>
  const code = workflow({ name: 'w', signals }, async (given) => {
    ctx = given
    await ctx.sleep(1e6)
  })
  const host = await new FakeHost().start(code).rest()

  const waits = [
    ctx.run(op),
    ctx.step('s', () => 1),
    ctx.sleep(1),
    ctx.signal('s'),
    ctx.signals('s').next(),
    ctx.condition(() => true),
    ctx.race({ a: (c) => c.sleep(1) }),
  ]
  ctx.onSignal('s', () => {})
  const answers = [ctx.now(), ctx.random(), ctx.uuid()]
  ctx.log.error({}, 'not written')
  const winner = await Promise.race([...waits, sleepReal(20).then(() => 'still pending')])

  expect(winner).toBe('still pending')
  expect(answers).toEqual([expect.any(Number), 0, '00000000-0000-4000-8000-000000000000'])
  expect(host.lines).toEqual([])
  expect(host.strays).toHaveLength(1)
})

test('a step that calls ctx is found', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.step('bad', () => ctx.now())
  })
  const host = await new FakeHost().start(code).rest()

  host.run.stepClosure('step:bad#1')!({} as never)
  await host.complete(1).rest()

  expect(host.problem!.failure).toMatchObject({ applicationType: 'OutsideActivation' })
  expect(host.problem!.hint).toMatch(/runs in a step/)
})

test('a closed run does not care who calls its ctx', async () => {
  let ctx!: WorkflowContext
  const code = workflow({ name: 'w' }, async (given) => {
    ctx = given
    await ctx.sleep(1e6)
  })
  const host = await new FakeHost().start(code).rest()
  host.run.close()

  void ctx.run(op)
  ctx.now()
  await new Promise<void>((resolve) => host.train.later(resolve))

  expect(host.strays).toEqual([])
})

const ALLOWED: Record<string, Code> = {
  'a promise that is settled already': async (ctx) => {
    await settled
    await ctx.run(op)
  },
  'microtasks and ticks': async (ctx) => {
    await new Promise<void>((resolve) => queueMicrotask(resolve))
    await new Promise<void>((resolve) => process.nextTick(resolve))
    await ctx.run(op)
  },
  'its own signal handler': async (ctx) => {
    await new Promise((resolve) => ctx.onSignal('s', resolve))
  },
  'a condition': (ctx) => ctx.condition(() => false),
  'a reader of signals': (ctx) => ctx.signals('s').next(),
}

test.each(Object.entries(ALLOWED))('no problem: %s', async (_, code) => {
  const host = await new FakeHost().start(workflow({ name: 'w', signals }, code)).rest()

  expect(host.problem).toBeUndefined()
  expect(host.closing).toBeUndefined()
})
