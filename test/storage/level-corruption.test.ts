/** Damage is noticed: rows that are not what was written, and flushes that are gone. */
import { appendFile, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { u48 } from '../../src/base/bytes.js'
import { LevelDatabase } from '../../src/storage/level-database.js'
import { CLOSED_FILE } from '../../src/storage/level-closed.js'
import { flushKey, headKey, inboxKey, messageKey, META_KEY } from '../../src/storage/level-keys.js'
import { decodeMeta, encodeMeta } from '../../src/storage/level-meta.js'
import type { Medium } from '../../src/storage/medium.js'
import { openLevelStore, type LevelStoreAt } from './level-store-at.js'

const SHAPE = { spaces: { history: 8 }, leaseMs: 1000 }
const FLUSHES = 300
const CORRUPT = { code: 'LOOM_CORRUPT', name: 'CorruptError' }

let store: LevelStoreAt
beforeEach(async () => {
  store = await openLevelStore()
  await fill(store.create(), FLUSHES)
})
afterEach(() => store.dispose())

test('a store that nobody damaged opens', async () => {
  const medium = await opened()

  expect((await medium.claim([0])).claimed[0]!.heads.get(0)?.seq).toBe(FLUSHES)
  await medium.close()
})

describe('a flipped byte', () => {
  test('in the row of the store is noticed at open', async () => {
    await damage(META_KEY)

    await expect(opened()).rejects.toMatchObject(CORRUPT)
  })

  test('in the row of a flush is noticed at open', async () => {
    await damage(flushKey(100))

    await expect(opened()).rejects.toMatchObject(CORRUPT)
  })

  test('in a head is noticed by the claim, which names the shard and gives the others', async () => {
    await damage(headKey(0))
    const medium = await opened()

    const [claimed] = (await medium.claim([0, 1])).claimed

    expect([...claimed!.damaged!.keys()]).toEqual([0])
    expect(claimed!.damaged!.get(0)).toMatchObject({
      ...CORRUPT,
      message: expect.stringMatching(/shard 0/) as string,
    })
    const commit = { fence: claimed!.fence, head: Buffer.from('h'), clears: [], changes: new Map(), consumed: [] }
    const outcomes = await medium.commit([
      { ...commit, shard: 0, seq: 1 },
      { ...commit, shard: 1, seq: (claimed!.heads.get(1)?.seq ?? 0) + 1 },
    ])
    expect(outcomes).toEqual([{ ok: false, why: 'fenced' }, { ok: true }])
    await medium.close()
  })

  test('in a message is noticed when it is read', async () => {
    await damage(inboxKey(3, messageKey(1, 'id')))
    const medium = await opened()

    await expect(medium.inbox(3, 10)).rejects.toMatchObject({
      ...CORRUPT,
      message: expect.stringMatching(/id.*shard 3/) as string,
    })
    await medium.close()
  })
})

describe('a flush that is gone', () => {
  test.each([1, 2, 150, FLUSHES])('number %d of 301 is noticed at open', async (seq) => {
    await rewrite((batch) => batch.del(flushKey(seq)))

    await expect(opened()).rejects.toMatchObject({
      ...CORRUPT,
      message: expect.stringContaining(`flushes ${seq} to ${seq} `) as string,
    })
  })

  test('at the very end is noticed: it was noted when the store was closed', async () => {
    await rewrite((batch) => batch.del(flushKey(FLUSHES + 1)))

    await expect(opened()).rejects.toMatchObject(CORRUPT)
  })

  test('at the very end of a store that nobody closed is not: it may never have been there', async () => {
    await rewrite((batch) => batch.del(flushKey(FLUSHES + 1)))
    await rm(join(store.directory, CLOSED_FILE))

    await (await opened()).close()
  })

  test('because of a flipped byte in the log is noticed before LevelDB opens it, closed or not', async () => {
    await rm(join(store.directory, CLOSED_FILE))
    const log = (await readdir(store.directory)).find((name) => name.endsWith('.log'))!
    const path = join(store.directory, log)
    await flipByteOfFile(path, Math.floor((await stat(path)).size / 3))

    await expect(opened()).rejects.toMatchObject({
      ...CORRUPT,
      message: expect.stringMatching(/\d{6}\.log is damaged: byte \d+:.*, and records follow it/) as string,
    })
  })
})

test('a store whose row is older than its flushes is noticed', async () => {
  const db = await openDatabase()
  const meta = decodeMeta(db.getSync(META_KEY)!, 'here')
  await db.close()

  await rewrite((batch) => batch.put(META_KEY, encodeMeta({ ...meta, epoch: 1 })))

  await expect(opened()).rejects.toMatchObject(CORRUPT)
})

test('a flush row at the place of another is noticed', async () => {
  const db = await openDatabase()
  const value = db.getSync(flushKey(7))!
  const batch = db.begin()
  batch.put(flushKey(8), value)
  await db.write(batch)
  await db.close()

  await expect(opened()).rejects.toMatchObject(CORRUPT)
})

test('flush rows are kept for two write buffers, and no longer', async () => {
  const other = await openLevelStore()
  await fill(other.create({ writeBufferBytes: 64 * 1024 }), 1000, 1000)

  const db = await LevelDatabase.open(other.directory, OPTIONS)
  const kept: string[] = []
  for await (const page of db.pages({ gte: 'F', lt: 'G' })) kept.push(...page.map(([key]) => key))
  await db.close()

  expect(kept.length).toBeGreaterThan(100)
  expect(kept.length).toBeLessThan(150)
  expect(kept.at(-1)).toBe(`F${u48(1001)}`)
  const medium = other.create({ writeBufferBytes: 64 * 1024 })
  await medium.open(SELF, SHAPE)
  await medium.close()
  await other.dispose()
})

describe('a store without its CURRENT', () => {
  test('is refused with its files untouched, and opens when it is put back', async () => {
    const current = join(store.directory, 'CURRENT')
    const content = await readFile(current)
    await rm(current)
    const before = await readdir(store.directory)

    await expect(opened()).rejects.toMatchObject({ ...CORRUPT, message: expect.stringMatching(/CURRENT/) as string })

    expect(await readdir(store.directory)).toEqual(before)
    await writeFile(current, content)
    const medium = await opened()
    expect((await medium.claim([0])).claimed[0]!.heads.get(0)?.seq).toBe(FLUSHES)
    await medium.close()
  })

  test('that was never made is made: a crash left its first MANIFEST alone', async () => {
    const other = await openLevelStore()
    await writeFile(join(other.directory, 'MANIFEST-000001'), 'half a record')

    await fill(other.create(), 1)
    await other.dispose()
  })
})

test('a MANIFEST that ends in the middle of a record opens', async () => {
  const name = (await readdir(store.directory)).find((one) => one.startsWith('MANIFEST'))!
  const path = join(store.directory, name)
  const record = await readFile(path)

  // Its first record once more, but for the end.
  await appendFile(path, record.subarray(0, 20))

  const medium = await opened()
  expect((await medium.claim([0])).claimed[0]!.heads.get(0)?.seq).toBe(FLUSHES)
  await medium.close()
})

const SELF = { host: 'a', incarnation: 'a1' }
const OPTIONS = { writeBufferBytes: 1 << 20, blockCacheBytes: 1 << 20, sync: false }

/** That many commits, and a message. */
async function fill(medium: Medium, flushes: number, valueBytes = 500): Promise<void> {
  await medium.open(SELF, SHAPE)
  const { claimed } = await medium.claim([0, 1])
  const { fence } = claimed[0]!
  const value = Buffer.alloc(valueBytes, 'v')
  for (let seq = 1; seq <= flushes; seq++) {
    const changes = new Map([[`A${u48(seq)}`, { hash: 0, value }]])
    await medium.commit([{ shard: 0, fence, seq, head: Buffer.from('head'), clears: [], changes, consumed: [] }])
  }
  await medium.post([{ shard: 3, id: 'id', bytes: Buffer.from('bytes') }])
  await medium.close()
}

async function opened(): Promise<Medium> {
  const medium = store.create()
  await medium.open(SELF, SHAPE)
  return medium
}

function openDatabase(): Promise<LevelDatabase> {
  return LevelDatabase.open(store.directory, OPTIONS)
}

async function rewrite(change: (batch: ReturnType<LevelDatabase['begin']>) => unknown): Promise<void> {
  const db = await openDatabase()
  const batch = db.begin()
  change(batch)
  await db.write(batch)
  await db.close()
}

/** As a flipped byte in a file would: LevelDB gives the wrong value without an error. */
async function damage(key: string): Promise<void> {
  const db = await openDatabase()
  const value = Buffer.from(db.getSync(key)!)
  await db.close()
  value[value.length - 1]! ^= 0x40
  await rewrite((batch) => batch.put(key, value))
}

async function flipByteOfFile(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 0x01
  await file.write(byte, 0, 1, at)
  await file.close()
}
