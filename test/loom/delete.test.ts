/** An execution that is deleted is gone, with all of its rows, and its id is free. */
import { expect, test } from 'vitest'
import { u8 } from '../../src/base/bytes.js'
import { uuidKey } from '../../src/base/uuid.js'
import { ROW_KINDS } from '../../src/history/rows.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Loom } from '../../src/loom.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import { attributesOf, eventsOf, gate, Lines, open, rejection, reopenable, rowsOf, typesOf, until } from './rig.js'

const NOT_FOUND = { code: 'LOOM_NOT_FOUND' }
const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const

const greeting = workflow(
  { name: 'greeting', queries: { mood: anything } },
  async (_ctx, name: string) => `hello ${name}`,
)
const waiting = workflow({ name: 'waiting', signals: { go: anything } }, async (ctx) => {
  for await (const go of ctx.signals('go')) if (go === 'end') return 'went'
  return 'never'
})
const countdown = workflow({ name: 'countdown' }, async (ctx, n: number): Promise<string> => {
  if (n > 0) return await ctx.continueAsNew(n - 1)
  return 'zero'
})
const definitions = [greeting, waiting, countdown]

test('a closed one: no verb finds it, and no row of it is left', async () => {
  const { store, ...looms } = reopenable()
  const loom = await looms.open({ definitions })
  const handle = await loom.start(greeting, { workflowId: 'w', input: 'ada' })
  await handle.result()

  await handle.delete()

  await expectGone(loom, handle)
  expect(rowsOf(store)).toEqual([])
})

test('its id and its request id are as if they had never been', async () => {
  const loom = await open({ definitions })
  const start = { workflowId: 'w', requestId: 'r', input: 'ada', workflowIdReusePolicy: 'RejectDuplicate' } as const
  const first = await loom.start(greeting, start)
  await first.result()
  expect((await loom.start(greeting, start)).runId).toBe(first.runId)

  await first.delete()
  const second = await loom.start(greeting, start)

  expect(second.runId).not.toBe(first.runId)
  expect(await second.result()).toBe('hello ada')
  expect((await loom.handle('w').describe()).runId).toBe(second.runId)
})

test('an open one is terminated first: those who wait are told, and what was pending is gone', async () => {
  const started = gate()
  const ending = gate<string>()
  const work = activity({ name: 'work' }, async () => {
    started.open()
    return await ending.promise
  })
  const working = workflow({ name: 'working' }, async (ctx) => {
    const nap = ctx.sleep('1 day')
    await Promise.all([ctx.run(work), nap])
  })
  const { store, ...looms } = reopenable()
  const logger = new Lines()
  const loom = await looms.open({ definitions: [working, work], logger })
  const handle = await loom.start(working, { workflowId: 'w' })
  const told = rejection(loom.handle('w').result())
  await started.promise

  await handle.delete()

  expect(await told).toMatchObject({ message: expect.stringContaining('Delete workflow execution') as string })
  await expectGone(loom, handle)
  expect(rowsOf(store)).toEqual([])
  // What ends late is of nobody.
  ending.open('late')
  await until(() => loom.admin.stats().runningActivityCount === 0)
  expect(logger.messages).toEqual([])
  expect(loom.admin.shards.list().map((shard) => shard.attemptCount + shard.timerCount)).toEqual([0])
})

test('a task of a polling worker is answered too late', async () => {
  const loom = await open()
  const start = { workflowId: 'w', taskQueue: 'remote' }
  const { service, namespaceId } = loom
  const handle = await loom.start('elsewhere', start)
  const poll = { namespaceId, taskQueue: 'remote', identity: 'worker', waitMs: 0 }
  const task = (await service.pollWorkflowTask(poll))!

  await handle.delete()

  const { token } = task
  const answer = { token, commands: [], identity: 'worker', sdk: '' }
  await expect(
    service.respondWorkflowTaskCompleted({
      ...answer,
      returnNewWorkflowTask: false,
      forceCreateNewWorkflowTask: false,
    }),
  ).rejects.toMatchObject(NOT_FOUND)
  expect(await service.pollWorkflowTask(poll)).toBeUndefined()
})

