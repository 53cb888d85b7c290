/** Tasks that wait for a worker: handed out whole, once, and again when the first try fails. */
import { expect, test } from 'vitest'
import { activity, workflow } from '../../src/workflow/define.js'
import { faulty } from './faulty.js'
import { open, until } from './rig.js'

function slowActivity() {
  const running: (() => void)[] = []
  const counts = { now: 0, most: 0, started: 0 }
  const work = activity({ name: 'work', retry: { initialInterval: 1, maximumInterval: 1 } }, async () => {
    counts.started++
    counts.most = Math.max(counts.most, ++counts.now)
    await new Promise<void>((resolve) => running.push(resolve))
    counts.now--
  })
  return { work, running, counts }
}

test('the slot of an attempt whose start is not written is given back once', async () => {
  const rig = faulty()
  const { work, running, counts } = slowActivity()
  const w = workflow({ name: 'w' }, async (ctx) => ctx.run(work))
  const settings = { maxConcurrentActivities: 1, reopenInitialMs: 1, leaseMs: 20 }
  const loom = await open({ medium: rig.medium, shardCount: 1, definitions: [w, work], settings })
  for (let at = 0; at < 5; at++) await loom.start(w, { workflowId: `w${at}` })
  await until(() => counts.now === 1)

  // Its end frees the slot: the next one is started from the backlog, and that commit fails.
  rig.fails = 'commit'
  running.shift()!()
  await until(() => rig.fails === undefined && counts.now === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))

  expect(counts.most).toBe(1)
})

test('a task whose execution could not be read is handed out again', async () => {
  const rig = faulty()
  const { work, running, counts } = slowActivity()
  const w = workflow({ name: 'w' }, async (ctx) => ctx.run(work))
  const settings = { maxConcurrentActivities: 1, executionCacheCount: 1, dueRetryInitialMs: 10 }
  const loom = await open({ medium: rig.medium, shardCount: 1, definitions: [w, work], settings })
  for (let at = 0; at < 3; at++) await loom.start(w, { workflowId: `w${at}` })
  await until(() => counts.now === 1 && loom.admin.stats().executionCount === 1)

  rig.fails = 'read'
  while (counts.started < 3) {
    running.shift()?.()
    await until(() => counts.now === 1)
  }

  expect(rig.fails).toBeUndefined()
})

test('the backlog of a task queue is handed out whole, whatever shards it is of', async () => {
  const loom = await open({ settings: { maxBacklogInMemoryCount: 3 } })
  for (let at = 0; at < 40; at++) await loom.start('remote', { workflowId: `w${at}`, taskQueue: 'q' })
  const poll = { namespaceId: loom.namespaceId, taskQueue: 'q', identity: 'me', waitMs: 300 }

  const got = new Set<string | undefined>()
  for (let at = 0; at < 40; at++) got.add((await loom.service.pollWorkflowTask(poll))?.token.workflowId)

  expect(got.has(undefined)).toBe(false)
  expect(got.size).toBe(40)
})
