/** Closed executions go when their retention is over, rows and all; nothing else does. */
import { beforeEach, expect, test } from 'vitest'
import { uuidKey } from '../../src/base/uuid.js'
import { namespaceKey, currentRunKey } from '../../src/history/rows.js'
import { retentionKey } from '../../src/queue/task-keys.js'
import { ringHash } from '../../src/shard/ring.js'
import { TASK_KINDS } from '../../src/shard/shard.js'
import type { Clock } from '../../src/base/clock.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import type { Loom } from '../../src/loom.js'
import type { MemoryStore } from '../../src/storage/memory-store.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import { shardId } from '../../src/storage/medium.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { workflow } from '../../src/workflow/define.js'
import { Faults } from '../history/shards-rig.js'
import { Lines, open, rowsOf } from './rig.js'

const HOUR = 3_600_000
const NOT_FOUND = { code: 'LOOM_NOT_FOUND' }
const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const

const greeting = workflow({ name: 'greeting' }, async (_ctx, name: string) => `hello ${name}`)
const waiting = workflow({ name: 'waiting', signals: { go: anything } }, async (ctx) => {
  for await (const go of ctx.signals('go')) if (go === 'end') return 'went'
  return 'never'
})
const countdown = workflow({ name: 'countdown' }, async (ctx, n: number): Promise<string> => {
  await ctx.sleep('10 minutes')
  if (n > 0) return await ctx.continueAsNew(n - 1)
  return 'zero'
})

let clock: VirtualClock
let store: MemoryStore
let logger: Lines
beforeEach(() => {
  clock = new VirtualClock()
  store = memoryStore()
  logger = new Lines()
})

test('a closed one is there until its retention is over, and then gone with all of its rows', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'w')

  await clock.advance(HOUR - 1)
  expect(await loom.handle('w').result()).toBe('hello w')
  await clock.advance('2 s')

  await expect(loom.handle('w').result()).rejects.toMatchObject(NOT_FOUND)
  expect(rowsOf(store)).toEqual([])
  expect(loom.admin.stats().deletedRunCount).toBe(1)
})

test('an open one stays, however long', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await loom.start(waiting, { workflowId: 'open' })

  await clock.advance('30 days')

  expect((await loom.handle('open').describe()).status).toBe('Running')
})

test('without a retention they stay for ever, and nothing more is written', async () => {
  const loom = await openWith({})
  await greet(loom, 'w')
  expect(rowsOf(store).length).toBe(2)

  await clock.advance('1000 days')

  expect(await loom.handle('w').result()).toBe('hello w')
})

test('with one, a closed execution has one row more', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'w')
  expect(rowsOf(store).length).toBe(3)
})

test('what closed before the loom was opened again goes in time, whatever is set then', async () => {
  const first = await openWith({ retentionMs: HOUR })
  await greet(first, 'hour')
  await first.close({ graceMs: 0 })
  const second = await openWith({ retentionMs: 10 * HOUR })
  await greet(second, 'ten hours')
  await second.close({ graceMs: 0 })
  const third = await openWith({})
  await greet(third, 'for ever')

  await clock.advance(2 * HOUR)
  await expect(third.handle('hour').result()).rejects.toMatchObject(NOT_FOUND)
  expect(await third.handle('ten hours').result()).toBe('hello ten hours')

  await clock.advance(9 * HOUR)
  await expect(third.handle('ten hours').result()).rejects.toMatchObject(NOT_FOUND)
  expect(await third.handle('for ever').result()).toBe('hello for ever')
})

test('the runs of a chain go one after the other; the id is free when the last has gone', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  const first = await loom.start(countdown, { workflowId: 'w', input: 2 })
  await clock.advance('31 minutes')
  const last = await loom.handle('w').describe()

  await clock.advance('40 minutes')
  await expect(loom.handle('w', first.runId).describe()).rejects.toMatchObject(NOT_FOUND)
  expect(await loom.handle('w').describe()).toMatchObject({ runId: last.runId, status: 'Completed' })

  await clock.advance('20 minutes')
  await expect(loom.handle('w').describe()).rejects.toMatchObject(NOT_FOUND)
  expect(rowsOf(store)).toEqual([])
})

test('an id that is used again belongs to its newer run when the older one goes', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'w')
  await clock.advance('30 minutes')
  const newer = await loom.start(waiting, { workflowId: 'w' })

  await clock.advance(HOUR)

  await newer.signal('go', 'end')
  await clock.settle()
  expect((await loom.handle('w').describe()).runId).toBe(newer.runId)
})

test('a thousand and more, that closed at one time or at many, go all', async () => {
  const loom = await openWith({ retentionMs: HOUR, maxDeletedRows: 100 })
  for (let n = 0; n < 30; n++) {
    await greet(loom, ...Array.from({ length: n % 10 === 0 ? 300 : 3 }, (_, i) => `${n}-${i}`))
    await clock.advance(n % 7 === 0 ? '20 minutes' : '7 ms')
  }

  await clock.advance(2 * HOUR)

  expect(rowsOf(store)).toEqual([])
  expect(loom.admin.stats().deletedRunCount).toBe(3 * 300 + 27 * 3)
})

test('a history of many rows is looked through, and goes in several commits', async () => {
  const loom = await openWith({ retentionMs: HOUR, maxDeletedRows: 10 })
  const handle = await loom.start(waiting, { workflowId: 'w' })
  for (let n = 0; n < 100; n++) await handle.signal('go', n)
  await handle.signal('go', 'end')

  await clock.advance(2 * HOUR)

  expect(rowsOf(store)).toEqual([])
})

