/**
 * What the level medium costs by itself: rows of one-activity workflows through `commit`, opening a ring with and without
 * heads, reading. `npx tsx bench/level.ts`
 *
 * The rows are made beforehand, so that commits are the medium's cost alone; `bare` is a chained batch of the same rows.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { u32, u48 } from '../src/base/bytes.js'
import { systemClock } from '../src/base/clock.js'
import { silentLogger } from '../src/base/log.js'
import { systemRandom } from '../src/base/random.js'
import { UuidV7Source } from '../src/base/uuid.js'
import { LevelDatabase } from '../src/storage/level-database.js'
import { shardOfHash } from '../src/storage/hash-shard.js'
import { level } from '../src/storage/level.js'
import type { Change, Key, Medium, ShardCommit } from '../src/storage/medium.js'

const SHARDS = 512
const TRANSITIONS_A_FLUSH = 120
const FLUSHES = 1500
const RING = 131_072
const SELF = { host: 'bench', incarnation: 'bench' }

const runIds = new UuidV7Source(systemRandom)
const history = Buffer.alloc(431, 'abcdefghijklmnopqrstuvwxyz')
const [currentRun, task, head] = [history.subarray(0, 48), history.subarray(0, 32), history.subarray(0, 20)]
let next = 1

const directory = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'shardloom-bench-'))
try {
  await benchBare(join(directory, 'bare'))
  await benchCommits(join(directory, 'commits'))
  await benchReads(join(directory, 'commits'))
  await benchRing(join(directory, 'ring'))
} finally {
  rmSync(directory, { recursive: true })
}

/** What a start writes, by shard: current run, history, task. */
function newFlush(): Map<number, Map<Key, Change>> {
  const shards = new Map<number, Map<Key, Change>>()
  for (let i = 0; i < TRANSITIONS_A_FLUSH; i++) {
    const hash = Math.imul(next, 2654435761) >>> 0
    const shard = shardOfHash(hash, SHARDS)
    let changes = shards.get(shard)
    if (changes === undefined) shards.set(shard, (changes = new Map()))
    changes.set(`@0123456789abcdefworkflow-${next}`, { hash, value: currentRun })
    changes.set(`A${runIds.next(systemClock.nowMs()).key}\0${u32(1)}`, { hash, value: history })
    changes.set(`\x01${u48(next)}`, { hash, value: next % 2 === 0 ? undefined : task })
    next++
  }
  return shards
}

async function benchBare(path: string): Promise<void> {
  const db = await LevelDatabase.open(path, { writeBufferBytes: 16 << 20, blockCacheBytes: 8 << 20, sync: true })
  await measureFlushes('bare chained batch', async (shards) => {
    const batch = db.begin()
    let rows = 0
    for (const [shard, changes] of shards) {
      for (const [key, { hash, value }] of changes) {
        if (value === undefined) batch.del(key + u32(hash))
        else batch.put(key + u32(hash), value)
      }
      batch.put(`H${u32(shard)}`, head)
      rows += changes.size + 1
    }
    await db.write(batch)
    return rows
  })
  await db.close()
}

async function benchCommits(path: string): Promise<void> {
  const medium = await opened(path, SHARDS)
  const { claimed } = await medium.claim(Array.from({ length: SHARDS }, (_, i) => i))
  const { fence } = claimed[0]!
  const seqs = new Uint32Array(SHARDS)
  await measureFlushes('commit', async (shards) => {
    const batch: ShardCommit[] = []
    let rows = 0
    for (const [shard, changes] of shards) {
      batch.push({ shard, fence, seq: ++seqs[shard]!, head, clears: [], changes, consumed: [] })
      rows += changes.size + 1
    }
    await medium.commit(batch)
    return rows
  })
  await medium.close()
}

async function measureFlushes(
  what: string,
  flush: (shards: Map<number, Map<Key, Change>>) => Promise<number>,
): Promise<void> {
  let rows = 0
  let wallMs = 0
  let cpuUs = 0
  for (let i = 0; i < FLUSHES; i++) {
    const shards = newFlush()
    const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
    rows += await flush(shards)
    const { user, system } = process.cpuUsage(cpu)
    wallMs += performance.now() - startedMs
    cpuUs += user + system
  }
  const perRow = (us: number): number => Number((us / rows).toFixed(2))
  const rowsPerS = Math.round(rows / (wallMs / 1000))
  console.log(
    JSON.stringify({
      what,
      rows,
      rowsPerS,
      wallUs: perRow(wallMs * 1000),
      cpuUs: perRow(cpuUs),
    }),
  )
}

async function benchReads(path: string): Promise<void> {
  const medium = await opened(path, SHARDS)
  await medium.claim(Array.from({ length: SHARDS }, (_, i) => i))
  const kinds = { tasks: 0, runs: 0 }
  let startedMs = performance.now()
  for await (const page of medium.scanAll('claimed', { gte: '\0', lt: '@' })) kinds.tasks += page.length
  console.log(JSON.stringify({ what: 'scanAll', rows: kinds.tasks, ms: since(startedMs) }))
  startedMs = performance.now()
  for await (const page of medium.scanKind(0x40)) kinds.runs += page.length
  console.log(JSON.stringify({ what: 'scanKind', rows: kinds.runs, ms: since(startedMs) }))
  startedMs = performance.now()
  for (let i = 0; i < 20_000; i++) medium.getSync!(0, { key: `@0123456789abcdefworkflow-${i}x`, hash: 5 })
  console.log(
    JSON.stringify({ what: 'getSync of an absent row', us: Number(((performance.now() - startedMs) / 20).toFixed(2)) }),
  )
  await medium.close()
}

async function benchRing(path: string): Promise<void> {
  const shards = Array.from({ length: RING }, (_, i) => i)
  for (const isFull of [false, true]) {
    for (let round = 0; round < 4; round++) {
      const startedMs = performance.now()
      const medium = await opened(path, RING)
      const openMs = since(startedMs)
      const { claimed } = await medium.claim(shards)
      const { heads, fence } = claimed[0]!
      console.log(
        JSON.stringify({
          what: 'open and claim a ring',
          shards: RING,
          heads: heads.size,
          openMs,
          totalMs: since(startedMs),
        }),
      )
      if (!isFull && round === 3) await writeAllHeads(medium, fence)
      await medium.close()
    }
  }
}

async function writeAllHeads(medium: Medium, fence: ShardCommit['fence']): Promise<void> {
  for (let from = 0; from < RING; from += 4096) {
    await medium.commit(
      Array.from({ length: 4096 }, (_, i) => ({
        shard: from + i,
        fence,
        seq: 1,
        head,
        clears: [],
        changes: new Map(),
        consumed: [],
      })),
    )
  }
}

async function opened(path: string, history: number): Promise<Medium> {
  const medium = level(path).create({ clock: systemClock, logger: silentLogger })
  await medium.open(SELF, { spaces: { history }, leaseMs: 10_000 })
  return medium
}

function since(startedMs: number): number {
  return Number((performance.now() - startedMs).toFixed(1))
}
