/** What level does beyond the contract: shapes, formats, one fence a claim, full disks. */
import { execFileSync } from 'node:child_process'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { encodeRow } from '../../src/storage/codec.js'
import { LevelDatabase } from '../../src/storage/level-database.js'
import { META_KEY } from '../../src/storage/level-keys.js'
import { level } from '../../src/storage/level.js'
import { shardId, type Fence, type Medium, type Outcome, type ShardCommit } from '../../src/storage/medium.js'
import { openLevelStore, type LevelStoreAt } from './level-store-at.js'

const SELF = { host: 'a', incarnation: 'a1' }
const SHAPE = { spaces: { history: 8, hosts: 4 }, leaseMs: 1000 }
const OPTIONS = { writeBufferBytes: 1 << 20, blockCacheBytes: 1 << 20, sync: false }

test.each([
  [['', {}], 'level path'],
  [[42, {}], 'level path'],
  [['a', null], 'level options'],
  [['a', { writeBufferBytes: -1 }], 'level options.writeBufferBytes'],
  [['a', { blockCacheBytes: '16' }], 'level options.blockCacheBytes'],
  [['a', { sync: 1 }], 'level options.sync'],
  [['a', { writeBufferSize: 1 }], 'level options'],
])('level(…%j) is refused before anything is made', ([path, options], where) => {
  const make = (): unknown => level(path as string, options as object)

  expect(make).toThrow(expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT' }))
  expect(make).toThrow(`${where}: `)
})

let store: LevelStoreAt
beforeEach(async () => void (store = await openLevelStore()))
afterEach(() => store.dispose())

test('shards are claimed one by one without harm to the others of the store', async () => {
  const medium = await opened()
  const all = await fenceOf(medium, [0, 1, shardId('hosts', 2)])

  const one = await fenceOf(medium, [1])

  const outcomes = await medium.commit([
    commitOf(0, all),
    commitOf(1, all),
    commitOf(1, one),
    commitOf(shardId('hosts', 2), all),
  ])
  expect(outcomes.map(told)).toEqual(['ok', 'fenced', 'ok', 'ok'])
  await medium.close()
})

test('writes that are asked for at once are made one after the other, in that order', async () => {
  const medium = await opened()
  const fence = await fenceOf(medium, [0])
  const sent = Array.from({ length: 50 }, (_, i) => medium.commit([commitOf(0, fence, i + 1)]))
  const released = medium.release([0], fence)
  const late = medium.commit([commitOf(0, fence, 51)])

  expect((await Promise.all(sent)).flat().map(told)).toEqual(new Array(50).fill('ok'))
  await released
  expect((await late).map(told)).toEqual(['fenced'])
  await medium.close()
})

test('hundreds of heads are read as one range, each with its shard', async () => {
  const shape = { ...SHAPE, spaces: { history: 1000, hosts: 4 } }
  const shards = [...Array.from({ length: 1000 }, (_, i) => i), shardId('hosts', 1), shardId('hosts', 3)]
  const medium = await opened(shape)
  const fence = await fenceOf(medium, shards)
  const written = shards.filter((shard) => shard % 3 !== 0)
  await medium.commit(written.map((shard) => ({ ...commitOf(shard, fence), head: Buffer.from(`${shard}`) })))

  const { claimed } = await medium.claim(shards.slice(100))

  const expected = written.filter((shard) => shard >= 100)
  expect([...claimed[0]!.heads].map(([shard, { seq, bytes }]) => [shard, seq, Buffer.from(bytes).toString()])).toEqual(
    expected.map((shard) => [shard, 1, `${shard}`]),
  )
  await medium.close()
})

test('the directory is made for its owner alone', async () => {
  const path = join(store.directory, 'deep', 'er')
  const medium = level(path).create({ clock: systemClock, logger: silentLogger })
  await medium.open(SELF, SHAPE)

  expect((await stat(path)).mode & 0o777).toBe(0o700)
  await medium.close()
})

test('a path that is no directory is refused', async () => {
  const path = join(store.directory, 'file')
  await writeFile(path, '')
  const medium = level(path).create({ clock: systemClock, logger: silentLogger })

  await expect(medium.open(SELF, SHAPE)).rejects.toMatchObject({ code: 'LOOM_UNAVAILABLE' })
  await medium.close()
})

test.each([
  ['a newer format', [2, 'whatever', 'of', 'it'], 'LOOM_STORE_MISMATCH', /format 2\b.*\b1\b/],
  ['another hash', [1, 'crc', 'id', 1, []], 'LOOM_STORE_MISMATCH', /crc.*murmur3/],
  ['no shard count', [1, 'murmur3-x86-32/0', 'id', 1, []], 'LOOM_STORE_MISMATCH', /no history shards.*8/],
  ['no epoch', [1, 'murmur3-x86-32/0', 'id'], 'LOOM_CORRUPT', /row of the store/],
])('a store of %s is refused', async (_, meta, code, message) => {
  await put(META_KEY, encodeRow(meta))
  const medium = store.create()

  await expect(medium.open(SELF, SHAPE)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  })
  await medium.close()
})

