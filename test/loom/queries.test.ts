/** Queries: answered by the code of this process, in memory or replayed, open or closed; nothing is written. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { eventsOf, open, rejection, reopenable, rowsOf, until } from './rig.js'

const pack = activity({ name: 'pack' }, () => 'packed')
const signals = { add: z.number(), end: z.undefined() }
const queries = { sum: z.number(), times: z.array(z.number()), broken: z.number(), late: z.number(), early: z.number() }

const counter = workflow({ name: 'counter', signals, queries }, async (ctx) => {
  let sum = 0
  ctx.onQuery('sum', () => sum)
  ctx.onQuery('times', (factor: number) => [sum * factor])
  ctx.onQuery('broken', () => {
    throw new TypeError('no sum today')
  })
  ctx.onQuery('late', async () => sum)
  ctx.onQuery('early', () => ctx.now())
  ctx.onSignal('add', (n) => {
    sum += n
  })
  await ctx.run(pack)
  await ctx.signal('end')
  return sum
})

test('a query sees every signal that was sent before it', async () => {
  const loom = await open({ definitions: [counter, pack] })
  const handle = await loom.start(counter, { workflowId: 'c' })
  for (let n = 1; n <= 5; n++) {
    await handle.signal('add', n)
    expect(await handle.query('sum')).toBe((n * (n + 1)) / 2)
  }

  expect(await handle.query('times', { argument: 2 })).toEqual([30])
  expect(await Promise.all([handle.signal('add', 1), handle.query('sum')])).toEqual([undefined, 16])
})

test('an execution is asked though its code is not in memory, and when it has closed; nothing is written', async () => {
  const { open: reopen, store } = reopenable()
  const first = await reopen({ definitions: [counter, pack] })
  const handle = await first.start(counter, { workflowId: 'c' })
  await handle.signal('add', 7)
  await until(async () => (await eventsOf(handle)).some(({ eventType }) => eventType === 'ActivityTaskCompleted'))
  await first.close()

  const second = await reopen({ definitions: [counter, pack] })
  const before = rowsOf(store)
  expect(await second.handle(counter, 'c').query('sum')).toBe(7)
  expect(rowsOf(store)).toEqual(before)

  await second.handle(counter, 'c').signal('end')
  await second.handle(counter, 'c').result()
  const closed = rowsOf(store)
  expect(await second.handle(counter, 'c').query('sum')).toBe(7)
  expect(await second.handle('c').query('sum')).toBe(7)
  expect(rowsOf(store)).toEqual(closed)
  await second.close()

  const third = await reopen({ definitions: [counter, pack] })
  expect(await third.handle(counter, 'c').query('sum', { rejectCondition: 'NotCompletedCleanly' })).toBe(7)
  expect(rowsOf(store)).toEqual(closed)
})

test('closed executions are not asked where the condition says so', async () => {
  const loom = await open({ definitions: [counter, pack] })
  const done = await loom.start(counter, { workflowId: 'done' })
  await done.signal('end')
  await done.result()
  const ended = await loom.start(counter, { workflowId: 'ended' })
  expect(await ended.query('sum', { rejectCondition: 'NotOpen' })).toBe(0)
  await ended.terminate()

  const notOpen = await rejection(done.query('sum', { rejectCondition: 'NotOpen' }))
  const unclean = await rejection(ended.query('sum', { rejectCondition: 'NotCompletedCleanly' }))

  expect(notOpen).toMatchObject({
    code: 'LOOM_EXECUTION_CLOSED',
    message: "query 'sum' was rejected: done is Completed",
  })
  expect(unclean).toMatchObject({
    code: 'LOOM_EXECUTION_CLOSED',
    message: expect.stringContaining('Terminated') as string,
  })
  expect(await ended.query('sum')).toBe(0)
})

test.each([
  ['broken', "query 'broken' failed: no sum today"],
  ['late', "query 'late': its handler answers with a promise"],
  ['early', "query 'early' failed: a query must not use ctx.now"],
  ['none', "query 'none': the code has no handler for it"],
])('what is no answer is said so, and harms nothing: %s', async (name, why) => {
  const loom = await open({ definitions: [counter, pack] })
  const handle = await loom.start(counter, { workflowId: 'c' })

  expect(await rejection(handle.query(name as 'sum'))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining(why) as string,
  })

  await handle.signal('add', 1)
  await handle.signal('end')
  expect(await handle.result()).toBe(1)
})

test('an answer that does not fit its schema, and a handler for no query, are mistakes', async () => {
  const odd = workflow({ name: 'odd', signals, queries: { sum: z.number() } }, async (ctx) => {
    ctx.onQuery('sum', () => 'many')
    await ctx.signal('end')
    ctx.onQuery('product', () => 1)
  })
  const loom = await open({ definitions: [odd] })
  const handle = await loom.start(odd, { workflowId: 'o' })

  expect((await rejection(handle.query('sum'))).message).toContain("answer of query 'sum'")
  await handle.signal('end')
  await until(async () => (await handle.describe()).stalled !== undefined)
  expect((await handle.describe()).stalled!.message).toContain("no query named 'product' (it has: sum)")
  expect(await rejection(handle.query('sum'))).toMatchObject({ code: 'LOOM_STALLED' })
})

test('who has no code, no execution or no name for it is refused', async () => {
  const { open: reopen } = reopenable()
  const first = await reopen({ definitions: [counter, pack] })
  await first.start(counter, { workflowId: 'c' })
  expect(await rejection(first.handle(counter, 'nobody').query('sum'))).toMatchObject({ code: 'LOOM_NOT_FOUND' })
  const other = await rejection(first.handle(counter, 'c').query('sum', { rejectCondition: 'Never' as never }))
  expect(other).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
  await first.close()

  const second = await reopen({ definitions: [] })
  expect(await rejection(second.handle('c').query('sum'))).toMatchObject({ code: 'LOOM_UNAVAILABLE' })
  await second.close()
})

test('a handle of a start asks the run that is open, and the last one when the chain has ended', async () => {
  const chain = workflow(
    {
      name: 'chain',
      input: z.number(),
      output: z.number(),
      signals: { next: z.undefined() },
      queries: { nth: z.number() },
    },
    async (ctx, nth) => {
      ctx.onQuery('nth', () => nth)
      await ctx.signal('next')
      if (nth < 3) return await ctx.continueAsNew(nth + 1)
      return nth
    },
  )
  const loom = await open({ definitions: [chain] })
  const handle = await loom.start(chain, { workflowId: 'c', input: 1 })
  expect(await handle.query('nth')).toBe(1)
  await handle.signal('next')
  await until(async () => (await handle.query('nth')) === 2)
  await handle.signal('next')
  await until(async () => (await handle.query('nth')) === 3)
  await handle.signal('next')
  expect(await handle.result()).toBe(3)

  expect(await handle.query('nth')).toBe(3)
  expect(await loom.handle(chain, 'c', handle.runId).query('nth')).toBe(1)
  expect(await rejection(handle.query('nth', { rejectCondition: 'NotOpen' }))).toMatchObject({
    code: 'LOOM_EXECUTION_CLOSED',
  })
})
