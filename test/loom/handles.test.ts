/** What handles show: description, history, logs, results after all. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { MediumFactory } from '../../src/storage/medium.js'
import { memory } from '../../src/storage/memory.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import { Lines, attributesOf, eventsOf, gate, open, rejection, reopenable, typesOf, until } from './rig.js'

const work = activity({ name: 'work' }, async (n: number) => n)
const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))

test('describe shows what an execution is and what it waits for', async () => {
  const mayEnd = gate()
  const held = activity({ name: 'held' }, () => mayEnd.promise)
  const busy = workflow({ name: 'busy' }, async (ctx) => {
    await Promise.all([ctx.run(held), ctx.sleep('1 h')])
  })
  const loom = await open({ definitions: [busy, held] })
  const beforeMs = Date.now()
  const handle = await loom.start(busy, { workflowId: 'w' })

  const description = await handle.describe()

  expect(description).toMatchObject({
    workflowId: 'w',
    runId: handle.runId,
    firstExecutionRunId: handle.runId,
    workflowType: 'busy',
    taskQueue: 'default',
    status: 'Running',
    historyLength: 6,
    closeTimeMs: undefined,
    pendingActivities: [{ activityType: 'held', state: 'Started', attempt: 1, scheduledEventId: 5 }],
    pendingTimers: [{ timerId: '2' }],
    pendingWorkflowTask: undefined,
    stalled: undefined,
  })
  expect(description.startTimeMs).toBeGreaterThanOrEqual(beforeMs)
  expect(description.pendingTimers[0]!.fireAtMs).toBeGreaterThan(beforeMs + 3_500_000)
  mayEnd.open()
  await handle.terminate()
})

test('histories name the host, and the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const loom = await open({ definitions: [parked], identity: 'host 7' })
  const handle = await loom.start(parked, { workflowId: 'w' })

  const [completed] = await attributesOf(handle, 'WorkflowTaskCompleted')
  const [started] = await attributesOf(handle, 'WorkflowExecutionStarted')

  expect(completed).toMatchObject({ identity: 'host 7', sdk: `shardloom/${version} node/${process.versions.node}` })
  expect(started!.identity).toBe('host 7')
})

test('history comes whole, from an event on, and in pages', async () => {
  const many = workflow({ name: 'many' }, async (ctx) => {
    for (let i = 0; i < 10; i++) await ctx.run(work, i)
  })
  const loom = await open({ definitions: [many, work] })
  const handle = await loom.start(many, { workflowId: 'w' })
  await handle.result()

  const all = await eventsOf(handle)
  const later: number[] = []
  for await (const { eventId } of handle.history({ fromEventId: 40 })) later.push(eventId)
  const sizes: number[] = []
  for await (const page of loom.handle('w').history({ pageEvents: 20 }).pages()) sizes.push(page.length)

  expect(all.map(({ eventId }) => eventId)).toEqual(Array.from({ length: 65 }, (_, i) => i + 1))
  expect(later).toEqual(Array.from({ length: 26 }, (_, i) => i + 40))
  expect(sizes).toEqual([20, 20, 20, 5])
})

test('pages of a history are of one run, though another begins meanwhile', async () => {
  const many = workflow({ name: 'many' }, async (ctx) => {
    for (let i = 0; i < 5; i++) await ctx.run(work, i)
  })
  const loom = await open({ definitions: [many, work] })
  await loom.execute(many, { workflowId: 'w' })

  const ids: number[] = []
  for await (const page of loom.handle('w').history({ pageEvents: 20 }).pages()) {
    ids.push(...page.map(({ eventId }) => eventId))
    await loom.start('elsewhere', { workflowId: 'w', workflowIdConflictPolicy: 'UseExisting', taskQueue: 'nobody' })
  }

  expect(ids).toEqual(Array.from({ length: 35 }, (_, i) => i + 1))
})

test('a line of ctx.log waits until its task is durable', async () => {
  const logger = new Lines()
  const written = gate()
  const slow: MediumFactory = {
    create: (environment) => {
      const medium = memory().create(environment)
      const commit = medium.commit.bind(medium)
      medium.commit = async (batch) => {
        await written.promise
        return commit(batch)
      }
      return medium
    },
  }
  const talks = workflow({ name: 'talks' }, async (ctx) => ctx.log.info({}, 'said'))
  const loom = await open({ definitions: [talks], medium: slow, logger })
  const running = loom.execute(talks, { workflowId: 'w' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(logger.messages).toEqual([])

  written.open()
  await running

  await until(() => logger.messages.includes('said'))
})

test('lines of ctx.log are written once each, when their task is durable, with what they are about', async () => {
  const { open: reopen } = reopenable()
  const logger = new Lines()
  const talks = workflow({ name: 'talks', signals: { go: z.string() } }, async (ctx) => {
    ctx.log.info({ step: 1 }, 'before')
    await ctx.run(work, 1)
    ctx.log.warn({ step: 2 }, 'between')
    await ctx.signal('go')
    ctx.log.debug({}, 'after')
  })
  const first = await reopen({ definitions: [talks, work], logger })
  const handle = await first.start(talks, { workflowId: 'w' })
  await until(() => logger.messages.includes('between'))
  await first.close()

  const second = await reopen({ definitions: [talks, work], logger })
  await second.handle(talks, 'w').signal('go', 'x')
  await second.handle(talks, 'w').result()
  await until(() => logger.messages.includes('after'))

  expect(logger.messages).toEqual(['before', 'between', 'after'])
  expect(logger.all[0]).toEqual({
    level: 'info',
    fields: { workflowId: 'w', runId: handle.runId, workflowType: 'talks', step: 1 },
    message: 'before',
  })
})

test('activities log with what they are about, in the async context of nobody', async () => {
  const logger = new Lines()
  const storage = new AsyncLocalStorage<string>()
  const talks = activity({ name: 'talks' }, async (_: unknown, { log, info }) => {
    log.error({ a: 1 }, info.workflowType)
    return storage.getStore() ?? 'nobody'
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => `${storage.getStore()} ${await ctx.run(talks)}`)
  const loom = await open({ definitions: [calls, talks], logger })

  const handle = await storage.run('caller', () => loom.start(calls, { workflowId: 'w' }))

  expect(await handle.result()).toMatch(/^undefined /)
  expect(logger.all).toEqual([
    {
      level: 'error',
      fields: { workflowId: 'w', runId: handle.runId, activityId: '1', activityType: 'talks', attempt: 1, a: 1 },
      message: 'calls',
    },
  ])
})

test('a result that nobody asked for is no unhandled rejection, and is still there afterwards', async () => {
  const heard: unknown[] = []
  const hear = (reason: unknown): void => void heard.push(reason)
  process.on('unhandledRejection', hear)
  const fails = workflow({ name: 'fails' }, async () => {
    throw new ApplicationFailure('on purpose', { details: [{ a: 1 }] })
  })
  const loom = await open({ definitions: [fails] })
  const handle = await loom.start(fails, { workflowId: 'w' })
  await until(async () => (await handle.describe()).status === 'Failed')
  await new Promise((resolve) => setImmediate(resolve))

  process.off('unhandledRejection', hear)
  expect(heard).toEqual([])
  for (const one of [handle, loom.handle('w'), loom.handle(fails, 'w', handle.runId)]) {
    const error = await rejection(one.result())
    expect(error).toMatchObject({ status: 'Failed', message: 'workflow w failed: on purpose' })
    expect(error.cause).toMatchObject({ details: [{ a: 1 }] })
  }
})

test('results asked for again and again are the same', async () => {
  const loom = await open({ definitions: [parked] })
  const handle = await loom.start(parked, { workflowId: 'w' })
  const early = [handle.result(), loom.handle(parked, 'w').result()]

  await handle.signal('go', 'x')

  expect(await Promise.all([...early, handle.result(), loom.handle(parked, 'w').result()])).toEqual([
    'x',
    'x',
    'x',
    'x',
  ])
})

test('shards and numbers are there for operators', async () => {
  const loom = await open({ definitions: [parked] })
  for (let i = 0; i < 20; i++) await loom.start(parked, { workflowId: `w${i}` })

  const shards = loom.admin.shards.list()

  expect(shards.map(({ shard }) => shard)).toEqual([0, 1, 2, 3])
  expect(shards[0]).toMatchObject({ attemptCount: 0, timerCount: 0, backlogCount: 0, deadLetterCount: 0 })
  expect(loom.admin.stats()).toMatchObject({
    turnCount: 20,
    executionCount: 20,
    codeCount: 20,
    runningActivityCount: 0,
  })
  expect(await loom.admin.deadLetters.list()).toEqual([])
  expect(await loom.admin.deadLetters.purge(1)).toBe(false)
  expect(await loom.admin.deadLetters.retry(1)).toBe(false)
})

test('the verbs as plain data: a worker of another process takes tasks by poll', async () => {
  const loom = await open({ workers: [] })
  const { service, namespaceId } = loom
  const handle = await loom.start('remote', { workflowId: 'w', input: 5 })
  const poll = { namespaceId, taskQueue: 'default', identity: 'remote worker', waitMs: 5000 }

  const task = await service.pollWorkflowTask(poll)
  await service.respondWorkflowTaskCompleted({
    token: task!.token,
    commands: [{ type: 'CompleteWorkflowExecution', result: task!.history[0]!.attributes['input' as never] }],
    identity: 'remote worker',
    sdk: 'test',
    returnNewWorkflowTask: false,
    forceCreateNewWorkflowTask: false,
  })

  expect(await handle.result()).toBe(5)
  expect(await typesOf(handle)).toContain('WorkflowTaskCompleted')
})