test("somebody else's database is refused", async () => {
  await put('theirs', Buffer.from('data'))

  await expect(store.create().open(SELF, SHAPE)).rejects.toMatchObject({ code: 'LOOM_CORRUPT' })
})

test('a scan that is running when the store closes ends in LOOM_CLOSED', async () => {
  const medium = await opened()
  const fence = await fenceOf(medium, [0])
  const changes = new Map(
    Array.from({ length: 5000 }, (_, i) => [`\x01${String(i).padStart(5, '0')}`, { hash: 0, value: Buffer.alloc(9) }]),
  )
  await medium.commit([{ ...commitOf(0, fence), changes }])

  const scan = async (): Promise<void> => {
    for await (const page of medium.scanAll('claimed', { gte: '\0', lt: '@' }))
      if (page.length > 0) await medium.close()
  }

  await expect(scan()).rejects.toMatchObject({ code: 'LOOM_CLOSED' })
})

describe.skipIf(!canMount())('a disk that is full (skipped where this user may not mount a tmpfs)', () => {
  test('breaks the medium; a new one has every commit that was acknowledged', async () => {
    const path = join(store.directory, 'small')
    await mkdir(path)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path])
    try {
      const medium = level(path).create({ clock: systemClock, logger: silentLogger })
      await medium.open(SELF, SHAPE)
      const fence = await fenceOf(medium, [0])
      let acked = 0
      const fill = async (): Promise<void> => {
        for (;;) {
          const changes = new Map([[`A${acked + 1}`, { hash: 0, value: Buffer.alloc(50_000, 1) }]])
          await medium.commit([{ ...commitOf(0, fence, acked + 1), changes }])
          acked++
        }
      }

      const waiting = [fill(), medium.post([]).then(() => medium.post([{ shard: 0, id: '1', bytes: Buffer.alloc(0) }]))]
      await expect(waiting[0]).rejects.toMatchObject({ code: 'LOOM_UNAVAILABLE', name: 'MediumBrokenError' })
      await Promise.allSettled(waiting)
      await expect(medium.commit([commitOf(0, fence, acked + 1)])).rejects.toMatchObject({ name: 'MediumBrokenError' })
      await expect(medium.getMany(0, [{ key: 'A1', hash: 0 }])).rejects.toMatchObject({ name: 'MediumBrokenError' })
      expect(() => medium.getSync!(0, { key: 'A1', hash: 0 })).toThrow(/has failed/)
      await medium.close()
      execFileSync('mount', ['-o', 'remount,size=16m', path])

      const again = level(path).create({ clock: systemClock, logger: silentLogger })
      await again.open(SELF, SHAPE)

      expect(acked).toBeGreaterThan(5)
      const { claimed } = await again.claim([0])
      const seq = claimed[0]!.heads.get(0)!.seq
      expect([acked, acked + 1]).toContain(seq)
      const rows = Array.from({ length: seq }, (_, i) => ({ key: `A${i + 1}`, hash: 0 }))
      for (const value of await again.getMany(0, rows)) expect(value?.length).toBe(50_000)
      expect((await again.commit([commitOf(0, claimed[0]!.fence, seq + 1)])).map(told)).toEqual(['ok'])
      await again.close()
    } finally {
      execFileSync('umount', ['-l', path])
    }
  })
})

async function opened(shape = SHAPE): Promise<Medium> {
  const medium = store.create()
  await medium.open(SELF, shape)
  return medium
}

async function fenceOf(medium: Medium, shards: readonly number[]): Promise<Fence> {
  return (await medium.claim(shards)).claimed[0]!.fence
}

function commitOf(shard: number, fence: Fence, seq = 1): ShardCommit {
  return { shard, fence, seq, head: Buffer.from('head'), clears: [], changes: new Map(), consumed: [] }
}

function told(outcome: Outcome): string {
  return outcome.ok ? 'ok' : outcome.why
}

/** As if it had always been in the store. */
async function put(key: string, value: Uint8Array): Promise<void> {
  const db = await LevelDatabase.open(store.directory, OPTIONS)
  const batch = db.begin()
  batch.put(key, value)
  await db.write(batch)
  await db.close()
}

function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && tryMount()
}

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
