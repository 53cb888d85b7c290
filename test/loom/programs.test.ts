/** What workflow programs come to, from start to result, on a whole loom. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { attributesOf, gate, open, typesOf } from './rig.js'

const increment = activity({ name: 'increment', input: z.number(), output: z.number() }, async (n) => n + 1)

test('start, one activity, result: and its history is what Temporal would record', async () => {
  const once = workflow({ name: 'once', input: z.number(), output: z.number() }, async (ctx, n) =>
    ctx.run(increment, n),
  )
  const loom = await open({ definitions: [once, increment] })

  const handle = await loom.start(once, { workflowId: 'w', input: 1 })

  expect(await handle.result()).toBe(2)
  expect(await typesOf(handle)).toEqual([
    'WorkflowExecutionStarted',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'ActivityTaskScheduled',
    'ActivityTaskStarted',
    'ActivityTaskCompleted',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
    'WorkflowTaskCompleted',
    'WorkflowExecutionCompleted',
  ])
})

test('one activity is two commits, ten in a row are eleven', async () => {
  const many = workflow({ name: 'many' }, async (ctx, count: number) => {
    let n = 0
    for (let i = 0; i < count; i++) n = await ctx.run(increment, n)
    return n
  })
  const loom = await open({ definitions: [many, increment] })

  expect(await loom.execute(many, { workflowId: 'one', input: 1 })).toBe(1)
  expect(loom.admin.stats()).toMatchObject({ flushCount: 2, turnCount: 2 })
  expect(await loom.execute(many, { workflowId: 'ten', input: 10 })).toBe(10)
  expect(loom.admin.stats()).toMatchObject({ flushCount: 13, turnCount: 13 })
})

test('activities started together run together', async () => {
  const running = gate()
  let count = 0
  const meet = activity({ name: 'meet' }, async (n: number) => {
    if (++count === 3) running.open()
    await running.promise
    return n
  })
  const all = workflow({ name: 'all' }, async (ctx) => Promise.all([1, 2, 3].map((n) => ctx.run(meet, n))))
  const loom = await open({ definitions: [all, meet] })

  expect(await loom.execute(all, { workflowId: 'w' })).toEqual([1, 2, 3])
})

test('more activities than slots wait for a slot, and all are run', async () => {
  let running = 0
  let most = 0
  const work = activity({ name: 'work' }, async (n: number) => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 2))
    running--
    return n
  })
  const many = workflow({ name: 'many' }, async (ctx) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => ctx.run(work, n)))
    return results.reduce((a, b) => a + b)
  })
  const loom = await open({ definitions: [many, work], workers: [{ taskQueue: 'q', maxConcurrentActivities: 3 }] })

  expect(await loom.execute(many, { workflowId: 'w' })).toBe(190)
  expect(most).toBe(3)
})

test('sleep lasts as long as it says, on the clock of the loom', async () => {
  const clock = new VirtualClock()
  const nap = workflow({ name: 'nap' }, async (ctx) => {
    const from = ctx.now()
    await ctx.sleep('3 days')
    return ctx.now() - from
  })
  const loom = await open({ definitions: [nap], clock, settings: { leaseMs: 1e9 } })
  const starting = loom.start(nap, { workflowId: 'w' })
  await clock.settle()
  const handle = await starting

  await clock.advance(3 * 86_400_000 - 1)
  expect((await Promise.all([handle.describe(), clock.settle()]))[0].status).toBe('Running')
  await clock.advance(1)

  expect((await Promise.all([handle.result(), clock.settle()]))[0]).toBe(3 * 86_400_000)
})

test('signals before the first task and after it are handed out in order', async () => {
  const collect = workflow({ name: 'collect', signals: { add: z.number() } }, async (ctx) => {
    const seen: number[] = []
    for await (const n of ctx.signals('add')) {
      seen.push(n)
      if (seen.length === 3) return seen
    }
    return seen
  })
  const loom = await open({ definitions: [collect] })

  const handle = await loom.start(collect, { workflowId: 'w' })
  await Promise.all([handle.signal('add', 1), handle.signal('add', 2)])
  await handle.signal('add', 3)

  expect(await handle.result()).toEqual([1, 2, 3])
})

test('a signal with a time limit gives undefined when none came, and calls its timer off when one did', async () => {
  const approval = workflow({ name: 'approval', signals: { ok: z.string() } }, async (ctx) => {
    const first = await ctx.signal('ok', { timeout: '1 h' })
    const second = await ctx.signal('ok', { timeout: 5 })
    return [first, second]
  })
  const loom = await open({ definitions: [approval] })
  const handle = await loom.start(approval, { workflowId: 'w' })

  await handle.signal('ok', 'yes')

  expect(await handle.result()).toEqual(['yes', null])
  expect(await typesOf(handle)).toEqual(expect.arrayContaining(['TimerCanceled', 'TimerFired']))
})

test('a condition is met by what handlers do', async () => {
  const gateKeeper = workflow({ name: 'gate', signals: { vote: z.boolean() } }, async (ctx) => {
    let votes = 0
    ctx.onSignal('vote', (yes) => {
      if (yes) votes++
    })
    await ctx.condition(() => votes === 2)
    return ctx.condition(() => votes === 3, 5)
  })
  const loom = await open({ definitions: [gateKeeper] })
  const handle = await loom.start(gateKeeper, { workflowId: 'w' })

  for (const vote of [true, false, true]) await handle.signal('vote', vote)

  expect(await handle.result()).toBe(false)
})

test('what lost a race is cancelled', async () => {
  const racing = workflow({ name: 'racing', signals: { go: z.string() } }, async (ctx) =>
    ctx.race({ go: (c) => c.signal('go'), late: (c) => c.sleep('3 days') }),
  )
  const loom = await open({ definitions: [racing] })
  const handle = await loom.start(racing, { workflowId: 'w' })

  await handle.signal('go', 'now')

  expect(await handle.result()).toEqual({ key: 'go', value: 'now' })
  expect(await attributesOf(handle, 'TimerCanceled')).toHaveLength(1)
  expect((await handle.describe()).pendingTimers).toEqual([])
})

test('schemas parse on the receiving side, and what is stored is what was given', async () => {
  const Shape = z.object({ n: z.string().transform(Number), extra: z.number().default(7) })
  const add = activity(
    { name: 'add', input: Shape, output: z.number().transform((n) => n * 10) },
    async ({ n, extra }) => n + extra,
  )
  const sum = workflow({ name: 'sum', input: Shape, output: z.number().transform(String) }, async (ctx, { n, extra }) =>
    ctx.run(add, { n: String(n + extra) }),
  )
  const loom = await open({ definitions: [sum, add] })

  const handle = await loom.start(sum, { workflowId: 'w', input: { n: '1' } })

  expect(await handle.result()).toBe('150')
  const [started] = await attributesOf(handle, 'WorkflowExecutionStarted')
  expect(Buffer.from(started!.input![0]!.data).toString()).toBe('{"n":"1"}')
})

test('undefined, null, bytes and dates travel as what they are, or as JSON says', async () => {
  const echo = activity({ name: 'echo' }, async (value: unknown) => value)
  const pass = workflow({ name: 'pass' }, async (ctx, value: unknown) => ctx.run(echo, value))
  const loom = await open({ definitions: [pass, echo] })
  const through = (workflowId: string, input: unknown): Promise<unknown> => loom.execute(pass, { workflowId, input })

  expect(await through('a', undefined)).toBeUndefined()
  expect(await through('b', null)).toBeNull()
  expect(await through('c', new Uint8Array([1, 2]))).toEqual(new Uint8Array([1, 2]))
  expect(await through('d', new Date(0))).toBe('1970-01-01T00:00:00.000Z')
})

test('a workflow may be a plain function, and an activity too', async () => {
  const plain = activity({ name: 'plain' }, (n: number) => n * 2)
  const sync = workflow({ name: 'sync' }, () => 'done')
  const caller = workflow({ name: 'caller' }, async (ctx) => ctx.run(plain, 21))
  const loom = await open({ definitions: [sync, caller, plain] })

  expect(await loom.execute(sync, { workflowId: 'a' })).toBe('done')
  expect(await loom.execute(caller, { workflowId: 'b' })).toBe(42)
})

test('definitions name their own task queue, and a loom without workers said serves it', async () => {
  const elsewhere = activity({ name: 'elsewhere', taskQueue: 'gpu' }, async (_: unknown, { info }) => info.activityType)
  const own = workflow(
    { name: 'own', taskQueue: 'orders' },
    async (ctx) => `${ctx.info.taskQueue} ${await ctx.run(elsewhere, 0)}`,
  )
  const loom = await open({ definitions: [own, elsewhere] })

  expect(await loom.execute(own, { workflowId: 'w' })).toBe('orders elsewhere')
})
