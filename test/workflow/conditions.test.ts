import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { FakeHost } from './fake-host.js'

const op = activity({ name: 'op' }, async () => undefined)

test('a condition is a mutex: of several that are true the first registered wakes alone', async () => {
  let most = 0
  const order: number[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    let isLocked = true
    let holders = 0
    const worker = async (n: number): Promise<void> => {
      await ctx.condition(() => !isLocked)
      isLocked = true
      most = Math.max(most, ++holders)
      order.push(n)
      for (let i = 0; i < 20; i++) await Promise.resolve()
      holders--
      isLocked = false
    }
    const all = Promise.all([0, 1, 2, 3].map(worker))
    await ctx.sleep(1)
    isLocked = false
    await all
  })
  const host = await new FakeHost().start(code).rest()

  await host.fire(1).rest()

  expect(most).toBe(1)
  expect(order).toEqual([0, 1, 2, 3])
  expect(host.closing).toBeDefined()
})

test('a condition wakes between two causes of one task', async () => {
  const seen: string[] = []
  const code = workflow({ name: 'w', signals: { n: z.number() } }, async (ctx) => {
    let sum = 0
    ctx.onSignal('n', (n) => {
      sum += n
      seen.push(`sum ${sum}`)
    })
    await ctx.condition(() => sum === 3)
    seen.push('exactly three')
    await ctx.condition(() => sum === 6)
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('n', 1).signal('n', 2).signal('n', 3).rest()

  expect(seen).toEqual(['sum 1', 'sum 3', 'exactly three', 'sum 6'])
  expect(host.closing).toBeDefined()
})

test('without a time limit it gives undefined, with one whether it was in time', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    let isDone = false
    void ctx.run(op).then(() => (isDone = true))
    got.push(await ctx.condition(() => isDone, '1 s'))
    got.push(await ctx.condition(() => isDone))
    got.push(await ctx.condition(() => false, '2 s'))
  })
  const host = await new FakeHost().start(code).rest()

  await host.complete(1).rest()
  await host.fire(3).rest()

  expect(got).toEqual([true, undefined, false])
  expect(host.asked).toEqual(['run op', 'timer 2 1000', 'cancel timer 2', 'timer 3 2000', 'complete'])
})

test('one that is true at once leaves no timer', async () => {
  const code = workflow({ name: 'w' }, (ctx) => ctx.condition(() => true, '1 s'))

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['complete'])
})

test('a predicate that throws rejects its own condition', async () => {
  let caught: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    const boom = (): never => {
      throw new Error('boom')
    }
    await Promise.all([ctx.condition(boom, 100).catch((error: unknown) => (caught = error)), ctx.condition(() => true)])
  })

  const host = await new FakeHost().start(code).rest()

  expect(caught).toEqual(new Error('boom'))
  expect(host.asked).toEqual(['complete'])
})

test('a predicate may look at ctx', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    const until = ctx.now() + 10_000
    void ctx.sleep('10 s')
    await ctx.condition(() => ctx.now() >= until)
  })
  const host = await new FakeHost().start(code).rest()
  host.nowMs += 10_000

  await host.fire(1).rest()

  expect(host.problem).toBeUndefined()
  expect(host.closing).toBeDefined()
})

test('a loop over a condition that is always true is found', { timeout: 30_000 }, async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    for (;;) await ctx.condition(() => true)
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.problem!.failure).toMatchObject({ applicationType: 'Restless' })
})
