/** Activities that are answered from outside of their functions, by id. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ActivityIds } from '../../src/client/activity-handle.js'
import type { Loom } from '../../src/loom.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import { gate, open, rejection, until } from './rig.js'

/** Nobody takes it: no worker is there for its queue. */
const far = activity(
  { name: 'far', taskQueue: 'far', output: z.object({ by: z.string() }), retry: { maximumAttempts: 1 } },
  async (_: unknown) => ({ by: 'nobody' }),
)
const calls = workflow({ name: 'calls' }, async (ctx) => {
  try {
    return (await ctx.run(far, 0)).by
  } catch (error) {
    return `failed: ${((error as Error).cause as Error).message}`
  }
})

async function scheduled(loom: Loom, workflowId: string): Promise<ActivityIds> {
  const handle = await loom.start(calls, { workflowId })
  const { activityId } = (await handle.describe()).pendingActivities[0]!
  return { workflowId, activityId, runId: handle.runId }
}

async function take(loom: Loom): Promise<void> {
  const poll = { namespaceId: loom.namespaceId, taskQueue: 'far', identity: 'far', waitMs: 5000 }
  expect(await loom.service.pollActivityTask(poll)).toBeDefined()
}

test('an activity that no worker has taken is completed by its id, and the workflow goes on', async () => {
  const loom = await open({ definitions: [calls] })
  const { workflowId, activityId } = await scheduled(loom, 'w')

  await loom.activity({ workflowId, activityId }).complete({ by: 'ada' })

  expect(await loom.handle('w').result()).toBe('ada')
  const again = await rejection(loom.activity({ workflowId, activityId }).complete({ by: 'ada' }))
  expect(again.code).toBe('LOOM_NOT_FOUND')
})

test('an attempt that a remote worker has taken is heard of, and fails, by its id', async () => {
  const loom = await open({ definitions: [calls] })
  const handle = loom.activity(await scheduled(loom, 'w'))
  expect((await rejection(handle.heartbeat(1))).code).toBe('LOOM_NOT_FOUND')
  await take(loom)

  expect(await handle.heartbeat({ page: 1 })).toEqual({ cancelRequested: false })
  expect((await rejection(handle.reportCanceled('bye'))).code).toBe('LOOM_INVALID_ARGUMENT')
  await handle.fail(ApplicationFailure.nonRetryable('no room'))

  expect(await loom.handle('w').result()).toBe('failed: no room')
})

test('any error may be what it failed with', async () => {
  const loom = await open({ definitions: [calls] })
  const handle = loom.activity(await scheduled(loom, 'w'))
  await take(loom)

  await handle.fail(new TypeError('odd'))

  expect(await loom.handle('w').result()).toBe('failed: odd')
})

test('a function of this process that is overtaken by its id is told to stop, and what it returns is dropped', async () => {
  const stopped = gate<unknown>()
  const overtaken = activity({ name: 'overtaken' }, async (_: unknown, { signal }) => {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    stopped.open((signal.reason as Error).message)
    return 'own'
  })
  const runs = workflow({ name: 'runs' }, async (ctx) => ctx.run(overtaken, 0))
  const loom = await open({ definitions: [runs, overtaken] })
  const handle = await loom.start(runs, { workflowId: 'w' })
  await until(async () => (await handle.describe()).pendingActivities[0]?.state === 'Started')

  await loom.activity({ workflowId: 'w', activityId: '1' }).complete('given')

  expect(await handle.result()).toBe('given')
  expect(await stopped.promise).toBe('the activity has ended without this attempt')
})

test('ids that cannot be are refused, and results that cannot be sent', async () => {
  const loom = await open({ definitions: [calls] })
  const bad = [{ workflowId: '', activityId: '1' }, { workflowId: 'w', activityId: '' }, { workflowId: 'w' }]
  for (const ids of bad) expect(() => loom.activity(ids as never)).toThrow('ids.')
  expect(() => loom.activity({ workflowId: 'w', activityId: '1', runId: 'x' })).toThrow('not a UUID')
  expect(() => loom.activity({ workflowId: 'w', activityId: '1', run: 'x' } as never)).toThrow("'run'")
  const handle = loom.activity({ workflowId: 'w', activityId: '1' })
  expect((await rejection(handle.complete(() => {}))).code).toBe('LOOM_INVALID_ARGUMENT')
  expect((await rejection(handle.complete(1))).code).toBe('LOOM_NOT_FOUND')
})
