/** Steps: activities written in place, live and after a loss. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { workflow } from '../../src/workflow/define.js'
import { attributesOf, gate, open, reopenable, until } from './rig.js'

test('a step is an activity of its own type, with attempts and an idempotency key', async () => {
  const seen: unknown[] = []
  const steps = workflow({ name: 'steps' }, async (ctx) => {
    const first = await ctx.step(
      'charge',
      ({ attempt, idempotencyKey, info }) => {
        seen.push([attempt, idempotencyKey, info.activityType])
        if (attempt === 1) throw new Error('once')
        return { ok: true }
      },
      { retry: { initialInterval: 5 } },
    )
    return [first, await ctx.step('charge', async () => 'again')]
  })
  const loom = await open({ definitions: [steps] })

  const handle = await loom.start(steps, { workflowId: 'w' })

  expect(await handle.result()).toEqual([{ ok: true }, 'again'])
  expect(seen).toEqual([1, 2].map((attempt) => [attempt, `${handle.runId}/1`, 'step:charge#1']))
  const scheduled = await attributesOf(handle, 'ActivityTaskScheduled')
  expect(scheduled.map(({ activityType }) => activityType)).toEqual(['step:charge#1', 'step:charge#2'])
})

test('after a loss the code is replayed and the closure runs again', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  let mayEnd = false
  let attempts = 0
  const steps = workflow(
    {
      name: 'steps',
      signals: { go: z.any() },
    },
    async (ctx, input: number) => {
      const doubled = await ctx.step('double', () => input * 2)
      const local = `${doubled} of this replay`
      return await ctx.step(
        'slow',
        async () => {
          attempts++
          begun.open()
          if (!mayEnd) await new Promise(() => {})
          return local
        },
        { retry: { initialInterval: 5 } },
      )
    },
  )
  const first = await reopen({ definitions: [steps] })
  await first.start(steps, { workflowId: 'w', input: 21 })
  await begun.promise

  await first.close({ graceMs: 0 })
  mayEnd = true
  const second = await reopen({ definitions: [steps] })

  const handle = second.handle(steps, 'w')
  expect(await handle.result()).toBe('42 of this replay')
  expect(attempts).toBe(2)
  const started = await attributesOf(handle, 'ActivityTaskStarted')
  expect(started[1]).toMatchObject({ attempt: 2, lastFailure: { applicationType: 'WorkerLost' } })
})

test('steps run though there is no room for their code, and run together', async () => {
  const both = workflow({ name: 'both' }, async (ctx, n: number) => {
    const parts = await Promise.all([1, 2, 3].map((i) => ctx.step('part', () => n * i)))
    return parts.reduce((a, b) => a + b)
  })
  const loom = await open({ definitions: [both], settings: { codeCacheCount: 1, executionCacheCount: 1 } })

  const all = Array.from({ length: 30 }, (_, n) => loom.execute(both, { workflowId: `w${n}`, input: n }))

  expect(await Promise.all(all)).toEqual(Array.from({ length: 30 }, (_, n) => n * 6))
})

test('code that has no such step any more fails the attempt, which is tried again', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  const first = workflow({ name: 'w' }, async (ctx) => {
    return await ctx.step(
      'old',
      async () => {
        begun.open()
        await new Promise(() => {})
      },
      { retry: { initialInterval: 5 } },
    )
  })
  const changed = workflow({ name: 'w' }, async (ctx) => {
    return await ctx.step('new', () => 'new', { retry: { initialInterval: 5 } })
  })
  const one = await reopen({ definitions: [first] })
  await one.start(first, { workflowId: 'w' })
  await begun.promise
  await one.close({ graceMs: 0 })

  const two = await reopen({ definitions: [changed] })

  const handle = two.handle('w')
  await until(async () => (await handle.describe()).pendingActivities[0]!.attempt > 3)
  expect((await handle.describe()).pendingActivities[0]!.lastFailure).toMatchObject({
    applicationType: 'StepCodeGone',
    message: expect.stringContaining("the code asked for ScheduleActivityTask 'step:new#1'"),
  })
})

test('after a loss a step runs from where its workflow was, not from what happened since', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  let attempts = 0
  const buggy = workflow({ name: 'w', signals: { stop: z.any() } }, async (ctx) => {
    const slow = async (): Promise<void> => {
      if (++attempts > 1) return
      begun.open()
      await new Promise(() => {})
    }
    await ctx.race({
      work: (c) => c.step('slow', slow, { retry: { initialInterval: 5 } }),
      stop: (c) => c.signal('stop'),
    })
    throw new Error('a mistake')
  })
  const first = await reopen({ definitions: [buggy] })
  const handle = await first.start(buggy, { workflowId: 'w' })
  await begun.promise
  await handle.signal('stop')
  await until(async () => (await handle.describe()).stalled !== undefined)
  await first.close({ graceMs: 0 })

  const second = await reopen({ definitions: [buggy] })

  await until(async () => (await second.handle('w').describe()).pendingActivities.length === 0)
  expect(attempts).toBe(2)
})

test('a step that uses ctx brings its execution to a stop, with a word on why', async () => {
  const misuse = workflow({ name: 'misuse' }, async (ctx) => {
    await ctx.step('wrong', () => {
      void ctx.sleep(5)
    })
  })
  const loom = await open({ definitions: [misuse] })

  const handle = await loom.start(misuse, { workflowId: 'w' })

  await until(async () => (await handle.describe()).stalled !== undefined)
  expect((await handle.describe()).stalled).toMatchObject({ message: expect.stringContaining('ctx.sleep was called') })
})
