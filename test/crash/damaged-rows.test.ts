/** Bytes that are not what was written: whoever meets them is told so, and everybody else goes on. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { afterPrefix, u8 } from '../../src/base/bytes.js'
import { uuidKey } from '../../src/base/uuid.js'
import { ROW_KINDS } from '../../src/history/rows.js'
import { openLoom, type Loom } from '../../src/loom.js'
import { TASK_KINDS } from '../../src/shard/shard.js'
import { LevelDatabase } from '../../src/storage/level-database.js'
import { rowPrefix } from '../../src/storage/level-keys.js'
import { level } from '../../src/storage/level.js'
import { shardId } from '../../src/storage/medium.js'
import { activity, workflow } from '../../src/workflow/define.js'

const CORRUPT = { code: 'LOOM_CORRUPT' }
/** One shard, so that all of them are neighbours. */
const SHARD_COUNT = 1

let folder: string
let loom: Loom | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardloom-damaged-'))
  loom = await open()
})
afterEach(async () => {
  await loom?.close()
  await rm(folder, { recursive: true })
})

test('in the history of a run that has ended: its result and description are refused, others are given', async () => {
  const damaged = await loom!.start(greeting, { workflowId: 'damaged', input: 'a' })
  const sound = await loom!.start(greeting, { workflowId: 'sound', input: 'b' })
  await Promise.all([damaged.result(), sound.result()])

  await reopenWith(() => damage(ROW_KINDS.history, damaged.runId))

  await expect(loom!.handle('damaged').describe()).rejects.toMatchObject(CORRUPT)
  await expect(loom!.handle('damaged').result()).rejects.toMatchObject(CORRUPT)
  await expect(collect(loom!.handle('damaged', damaged.runId).history())).rejects.toMatchObject(CORRUPT)
  expect(await loom!.handle('sound').result()).toBe('hello b')
  expect(await loom!.execute(greeting, { workflowId: 'new', input: 'c' })).toBe('hello c')
})

test('in the history of a run that waits: its signals are refused, its neighbours get theirs', async () => {
  const damaged = await loom!.start(waiting, { workflowId: 'damaged' })
  await loom!.start(waiting, { workflowId: 'sound' })

  await reopenWith(() => damage(ROW_KINDS.history, damaged.runId))

  await expect(loom!.handle(waiting, 'damaged').signal('go')).rejects.toMatchObject(CORRUPT)
  await expect(loom!.start(waiting, { workflowId: 'damaged' })).rejects.toMatchObject(CORRUPT)
  await loom!.handle(waiting, 'sound').signal('go')
  expect(await loom!.handle('sound').result()).toBe('went')
})

test('in the history of a run whose timer is due: the timer goes to the dead letters, others fire', async () => {
  const damaged = await loom!.start(sleeping, { workflowId: 'damaged' })
  await loom!.start(sleeping, { workflowId: 'sound' })

  await reopenWith(() => damage(ROW_KINDS.history, damaged.runId))

  expect(await loom!.handle('sound').result()).toBe('slept')
  await until(async () => (await loom!.admin.deadLetters.list()).length > 0)
  expect(await loom!.admin.deadLetters.list()).toMatchObject([{ workflowId: 'damaged', runId: damaged.runId }])
})

test('in the history of a run whose activity was running: others are tried again', async () => {
  const damaged = await loom!.start(working, { workflowId: 'damaged' })
  await loom!.start(working, { workflowId: 'sound' })
  await until(() => loom!.admin.stats().runningActivityCount === 2)
  await loom!.close({ graceMs: 0 })
  isStuck = false

  await damage(ROW_KINDS.history, damaged.runId)
  loom = await open()

  expect(await loom.handle('sound').result()).toBe('worked in attempt 2')
  await expect(loom.handle('damaged').describe()).rejects.toMatchObject(CORRUPT)
})

test.each([
  ['the current run of an id', ROW_KINDS.currentRun],
  ['its history', ROW_KINDS.history],
])('in the row of %s: a start of that id is refused', async (_name, kind) => {
  const damaged = await loom!.start(waiting, { workflowId: 'damaged' })

  await reopenWith(() => damage(kind, damaged.runId))

  await expect(loom!.start(waiting, { workflowId: 'damaged' })).rejects.toMatchObject(CORRUPT)
})

test.each([
  ['a timer', TASK_KINDS.timer],
  ['an open attempt', TASK_KINDS.attempt],
])('in the row of %s: the store is not opened, for work would be lost in silence', async (_name, kind) => {
  const { runId } = await loom!.start(kind === TASK_KINDS.timer ? sleeping : working, { workflowId: 'damaged' })
  await until(() => kind === TASK_KINDS.timer || loom!.admin.stats().runningActivityCount === 1)
  await loom!.close({ graceMs: 0 })
  loom = undefined

  await damage(kind, runId)

  await expect(open()).rejects.toMatchObject(CORRUPT)
})

// ---- what runs

let isStuck = true
beforeEach(() => {
  isStuck = true
})

const greeting = workflow({ name: 'greeting' }, async (_ctx, name: string) => `hello ${name}`)

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const waiting = workflow({ name: 'waiting', signals: { go: anything } }, async (ctx) => {
  await ctx.signal('go')
  return 'went'
})

const sleeping = workflow({ name: 'sleeping' }, async (ctx) => {
  await ctx.sleep(600)
  return 'slept'
})

const work = activity({ name: 'work', retry: { initialInterval: 10 } }, async (_: undefined, { attempt, signal }) => {
  while (isStuck && !signal.aborted) await pause(10)
  if (isStuck) await new Promise(() => {})
  return `worked in attempt ${attempt}`
})
const working = workflow({ name: 'working' }, (ctx) => ctx.run(work))

function open(): Promise<Loom> {
  const definitions = [greeting, waiting, sleeping, work, working]
  return openLoom({ medium: level(folder), shardCount: SHARD_COUNT, definitions })
}

async function reopenWith(change: () => Promise<void>): Promise<void> {
  await loom!.close()
  loom = undefined
  await change()
  loom = await open()
}

/** Flips a bit in the middle of each row of that kind which names the run, in its key or in its value. */
async function damage(kind: number, runId: string): Promise<void> {
  const db = await LevelDatabase.open(folder, { writeBufferBytes: 1 << 20, blockCacheBytes: 1 << 20, sync: true })
  const runKey = uuidKey(runId)
  let found = 0
  const prefix = rowPrefix(shardId('history', 0)) + u8(kind)
  for await (const page of db.pages({ gte: prefix, lt: afterPrefix(prefix) })) {
    for (const [key, value] of page) {
      const bytes = Buffer.from(value)
      if (!key.includes(runKey) && !bytes.includes(runKey, 0, 'utf8')) continue
      bytes[bytes.length >> 1]! ^= 0x10
      const batch = db.begin()
      batch.put(key, bytes)
      await db.write(batch)
      found++
    }
  }
  await db.close()
  expect(found).toBeGreaterThan(0)
}

async function collect(events: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const event of events) all.push(event)
  return all
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await holds()) return
    await pause(10)
  }
  throw new Error('it did not come to hold')
}