test('of a chain each run goes by itself', async () => {
  const { store, ...looms } = reopenable()
  const loom = await looms.open({ definitions })
  const first = await loom.start(countdown, { workflowId: 'w', input: 2 })
  await first.result()
  const [{ newExecutionRunId: between } = {}] = await attributesOf(first, 'WorkflowExecutionContinuedAsNew')
  const last = await loom.handle('w').describe()

  await first.delete()
  await expectGoneRun(loom, first.runId)
  expect((await loom.handle('w').describe()).runId).toBe(last.runId)
  await loom.handle('w').delete()
  await expectGoneRun(loom, last.runId)
  await expect(loom.handle('w').describe()).rejects.toMatchObject(NOT_FOUND)

  // What is left is the history of the run between them.
  expect(rowsOf(store).length).toBeGreaterThan(0)
  expect(rowsOf(store).filter((row) => !row.includes(` ${u8(ROW_KINDS.history)}${uuidKey(between!)}`))).toEqual([])
  expect((await typesOf(loom.handle('w', between))).at(-1)).toBe('WorkflowExecutionContinuedAsNew')
})

test('an older run goes, and the open one of its id stays', async () => {
  const loom = await open({ definitions })
  const older = await loom.start(greeting, { workflowId: 'w', input: 'ada' })
  await older.result()
  const current = await loom.start(waiting, { workflowId: 'w' })

  await loom.handle('w', older.runId).delete()

  await expectGoneRun(loom, older.runId)
  await current.signal('go', 'end')
  expect(await current.result()).toBe('went')
})

test('what was never there, or is gone already, is not found', async () => {
  const loom = await open({ definitions })
  await expect(loom.handle('nobody').delete()).rejects.toMatchObject(NOT_FOUND)
  const handle = await loom.start(greeting, { workflowId: 'w', input: 'ada' })
  await handle.result()

  await handle.delete()

  await expect(handle.delete()).rejects.toMatchObject(NOT_FOUND)
})

test('many who delete it at once are all told that it is gone', async () => {
  const { store, ...looms } = reopenable()
  const loom = await looms.open({ definitions, settings: { maxDeletedRows: 2 } })
  const handle = await loom.start(waiting, { workflowId: 'w' })
  for (let n = 0; n < 10; n++) await handle.signal('go', n)

  const others = Array.from({ length: 8 }, () => loom.handle('w', handle.runId))
  await Promise.all([handle, ...others].map((one) => one.delete()))

  await expectGone(loom, handle)
  await until(() => rowsOf(store).length === 0)
})

test('a run that begins while the one before it is deleted is the current one', async () => {
  const loom = await open({ definitions, settings: { maxDeletedRows: 1 } })
  for (let n = 0; n < 50; n++) {
    const older = await loom.start(greeting, { workflowId: 'w', input: `${n}` })
    await older.result()

    const deleted = older.delete()
    for (let turns = n % 5; turns > 0; turns--) await Promise.resolve()
    const newer = await loom.start(greeting, { workflowId: 'w', input: 'newer' })
    await deleted

    expect((await loom.handle('w').describe()).runId).toBe(newer.runId)
    await newer.result()
  }
})

test('a long history goes in several commits, and is not found from the first of them on', async () => {
  const { store, ...looms } = reopenable()
  const loom = await looms.open({ definitions, settings: { maxDeletedRows: 3 } })
  const handle = await loom.start(waiting, { workflowId: 'w' })
  for (let n = 0; n < 40; n++) await handle.signal('go', n)
  await handle.signal('go', 'end')
  await handle.result()
  const before = loom.admin.stats().flushCount

  await handle.delete()
  await expectGone(loom, handle)
  expect(rowsOf(store).length).toBeGreaterThan(0)

  await until(() => rowsOf(store).length === 0)
  expect(loom.admin.stats().flushCount - before).toBeGreaterThan(10)
})

test('a request that is none is refused', async () => {
  const { service, namespaceId } = await open()
  const request = { namespaceId, workflowId: '', identity: 'me' }
  await expect(service.deleteWorkflow(request)).rejects.toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining('workflowId') as string,
  })
})

async function expectGone(loom: Loom, handle: WorkflowHandle): Promise<void> {
  const byId = loom.handle(handle.workflowId)
  await expect(byId.describe()).rejects.toMatchObject(NOT_FOUND)
  await expect(byId.signal('go')).rejects.toMatchObject(NOT_FOUND)
  await expect(byId.terminate()).rejects.toMatchObject(NOT_FOUND)
  await expect(byId.query('mood')).rejects.toMatchObject(NOT_FOUND)
  await expect(byId.cancel()).rejects.toMatchObject(NOT_FOUND)
  await expect(handle.result()).rejects.toMatchObject(NOT_FOUND)
  await expectGoneRun(loom, handle.runId!)
}

async function expectGoneRun(loom: Loom, runId: string): Promise<void> {
  const byRun = loom.handle('w', runId)
  await expect(byRun.describe()).rejects.toMatchObject(NOT_FOUND)
  await expect(byRun.result()).rejects.toMatchObject(NOT_FOUND)
  await expect(eventsOf(byRun)).rejects.toMatchObject(NOT_FOUND)
}
