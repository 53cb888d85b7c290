/** Tasks that were given up: whatever is done about them, the rows stay those that the heads count. */
import { setTimeout as pause } from 'node:timers/promises'
import { beforeEach, expect, test, vi } from 'vitest'
import { InvariantError } from '../../src/base/assert.js'
import type { Loom } from '../../src/loom.js'
import { Shard } from '../../src/shard/shard.js'
import { CorruptError } from '../../src/storage/errors.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { open, until } from '../loom/rig.js'
import { codeOf, Faults, QUICK } from './shards-rig.js'

const nap = workflow({ name: 'nap' }, async (ctx) => {
  await ctx.sleep(60)
  return 'slept'
})
const mistaken = workflow({ name: 'mistaken' }, async () => {
  throw new TypeError('a mistake')
})
// Not among the definitions: no worker here takes it.
const nowhere = activity({ name: 'nowhere', taskQueue: 'nobody', scheduleToClose: 900 }, async () => {})
const waiting = workflow({ name: 'waiting' }, (ctx) => ctx.run(nowhere))
const definitions = [nap, mistaken, waiting]
const settings = { ...QUICK, maxTaskAttempts: 1, executionCacheCount: 1 }

let faults: Faults
beforeEach(() => {
  faults = new Faults()
})

test('one that is retried fires its timer, and the store opens again', async () => {
  const loom = await withLetters('w')
  const [letter] = await loom.admin.deadLetters.list()

  expect(await loom.admin.deadLetters.retry(letter!.id)).toBe(true)

  expect(await loom.handle('w').result()).toBe('slept')
  expect(await loom.admin.deadLetters.list()).toEqual([])
  await expectSound(loom)
})

test('one of a run that is terminated goes with it', async () => {
  const loom = await withLetters('w')

  await loom.handle('w').terminate('enough')

  expect(await loom.admin.deadLetters.list()).toEqual([])
  expect(loom.admin.shards.list()[0]).toMatchObject({ timerCount: 0, deadLetterCount: 0 })
  await expectSound(loom)
})

test.each(['purge', 'retry'] as const)('one that two %s at once is taken by one of them', async (verb) => {
  const loom = await withLetters('w', 'v')
  const [{ id }] = (await loom.admin.deadLetters.list()) as unknown as readonly [{ id: number }]
  const { deadLetters } = loom.admin

  const taken = await Promise.all([deadLetters[verb](id), deadLetters.purge(id)])

  expect(taken).toEqual([true, false])
  expect(loom.admin.shards.list()[0]).toMatchObject({ timerCount: 2, deadLetterCount: 1 })
  await expectSound(loom)
})

test('one that is purged stays forgotten when the store is opened again, until its run ends', async () => {
  const loom = await withLetters('w')
  const [letter] = await loom.admin.deadLetters.list()

  await loom.admin.deadLetters.purge(letter!.id)
  const next = await expectSound(loom)
  await pause(100)

  expect(await next.admin.deadLetters.list()).toEqual([])
  expect(await next.admin.deadLetters.retry(letter!.id)).toBe(false)
  expect((await next.handle('w').describe()).status).toBe('Running')
  await next.handle('w').terminate()
  expect(next.admin.shards.list()[0]).toMatchObject({ timerCount: 0, deadLetterCount: 0 })
  await expectSound(next)
})

test('one that was not dealt with waits when the store is opened again', async () => {
  const loom = await withLetters('w')
  const letters = await loom.admin.deadLetters.list()

  const next = await expectSound(loom)
  await pause(100)

  expect(await next.admin.deadLetters.list()).toEqual(letters)
  await next.admin.deadLetters.retry(letters[0]!.id)
  expect(await next.handle('w').result()).toBe('slept')
})

test('one of a stalled run, brought forward at open, is of its row', async () => {
  const first = await open({ medium: faults.medium, shardCount: 1, definitions, settings })
  const handle = await first.start(mistaken, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)
  await first.close({ graceMs: 0 })

  const loom = await openUnreadable()
  await until(async () => (await loom.admin.deadLetters.list()).length > 0)
  faults.unreadable = undefined

  const next = await expectSound(loom)
  await next.handle('w').terminate()
  await expectSound(next)
})

test('an activity that times out beyond what is read ahead has one at most', async () => {
  const loom = await open({
    medium: faults.medium,
    shardCount: 1,
    definitions,
    settings: { ...settings, timerLookAheadMs: 400 },
  })
  await loom.start(waiting, { workflowId: 'w' })
  await loom.start(waiting, { workflowId: 'v' })
  for (let i = 0; i < 8; i++) await loom.start('other', { workflowId: `${i}`, taskQueue: 'remote' })
  await pause(700)

  faults.unreadable = new CorruptError('made unreadable')
  await pause(600)
  const letters = await loom.admin.deadLetters.list()
  faults.unreadable = undefined

  expect(letters.map(({ workflowId }) => workflowId).sort()).toEqual(['v', 'w'])
  await expectSound(loom)
})

test('one that cannot be written for a mistake of ours drops the shard, and nothing else is thrown', async () => {
  const first = await open({ medium: faults.medium, shardCount: 1, definitions, settings })
  await first.start(nap, { workflowId: 'w' })
  await first.close({ graceMs: 0 })
  const put = vi.spyOn(Shard.prototype, 'putLetter').mockImplementationOnce(() => {
    throw new InvariantError('made by the test')
  })

  const loom = await openUnreadable()
  await until(() => put.mock.calls.length === 2)
  faults.unreadable = undefined
  put.mockRestore()

  await until(async () => (await loom.admin.deadLetters.list().catch(codeOf)) instanceof Array)
  await until(async () => (await loom.admin.deadLetters.list()).length === 1)
  await expectSound(loom)
})

/** Their timers were due while their histories could not be read. */
async function withLetters(...workflowIds: readonly string[]): Promise<Loom> {
  const first = await open({ medium: faults.medium, shardCount: 1, definitions, settings })
  for (const workflowId of workflowIds) await first.start(nap, { workflowId })
  await first.close({ graceMs: 0 })
  const loom = await openUnreadable()
  await until(async () => (await loom.admin.deadLetters.list()).length === workflowIds.length)
  faults.unreadable = undefined
  return loom
}

function openUnreadable(): Promise<Loom> {
  faults.unreadable = new CorruptError('made unreadable')
  return open({ medium: faults.medium, shardCount: 1, definitions, settings })
}

/** A store is opened only if its heads count the rows that are there. */
async function expectSound(loom: Loom): Promise<Loom> {
  await loom.close({ graceMs: 0 })
  return await open({ medium: faults.medium, shardCount: 1, definitions, settings })
}
