/** Activities that say that they are alive: time-outs when they do not, and how far they came for the next attempt. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { attributesOf, gate, open, reopenable, typesOf, until } from './rig.js'

const quickly = { initialInterval: 5 } as const

test('an attempt that falls silent times out, and the next goes on from where it was', async () => {
  const seen: unknown[] = []
  const aborted = gate<unknown>()
  const copy = activity(
    { name: 'copy', heartbeatTimeout: 60, retry: quickly },
    async (_: unknown, { heartbeat, heartbeatDetails, attempt, signal, info }) => {
      seen.push([attempt, heartbeatDetails, info.heartbeatTimeoutMs])
      if (attempt > 1) return heartbeatDetails
      signal.addEventListener('abort', () => aborted.open((signal.reason as { timeoutType?: string }).timeoutType))
      heartbeat({ page: 7 })
      await new Promise(() => {})
      return undefined
    },
  )
  const copies = workflow({ name: 'copies' }, async (ctx) => ctx.run(copy, 0))
  const loom = await open({ definitions: [copies, copy] })

  const handle = await loom.start(copies, { workflowId: 'w' })

  expect(await handle.result()).toEqual({ page: 7 })
  expect(seen).toEqual([
    [1, undefined, 60],
    [2, { page: 7 }, 60],
  ])
  await aborted.promise
  const [started] = await attributesOf(handle, 'ActivityTaskStarted')
  expect(started).toMatchObject({ attempt: 2, lastFailure: { type: 'timeout', timeoutType: 'Heartbeat' } })
})

test('an attempt that is heard of lives longer than its heartbeat time-out, and history does not grow by it', async () => {
  const slow = activity({ name: 'slow', heartbeatTimeout: 100 }, async (_: unknown, { heartbeat, attempt }) => {
    for (let i = 0; i < 30; i++) {
      heartbeat(i)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return attempt
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(slow, 0))
  const loom = await open({ definitions: [calls, slow] })

  const handle = await loom.start(calls, { workflowId: 'w' })

  expect(await handle.result()).toBe(1)
  expect((await typesOf(handle)).filter((type) => type.startsWith('Activity'))).toEqual([
    'ActivityTaskScheduled',
    'ActivityTaskStarted',
    'ActivityTaskCompleted',
  ])
})

test('what was said last before a failure reaches the next attempt, of a step too', async () => {
  const steps = workflow({ name: 'steps' }, async (ctx) =>
    ctx.step(
      's',
      ({ attempt, heartbeat, heartbeatDetails }) => {
        if (attempt > 1) return heartbeatDetails
        for (let i = 0; i < 5; i++) heartbeat(i)
        throw new Error('broken off')
      },
      { heartbeatTimeout: '10 s', retry: quickly },
    ),
  )
  const loom = await open({ definitions: [steps] })

  expect(await loom.execute(steps, { workflowId: 'w' })).toBe(4)
})

test('details outlive the loom whose attempt it was', async () => {
  const { open: reopen } = reopenable()
  const beat = gate()
  const seen: unknown[] = []
  const copy = activity({ name: 'copy', retry: quickly }, async (_: unknown, { heartbeat, heartbeatDetails }) => {
    if (heartbeatDetails !== undefined) return void seen.push(heartbeatDetails)
    heartbeat('half')
    beat.open()
    await new Promise(() => {})
  })
  const copies = workflow({ name: 'copies' }, async (ctx) => ctx.run(copy, 0))
  const first = await reopen({ definitions: [copies, copy] })
  await first.start(copies, { workflowId: 'w' })
  await beat.promise
  await first.close({ graceMs: 0 })

  const second = await reopen({ definitions: [copies, copy] })
  await second.handle('w').result()

  expect(seen).toEqual(['half'])
})

test('a remote worker hears with its heartbeat that the activity was called off', async () => {
  const remote = activity({ name: 'remote', taskQueue: 'far', heartbeatTimeout: '10 s' }, async (_: unknown) => 1)
  const calls = workflow({ name: 'calls', signals: { stop: z.unknown() } }, async (ctx) => {
    await ctx.race({ run: (c) => c.run(remote, 0), stop: (c) => c.signal('stop') })
    await ctx.sleep('1 h')
  })
  const loom = await open({ definitions: [calls] })
  const handle = await loom.start(calls, { workflowId: 'w' })
  const poll = { namespaceId: loom.namespaceId, taskQueue: 'far', identity: 'far', waitMs: 1000 }
  const task = (await loom.service.pollActivityTask(poll))!
  const beat = { token: task.token, details: undefined, identity: 'far' }

  expect(task.heartbeatTimeoutMs).toBe(10_000)
  expect(await loom.service.recordActivityTaskHeartbeat(beat)).toEqual({ cancelRequested: false })
  await handle.signal('stop')
  await until(async () => (await handle.describe()).pendingActivities[0]!.state === 'CancelRequested')
  expect(await loom.service.recordActivityTaskHeartbeat(beat)).toEqual({ cancelRequested: true })
})

test('details that cannot be sent are refused where they are said', async () => {
  const odd = activity({ name: 'odd', retry: { maximumAttempts: 1 } }, async (_: unknown, { heartbeat }) => {
    heartbeat(() => {})
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => {
    try {
      await ctx.run(odd, 0)
    } catch (error) {
      return ((error as Error).cause as Error).message
    }
    return 'nothing'
  })
  const loom = await open({ definitions: [calls, odd] })

  expect(await loom.execute(calls, { workflowId: 'w' })).toContain("heartbeat of activity 'odd': a function")
})

test('a loom that is closed hears nothing more, and has no timers left', async () => {
  let go!: () => void
  let said = 0
  const deaf = activity({ name: 'deaf', heartbeatTimeout: 50 }, async (_: unknown, { heartbeat }) => {
    heartbeat()
    await new Promise<void>((resolve) => (go = resolve))
    heartbeat()
    said++
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(deaf, 0))
  const loom = await open({ definitions: [calls, deaf] })
  await loom.start(calls, { workflowId: 'w' })
  await until(() => go !== undefined)
  await loom.close({ graceMs: 0 })

  go()
  await until(() => said === 1)
})