test('deleted before its time, it is not missed when that comes', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'w')
  await loom.handle('w').delete()
  expect(rowsOf(store)).toEqual([])
  await greet(loom, 'w')

  await clock.advance(HOUR / 2)

  expect(await loom.handle('w').result()).toBe('hello w')
  expect(logger.messages).toEqual([])
})

test('a retention that is shorter than a commit takes: it goes all the same', async () => {
  const loom = await openWith({ retentionMs: 1, retentionSweepMs: 10 })
  for (let n = 0; n < 50; n++) {
    await greet(loom, `${n}`)
    await clock.advance(n % 13)
  }

  await clock.advance('2 s')

  expect(rowsOf(store)).toEqual([])
})

test('a clock that steps back hides none', async () => {
  let backMs = 0
  const stepping: Clock = {
    nowMs: () => clock.nowMs() - backMs,
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, fn) => clock.setTimer(delayMs, fn),
    clearTimer: (handle) => clock.clearTimer(handle),
    soon: (fn) => clock.soon(fn),
  }
  const loom = await openWith({ retentionMs: 10_000 }, { clock: stepping })
  await greet(loom, 'before')
  await clock.advance('1 day')
  expect(rowsOf(store)).toEqual([])
  backMs = HOUR
  await greet(loom, 'after')

  await clock.advance(2 * HOUR)

  expect(rowsOf(store)).toEqual([])
})

test('a damaged row of the queue is logged; its execution stays, and the others go', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'sound')
  await greet(loom, 'damaged')
  flip(loom, 'damaged', (key) => key.charCodeAt(0) === TASK_KINDS.retention)

  await clock.advance(2 * HOUR)

  await expect(loom.handle('sound').result()).rejects.toMatchObject(NOT_FOUND)
  expect(await loom.handle('damaged').result()).toBe('hello damaged')
  expect(logger.messages).toEqual(['a retention row is damaged: the execution that it is of is not deleted'])
})

test('a damaged row of the current run is logged, and its execution stays', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'sound')
  await greet(loom, 'damaged')
  const key = currentRunKey(namespaceKey(loom.namespaceId), 'damaged')
  flip(loom, 'damaged', (one) => one === key)

  await clock.advance(2 * HOUR)

  await expect(loom.handle('sound').result()).rejects.toMatchObject(NOT_FOUND)
  expect(logger.messages).toEqual(['a closed execution is not deleted: its rows are damaged'])
})

test('one whose history is damaged goes: nobody could use it', async () => {
  const loom = await openWith({ retentionMs: HOUR })
  await greet(loom, 'w')
  const { runId } = await loom.handle('w').describe()
  flip(loom, 'w', (key) => key.slice(1, 17) === uuidKey(runId))

  await clock.advance(2 * HOUR)

  expect(rowsOf(store)).toEqual([])
})

test('on a medium that reads nothing at once they go too', async () => {
  const faults = new Faults()
  faults.rowsSlowly = Promise.resolve()
  const loom = await openWith({ retentionMs: HOUR }, { medium: faults.medium })
  await greet(loom, 'w')
  await greet(loom, 'used again')
  await loom.start(waiting, { workflowId: 'used again' })

  await clock.advance(2 * HOUR)

  await expect(loom.handle('w').result()).rejects.toMatchObject(NOT_FOUND)
  expect((await loom.handle('used again').describe()).status).toBe('Running')
})

test('what could not be read is read again', async () => {
  const faults = new Faults()
  const loom = await openWith({ retentionMs: HOUR, timerLookAheadMs: 10 * HOUR }, { medium: faults.medium })
  await clock.advance(HOUR / 2)
  await greet(loom, 'w')
  const fault = Object.assign(new Error('made up'), { code: 'LOOM_UNAVAILABLE' })
  faults.scanErrors.push(fault, fault)

  await clock.advance(HOUR + 60_000)

  expect(faults.scanErrors).toEqual([])
  await expect(loom.handle('w').result()).rejects.toMatchObject(NOT_FOUND)
})

test('nothing waits for what is kept: no timer runs while nothing was closed', async () => {
  await openWith({ retentionMs: HOUR })
  await clock.advance('10 minutes')

  // What is left looks for timers.
  const lookAheadMs = clock.nextDueMs()! - clock.nowMs()
  expect(lookAheadMs).toBeGreaterThan(60_000)
})

test('a retention that is none is refused', async () => {
  await expect(openWith({ retentionMs: 0 })).rejects.toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining('retentionMs') as string,
  })
})

test('its key is found by the time that it is due', () => {
  const [early, late] = [retentionKey(1_700_000_000_123, 7), retentionKey(1_700_000_000_124, 1)]
  expect(early < late).toBe(true)
})

function openWith(settings: LoomOptions['settings'], options: Partial<LoomOptions> = {}): Promise<Loom> {
  const definitions = [greeting, waiting, countdown]
  // Nobody else is there, and a heartbeat each second is much on days of virtual time.
  const quiet = { leaseMs: 1e10, timerLookAheadMs: 24 * HOUR, ...settings }
  return open({ medium: memory({ store }), clock, logger, definitions, settings: quiet, ...options })
}

async function greet(loom: Loom, ...workflowIds: readonly string[]): Promise<void> {
  const results = workflowIds.map((workflowId) => loom.execute(greeting, { workflowId, input: workflowId }))
  await clock.settle()
  await Promise.all(results)
}

/** Damages the row of that id's shard which the key says. */
function flip(loom: Loom, workflowId: string, isWanted: (key: string) => boolean): void {
  const hash = ringHash(loom.namespaceId, workflowId)
  const index = Math.floor((hash * 4) / 2 ** 32)
  const rows = store.shard(shardId('history', index))!.rows({ gte: '\x00', lt: '\xff' })
  const row = rows.find((one) => one.hash === hash && isWanted(one.key))!
  row.value[row.value.length - 3]! ^= 0x10
}
