import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { CancelledFailure } from '../../src/workflow/failures.js'
import { FakeHost } from './fake-host.js'

const signals = { a: z.string(), b: z.string() }
const op = activity({ name: 'op' }, async (name: string) => name)

test('the first branch decides, and what the others started is cancelled', async () => {
  let outcome: unknown
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    outcome = await ctx.race({
      approved: (c) => c.signal('a'),
      late: (c) => c.sleep('3 days'),
      work: (c) => c.run(op, 'slow'),
      limited: (c) => c.signal('b', { timeout: 50 }),
      checked: (c) => c.condition(() => false, 60),
    })
    await ctx.sleep(1)
  })
  const host = await new FakeHost().start(code).rest()
  const scheduled = host.scheduled(2)

  await host.signal('a', 'ada').rest()

  expect(outcome).toEqual({ key: 'approved', value: 'ada' })
  expect(host.asked.slice(4)).toEqual([
    'cancel timer 1',
    `cancel event ${scheduled}`,
    'cancel timer 3',
    'cancel timer 4',
    'timer 5 1',
  ])
})

test('a loser that began in the same task leaves no command at all', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.race({ done: async () => 1, late: (c) => c.sleep(5), work: (c) => c.run(op, 'x') })
    await ctx.sleep(9)
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['timer 3 9'])
})

test('a message that comes later is not eaten by a branch that lost', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    for (let i = 0; i < 4; i++) {
      const { value } = await ctx.race({ a: (c) => c.signal('a'), b: (c) => c.signal('b'), t: (c) => c.sleep(1) })
      got.push(value)
    }
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', 'a1').signal('b', 'b1').signal('b', 'b2').signal('a', 'a2').rest()

  expect(got).toEqual(['a1', 'b1', 'b2', 'a2'])
})

test('a promise that was there before is left alone', async () => {
  const keys: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const late = ctx.sleep(900)
    for (;;) {
      const { key } = await ctx.race({ message: (c) => c.signal('a'), late })
      keys.push(key)
      if (key === 'late') return
    }
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').signal('a', '2').fire(1).rest()

  expect(keys).toEqual(['message', 'message', 'late'])
  expect(host.asked).toEqual(['timer 1 900', 'complete'])
})

test('losing is silent, also for what a losing branch left to itself', async () => {
  const seen: unknown[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.race({
      first: (c) => c.sleep(1),
      second: async (c) => {
        const aside = async (): Promise<void> => {
          await c.sleep(2)
        }
        void aside()
        try {
          await Promise.all([c.sleep(3), c.run(op, 'x')])
        } finally {
          seen.push('finally')
        }
      },
      third: async (c) => {
        await c.sleep(4).catch((error: unknown) => seen.push(error))
        // Its scope is gone: whatever it asks for now is refused.
        await c.sleep(5).catch((error: unknown) => seen.push(error))
        await c.run(op, 'y')
      },
    })
    await ctx.sleep(6)
  })
  const host = await new FakeHost().start(code).rest()

  await host.fire(1).rest()

  expect(host.problem).toBeUndefined()
  expect(seen.filter((one) => one === 'finally')).toHaveLength(1)
  const [error, again] = seen.filter((one) => one instanceof CancelledFailure)
  expect(error).toMatchObject({ message: "lost a race to 'first'" })
  expect(again).toBe(error)
})

test('a branch that rejects first makes the race reject, and the others are cancelled', async () => {
  let caught: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.race({ work: (c) => c.run(op, 'x'), late: (c) => c.sleep(8) }).catch((error: unknown) => (caught = error))
    await ctx.sleep(1)
  })
  const host = await new FakeHost().start(code).rest()

  await host.fail(1, { type: 'application', message: 'no' }).rest()

  expect(caught).toMatchObject({ name: 'ActivityFailure' })
  expect(host.asked.slice(2)).toEqual(['cancel timer 2', 'timer 3 1'])
})

test('a branch may throw before it waits, and a race without branches is an error', async () => {
  const errors: unknown[] = []
  const keep = (error: Error): number => errors.push(error.message)
  const code = workflow({ name: 'w' }, async (ctx) => {
    const boom = (): Promise<void> => {
      throw new Error('boom')
    }
    await ctx.race({ boom, late: (c) => c.sleep(8) }).catch(keep)
    await ctx.race({}).catch(keep)
  })

  const host = await new FakeHost().start(code).rest()

  expect(errors).toEqual(['boom', 'race: there is no branch'])
  expect(host.asked).toEqual(['complete'])
})

test('races in races: what is inside of a loser is cancelled with it', async () => {
  const inner = (c: WorkflowContext): Promise<unknown> =>
    c.race({ x: (cc) => cc.sleep(10), y: (cc) => cc.race({ z: (ccc) => ccc.sleep(20) }) })
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const { key } = await ctx.race({ a: (c) => c.signal('a'), inner: (c) => inner(c) })
    await ctx.sleep(1)
    return key
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '').rest()

  expect(host.asked).toEqual(['timer 1 10', 'timer 2 20', 'cancel timer 1', 'cancel timer 2', 'timer 3 1'])
})

test('what a winning branch left running stays, until a race around it is lost', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.race({
      a: (c) => c.signal('a'),
      inner: async (c) => {
        await c.race({
          quick: async (cc) => {
            void cc.sleep(500)
            await cc.sleep(1)
          },
          slow: (cc) => cc.sleep(2),
        })
        await c.sleep(3)
      },
    })
    await ctx.sleep(4)
  })
  const host = await new FakeHost().start(code).rest()
  await host.fire(2).rest()
  expect(host.asked).toEqual(['timer 1 500', 'timer 2 1', 'timer 3 2', 'cancel timer 3', 'timer 4 3'])

  await host.signal('a', '').rest()

  expect(host.asked.slice(5)).toEqual(['cancel timer 1', 'cancel timer 4', 'timer 5 4'])
})

test('a reader of signals that loses stops reading', async () => {
  const got: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.race({
      stop: (c) => c.signal('b'),
      read: async (c) => {
        for await (const message of c.signals('a')) got.push(message)
      },
    })
    await ctx.sleep(1)
    got.push(`later ${await ctx.signal('a')}`)
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').signal('b', '').signal('a', '2').rest()
  await host.fire(1).rest()

  expect(got).toEqual(['1', 'later 2'])
})
