/**
 * A delete that is cut off behind any of its commits: whoever opens the store next finds the execution whole, or does not find
 * it, and in the end no row of it is left.
 */
import { afterEach, expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import { openLoom, type Loom } from '../../src/loom.js'
import { readHead } from '../../src/shard/shard.js'
import { MediumBrokenError } from '../../src/storage/errors.js'
import type { MemoryStore } from '../../src/storage/memory-store.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import { shardId, type MediumFactory } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'
import { rowsOf, SHARD_COUNT, until } from '../loom/rig.js'

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const SIGNALS = 12
const NOT_FOUND = { code: 'LOOM_NOT_FOUND' }

const waiting = workflow({ name: 'waiting', signals: { go: anything } }, async (ctx) => {
  const nap = ctx.sleep('1 day')
  for await (const go of ctx.signals('go')) if (go === 'end') return 'went'
  await nap
  return 'never'
})

const opened: Loom[] = []
afterEach(async () => {
  for (const loom of opened.splice(0)) await loom.close({ graceMs: 0 })
})

test.each([
  ['an open one', true, 3, false],
  ['an open one, and nobody hears of the last commit', true, 3, true],
  ['an open one in one commit', true, 1000, false],
  ['a closed one', false, 3, false],
  ['a closed one, and nobody hears of the last commit', false, 3, true],
  ['a closed one in one commit', false, 1000, false],
])('the delete of %s', async (_name, isOpen, maxDeletedRows, isLastUnheard) => {
  const settings = { maxDeletedRows, retentionMs: 3_600_000, retentionSweepMs: 10 }
  const cutCounts = new Set<number>()
  for (let commits = 0; ; commits++) {
    const { store, limit, loom } = await openToDie(settings)
    const { runId } = await fill(loom, isOpen)
    limit.left = commits
    limit.isLastUnheard = isLastUnheard
    const wasTold = await outcome(loom.handle('w').delete())
    await waitForRest(loom, store, limit)
    const wasWhole = limit.left > 0
    await kill(loom, limit)

    const next = await openOn(store, settings)
    if (wasTold) await expectGone(next, runId)
    // From its first commit on it goes on by itself.
    if (commits === 0) await next.handle('w', runId).delete()
    await until(() => rowsOf(store).length === 0)
    expect(pendingCounts(store)).toEqual([])
    cutCounts.add(commits)
    if (wasWhole) break
  }
  // Terminated, and then gone; or that many commits for a longer one.
  expect(Math.max(...cutCounts)).toBeGreaterThanOrEqual((isOpen ? 1 : 0) + (maxDeletedRows === 3 ? 5 : 1))
})

test.each([
  ['many short ones', 2, 40],
  ['long ones', SIGNALS, 3],
])('the end of the retention of %s', async (_name, signals, count) => {
  const settings = { maxDeletedRows: 3, retentionMs: 1, retentionSweepMs: 10 }
  for (let commits = 0; commits < 12; commits++) {
    const { store, limit, loom } = await openToDie({ ...settings, retentionMs: 40 })
    for (let n = 0; n < count; n++) await fill(loom, false, idOf(n), signals)
    limit.left = Math.min(limit.left, commits)
    await until(() => limit.left === 0 || rowsOf(store).length === 0)
    await kill(loom, limit)

    const next = await openOn(store, settings)
    for (let n = 0; n < count; n++) await expectWholeOrGone(next, idOf(n))
    await until(() => rowsOf(store).length === 0)
    expect(pendingCounts(store)).toEqual([])
  }
})

test('while it goes on nobody reads the half of it', async () => {
  const { store, loom, limit } = await openToDie({ maxDeletedRows: 400 })
  const { runId } = await fill(loom, false, 'w', 2500)
  const reading = loom.handle('w', runId).history().pages()[Symbol.asyncIterator]()
  expect((await reading.next()).done).toBe(false)
  const read = readAll(loom, runId)

  await loom.handle('w', runId).delete()

  // The next page is of an execution that is gone, not the end of it.
  await expect(reading.next()).rejects.toMatchObject(NOT_FOUND)
  expect(await read).toSatisfy((events: unknown) => events === 'gone' || (events as number) > 5000)
  await until(() => rowsOf(store).length === 0)
  expect(limit.left).toBeGreaterThan(0)
})

// ---- executions

async function fill(loom: Loom, isOpen: boolean, workflowId = 'w', signals = SIGNALS): Promise<{ runId: string }> {
  const handle = await loom.start(waiting, { workflowId })
  for (let n = 0; n < signals; n++) await handle.signal('go', n)
  if (isOpen) return handle
  await handle.signal('go', 'end')
  await handle.result()
  return handle
}

async function readAll(loom: Loom, runId: string): Promise<number | 'gone'> {
  let count = 0
  try {
    for await (const page of loom.handle('w', runId).history().pages()) count += page.length
  } catch (error) {
    if (isLoomError(error, 'LOOM_NOT_FOUND')) return 'gone'
    throw error
  }
  return count
}

async function expectGone(loom: Loom, runId: string): Promise<void> {
  await expect(loom.handle('w').describe()).rejects.toMatchObject(NOT_FOUND)
  await expect(loom.handle('w', runId).describe()).rejects.toMatchObject(NOT_FOUND)
  await expect(loom.handle('w', runId).result()).rejects.toMatchObject(NOT_FOUND)
}

/** By its id, and by whatever else would find it. */
async function expectWholeOrGone(loom: Loom, workflowId: string): Promise<void> {
  try {
    expect(await loom.handle(workflowId).result()).toBe('went')
  } catch (error) {
    expect(error).toMatchObject(NOT_FOUND)
  }
}

async function outcome(promise: Promise<unknown>): Promise<boolean> {
  try {
    await promise
    return true
  } catch (error) {
    expect(isLoomError(error)).toBe(true)
    return false
  }
}

/** A delete that was told goes on until the medium breaks, or nothing is left. */
async function waitForRest(loom: Loom, store: MemoryStore, limit: Limit): Promise<void> {
  if (limit.left > 0) await until(() => limit.left === 0 || rowsOf(store).length === 0)
}

/** Rows that the heads count, of shards where there are any. */
function pendingCounts(store: MemoryStore): string[] {
  return Array.from({ length: SHARD_COUNT }, (_, index) => shardId('history', index)).flatMap((id) => {
    const head = store.shard(id)?.head
    if (head === undefined) return []
    const { pending } = readHead(head, id)
    return pending.flatMap((count, kind) => (count === 0 ? [] : [`shard ${id}: ${count} of kind ${kind}`]))
  })
}

// ---- looms

interface Limit {
  /** Commits that are still written. */
  left: number
  isLastUnheard: boolean
}

/** A loom whose medium is dead after so many commits; of the last one nobody hears that it was written. */
async function openToDie(
  settings: LoomOptions['settings'],
): Promise<{ readonly store: MemoryStore; readonly limit: Limit; readonly loom: Loom }> {
  const store = memoryStore()
  const limit: Limit = { left: Infinity, isLastUnheard: false }
  const medium: MediumFactory = {
    create: (environment) => {
      const inner = memory({ store }).create(environment)
      const commit = inner.commit.bind(inner)
      inner.commit = async (batch) => {
        if (limit.left <= 0) throw new MediumBrokenError('dead')
        limit.left--
        const outcomes = await commit(batch)
        if (limit.left === 0 && limit.isLastUnheard) throw new MediumBrokenError('dead, as far as anybody knows')
        return outcomes
      }
      return inner
    },
  }
  const quick = { reopenInitialMs: 1, reopenMaximumMs: 5, leaseMs: 50, ...settings }
  const loom = await openLoom({ medium, shardCount: SHARD_COUNT, definitions: [waiting], settings: quick })
  opened.push(loom)
  return { store, limit, loom }
}

async function kill(loom: Loom, limit: Limit): Promise<void> {
  limit.left = Math.min(limit.left, 0)
  await loom.close({ graceMs: 0 })
  opened.splice(opened.indexOf(loom), 1)
}

async function openOn(store: MemoryStore, settings: LoomOptions['settings']): Promise<Loom> {
  const options = { medium: memory({ store }), shardCount: SHARD_COUNT, definitions: [waiting] }
  const loom = await openLoom({ ...options, settings: { ...settings } })
  opened.push(loom)
  return loom
}

/** None is the beginning of another: the memory medium wants that of the keys of one range. */
function idOf(n: number): string {
  return `w${String(n).padStart(3, '0')}`
}
