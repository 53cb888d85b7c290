/** Code that cannot go on: the execution waits for mended code, visible and never lost. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { Lines, attributesOf, open, rejection, reopenable, typesOf, until } from './rig.js'

const work = activity({ name: 'work' }, async (n: number) => n)

test('a mistake stalls the execution; mended code goes on from there when the store is opened again', async () => {
  const { open: reopen } = reopenable()
  const logger = new Lines()
  const buggy = workflow({ name: 'w' }, async (ctx): Promise<number> => {
    const n = await ctx.run(work, 41)
    throw new TypeError(`cannot read ${n}`)
  })
  const mended = workflow({ name: 'w' }, async (ctx) => 1 + (await ctx.run(work, 41)))
  const first = await reopen({ definitions: [buggy, work], logger })
  const handle = await first.start(buggy, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  const { stalled, status } = await handle.describe()
  expect(status).toBe('Running')
  expect(stalled).toMatchObject({
    reason: 'WorkflowWorkerUnhandledFailure',
    message: 'cannot read 41',
    hint: expect.stringContaining('Mend the code'),
  })
  expect(stalled!.nextTryAtMs).toBeGreaterThan(Date.now() + 500_000)
  expect(logger.all.find(({ level }) => level === 'error')).toMatchObject({
    fields: { workflowId: 'w', runId: handle.runId },
    message: expect.stringContaining('stalled: cannot read 41'),
  })
  const [failed] = await attributesOf(handle, 'WorkflowTaskFailed')
  expect(failed).toMatchObject({ cause: 'WorkflowWorkerUnhandledFailure', failure: { applicationType: 'TypeError' } })
  await first.close()

  const second = await reopen({ definitions: [mended, work] })

  expect(await second.handle(mended, 'w').result()).toBe(42)
  expect((await second.handle('w').describe()).stalled).toBeUndefined()
})

test('unchanged code is tried once at open, then when its time comes; history does not grow by it', async () => {
  const { open: reopen } = reopenable()
  let runs = 0
  const buggy = workflow({ name: 'w' }, async (): Promise<void> => {
    runs++
    throw new Error('still')
  })
  const settings = { stalledRetryMs: 150 }
  const first = await reopen({ definitions: [buggy], settings })
  await first.start(buggy, { workflowId: 'w' })
  await until(async () => (await first.handle('w').describe()).stalled !== undefined)
  const before = await typesOf(first.handle('w'))
  await first.close()

  const second = await reopen({ definitions: [buggy], settings })
  await until(() => runs === 2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(runs).toBe(2)
  await until(() => runs === 3)

  expect(await typesOf(second.handle('w'))).toEqual(before)
})

test('what was mended in a function that the workflow calls shows when the store is opened again', async () => {
  const { open: reopen } = reopenable()
  let isMended = false
  const helper = (): string => {
    if (isMended) return 'mended'
    throw new Error('not yet')
  }
  const w = workflow({ name: 'w' }, async () => helper())
  const first = await reopen({ definitions: [w] })
  await first.start(w, { workflowId: 'w' })
  await until(async () => (await first.handle('w').describe()).stalled !== undefined)
  await first.close()

  isMended = true
  const second = await reopen({ definitions: [w] })

  expect(await second.handle(w, 'w').result()).toBe('mended')
})

test('a stall says where the code was', async () => {
  const logger = new Lines()
  const buggy = workflow({ name: 'w' }, async function atThisPlace(): Promise<void> {
    throw new TypeError('no')
  })
  const { open: reopen } = reopenable()
  const loom = await reopen({ definitions: [buggy], logger })
  const handle = await loom.start(buggy, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  expect((await handle.describe()).stalled!.stackTrace).toContain('atThisPlace')
  expect(logger.all.find(({ level }) => level === 'error')!.fields['stackTrace']).toContain('atThisPlace')
  await loom.close()
  const again = await reopen({})
  expect((await again.handle('w').describe()).stalled!.stackTrace).toContain('atThisPlace')
})

test('retryStalled tries at once', async () => {
  let isBroken = true
  const fragile = workflow({ name: 'w' }, async () => {
    if (isBroken) throw new Error('not yet')
    return 'at last'
  })
  const loom = await open({ definitions: [fragile] })
  const handle = await loom.start(fragile, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  isBroken = false
  await handle.retryStalled()

  expect(await handle.result()).toBe('at last')
  expect(await rejection(handle.retryStalled())).toMatchObject({
    code: expect.stringMatching(/LOOM_NOT_FOUND|LOOM_EXECUTION_CLOSED/),
  })
})

test('waiting for what is not of ctx stalls', async () => {
  const foreign = workflow({ name: 'w' }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1))
  })
  const loom = await open({ definitions: [foreign] })
  const handle = await loom.start(foreign, { workflowId: 'w' })

  await until(async () => (await handle.describe()).stalled !== undefined)

  expect((await handle.describe()).stalled!.hint).toContain('ctx.step')
})

test('code that takes another path than history has stalls, and names the event', async () => {
  const { open: reopen } = reopenable()
  const signals = { go: z.string() }
  const before = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.run(work, 1)
    return await ctx.signal('go')
  })
  const after = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.sleep(1000)
    return await ctx.signal('go')
  })
  const first = await reopen({ definitions: [before, work] })
  const handle = await first.start(before, { workflowId: 'w' })
  await until(async () => (await handle.describe()).historyLength >= 10)
  await first.close()

  const second = await reopen({ definitions: [after, work] })
  const again = second.handle(after, 'w')
  await again.signal('go', 'x')
  await until(async () => (await again.describe()).stalled !== undefined)

  expect((await again.describe()).stalled).toMatchObject({
    reason: 'NonDeterministicError',
    eventId: 5,
    message:
      "event 5: history has ActivityTaskScheduled 'work' (id 1), but the code asked for StartTimer (id 1, 1000 ms)",
  })
  await second.close()

  const third = await reopen({ definitions: [before, work] })
  expect(await third.handle(before, 'w').result()).toBe('x')
})

test('a promise left alone that rejects stalls its execution, and the application hears nothing of it', async () => {
  const heard: unknown[] = []
  const hear = (reason: unknown): void => void heard.push(reason)
  process.on('unhandledRejection', hear)
  try {
    const careless = workflow({ name: 'w' }, async (ctx) => {
      void (async () => {
        await ctx.sleep(1)
        throw new Error('nobody looks')
      })()
      await ctx.sleep(1000)
    })
    const loom = await open({ definitions: [careless] })
    const handle = await loom.start(careless, { workflowId: 'w' })
    await until(async () => (await handle.describe()).stalled !== undefined)

    expect((await handle.describe()).stalled!.message).toContain('nobody looks')
    expect(heard).toEqual([])
  } finally {
    process.off('unhandledRejection', hear)
  }
})

test('the rejections of the application are its own, also while workflows run', async () => {
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const heard: unknown[] = []
  process.on('unhandledRejection', (reason) => heard.push(reason))
  try {
    const busy = workflow({ name: 'busy' }, async (ctx) => {
      for (let i = 0; i < 20; i++) await ctx.run(work, i)
    })
    const loom = await open({ definitions: [busy, work] })
    const running = loom.execute(busy, { workflowId: 'w' })
    for (let i = 0; i < 5; i++) {
      void Promise.reject(new Error(`mine ${i}`))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await running

    expect(heard.map((error) => (error as Error).message)).toEqual([0, 1, 2, 3, 4].map((i) => `mine ${i}`))
  } finally {
    process.removeAllListeners('unhandledRejection')
    for (const listener of before) process.on('unhandledRejection', listener)
  }
})

test('failOn makes errors of a class failures', async () => {
  class Refused extends Error {
    override name = 'Refused'
  }
  const strict = workflow({ name: 'w', failOn: [Refused] }, async () => {
    throw new Refused('no')
  })
  const loom = await open({ definitions: [strict] })

  const error = await rejection(loom.execute(strict, { workflowId: 'w' }))

  expect(error).toMatchObject({ status: 'Failed', cause: { type: 'Refused', message: 'no' } })
})

test('a stalled execution can be signalled and terminated, and neighbours go on', async () => {
  const stuck = workflow({ name: 'stuck', signals: { go: z.string() } }, async () => {
    throw new Error('stuck')
  })
  const fine = workflow({ name: 'fine' }, async (ctx) => ctx.run(work, 1))
  const loom = await open({ definitions: [stuck, fine, work] })
  const handle = await loom.start(stuck, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  await handle.signal('go', 'anyway')
  expect(await loom.execute(fine, { workflowId: 'fine' })).toBe(1)
  await handle.terminate('enough')

  expect(await rejection(handle.result())).toMatchObject({ status: 'Terminated' })
})
