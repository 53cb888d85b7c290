/**
 * What ends while a remote worker holds the workflow task waits in a buffer, and has no row of its own any more: an
 * execution that is read back just then must not look for that row, nor delete it again.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StartedHandle } from '../../src/client/handle.js'
import { openLoom, type Loom } from '../../src/loom.js'
import type { Command } from '../../src/protocol/command.js'
import type { WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { memory } from '../../src/storage/memory.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { activity } from '../../src/workflow/define.js'

const IDENTITY = 'remote'
const QUEUE = 'remote'
const OTHERS = 10

const local = activity({ name: 'local', taskQueue: 'local' }, async () => 'done')

let medium: MediumFactory
let loom: Loom
let handle: StartedHandle
beforeEach(async () => {
  medium = memory()
  await open()
  handle = await loom.start('any', { workflowId: 'w', taskQueue: QUEUE })
})
afterEach(() => loom.close())

test.each(['remote', 'local'])('an activity of a %s worker', async (taskQueue) => {
  const first = await poll()
  const options = { activityId: 'a', activityType: 'local', taskQueue, startToCloseTimeoutMs: 20_000 }
  const timer = { type: 'StartTimer', timerId: 't', startToFireTimeoutMs: 20 } as const
  await handle.signal('while the task is held')
  // Its end, and the timer's, come while the next task is held.
  const held = (await answer(first, [{ type: 'ScheduleActivityTask', ...options }, timer], true))!
  if (taskQueue === 'remote') await work()
  await pause(100)
  await evict()

  const { pendingActivities } = await handle.describe()
  await answer(held, [])
  await answer(await poll(), [{ type: 'CompleteWorkflowExecution' }])

  expect(pendingActivities).toEqual([])
  const types: string[] = []
  for await (const { eventType } of handle.history()) types.push(eventType)
  const [scheduled, started, ...ends] = types.filter((type) => /^(Activity|Timer)/.test(type))
  expect([scheduled, started]).toEqual(['ActivityTaskScheduled', 'TimerStarted'])
  // Flushed together: what ends activities comes last. Whether the timer or the worker was first is a matter of load.
  expect(ends.at(-1)).toBe('ActivityTaskCompleted')
  expect(ends.sort()).toEqual(['ActivityTaskCompleted', 'ActivityTaskStarted', 'TimerFired'])
  await loom.close()
  // Counts the rows that are left against the head.
  await open()
  expect(rowCounts()).toEqual([0, 0, OTHERS])
})

async function open(): Promise<void> {
  const settings = { executionCacheCount: 1 }
  loom = await openLoom({ medium, shardCount: 1, definitions: [local], workers: [{ taskQueue: 'local' }], settings })
}

/** Others take its place in the cache. Their workflow tasks wait for a worker that never comes. */
async function evict(): Promise<void> {
  for (let i = 0; i < OTHERS; i++) await loom.start('any', { workflowId: `o${i}`, taskQueue: 'nobody' })
  await pause(20)
}

function rowCounts(): readonly number[] {
  const [shard] = loom.admin.shards.list()
  return [shard!.attemptCount, shard!.timerCount, shard!.backlogCount]
}

async function poll(): Promise<WorkflowTask> {
  const { namespaceId, service } = loom
  const task = await service.pollWorkflowTask({ namespaceId, taskQueue: QUEUE, identity: IDENTITY, waitMs: 2000 })
  expect(task).toBeDefined()
  return task!
}

async function answer(
  { token }: WorkflowTask,
  commands: readonly Command[],
  returnNewWorkflowTask = false,
): Promise<WorkflowTask | undefined> {
  const plain = { identity: IDENTITY, sdk: '', returnNewWorkflowTask, forceCreateNewWorkflowTask: false }
  const { newTask } = await loom.service.respondWorkflowTaskCompleted({ token, commands, ...plain })
  return newTask
}

async function work(): Promise<void> {
  const { namespaceId, service } = loom
  const task = await service.pollActivityTask({ namespaceId, taskQueue: QUEUE, identity: IDENTITY, waitMs: 2000 })
  await service.respondActivityTaskCompleted({ token: task!.token, result: undefined, identity: IDENTITY })
}
