/** With room for one execution and one code, everything is as with room for all. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { open, rejection, typesOf, until } from './rig.js'

const settings = { executionCacheCount: 1, codeCacheCount: 1 }
const work = activity({ name: 'work' }, async (n: number) => n + 1)

test('many executions in turns: signals, activities, timers and results', async () => {
  const adder = workflow({ name: 'adder', signals: { add: z.number() } }, async (ctx) => {
    let sum = 0
    for (let i = 0; i < 3; i++) {
      sum += await ctx.signal('add')
      sum = await ctx.run(work, sum)
      await ctx.sleep(1)
    }
    return sum
  })
  const loom = await open({ definitions: [adder, work], settings })
  const handles = await Promise.all(Array.from({ length: 25 }, (_, i) => loom.start(adder, { workflowId: `w${i}` })))

  for (let round = 0; round < 3; round++) {
    await Promise.all(handles.map((handle, i) => handle.signal('add', i)))
  }

  expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual(handles.map((_, i) => 3 * i + 3))
  expect(loom.admin.stats().codeCount).toBeLessThanOrEqual(1)
})

test('a handle whose execution has left the cache gets its result', async () => {
  const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))
  const loom = await open({ definitions: [parked], settings })
  const first = await loom.start(parked, { workflowId: 'first' })
  const awaited = await loom.start(parked, { workflowId: 'awaited' })
  const early = awaited.result()
  for (let i = 0; i < 10; i++) await loom.start(parked, { workflowId: `w${i}` })

  const late = first.result()
  await loom.handle(parked, 'first').signal('go', 'first')
  await loom.handle(parked, 'awaited').signal('go', 'awaited')

  expect(await Promise.all([early, late, first.result()])).toEqual(['awaited', 'first', 'first'])
})

test('code alone may leave: what was in flight is replayed', async () => {
  const steps = workflow({ name: 'steps' }, async (ctx) => {
    const seen: number[] = []
    for (let i = 0; i < 5; i++) {
      seen.push(await ctx.run(work, i))
      await ctx.sleep(1)
    }
    return seen
  })
  const loom = await open({ definitions: [steps, work], settings: { codeCacheCount: 2 } })

  const all = await Promise.all(Array.from({ length: 40 }, (_, i) => loom.execute(steps, { workflowId: `w${i}` })))

  for (const seen of all) expect(seen).toEqual([1, 2, 3, 4, 5])
})

test('verbs find what has left the cache', async () => {
  const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))
  const loom = await open({ definitions: [parked], settings })
  const handle = await loom.start(parked, { workflowId: 'w' })
  for (let i = 0; i < 5; i++) await loom.start(parked, { workflowId: `w${i}` })

  expect((await handle.describe()).status).toBe('Running')
  expect(await typesOf(handle)).toHaveLength(4)
  expect(await rejection(loom.start(parked, { workflowId: 'w' }))).toMatchObject({ code: 'LOOM_ALREADY_EXISTS' })
  await handle.terminate()
  expect(await rejection(handle.result())).toMatchObject({ status: 'Terminated' })
})

test('what was in flight leaves when it has landed, if there are too many', async () => {
  const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))
  const loom = await open({ definitions: [parked], settings })

  await Promise.all(Array.from({ length: 10 }, (_, i) => loom.start(parked, { workflowId: `w${i}` })))

  await until(() => loom.admin.stats().executionCount <= 1)
})

test('with room for none every task is a replay, and nothing stays', async () => {
  let calls = 0
  const replayed = workflow({ name: 'replayed', signals: { go: z.string() } }, async (ctx) => {
    calls++
    const sum = await ctx.run(work, 1)
    await ctx.sleep(1)
    return `${await ctx.signal('go')} ${sum}`
  })
  const nothing = { executionCacheCount: 0, codeCacheCount: 0 }
  const loom = await open({ definitions: [replayed, work], settings: nothing })
  const handle = await loom.start(replayed, { workflowId: 'w' })
  await until(async () => (await typesOf(handle)).includes('TimerFired'))
  await until(() => loom.admin.stats().executionCount === 0)
  expect(loom.admin.stats().codeCount).toBe(0)

  await handle.signal('go', 'went')

  expect(await handle.result()).toBe('went 2')
  expect(calls).toBe((await typesOf(handle)).filter((type) => type === 'WorkflowTaskStarted').length)
})
