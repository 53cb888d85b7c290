/** Single bits that flip in the files of a store: each of them is noticed, or said to be harmless here. */
import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { u48 } from '../../src/base/bytes.js'
import type { Logger } from '../../src/base/log.js'
import { CLOSED_FILE, readClosed } from '../../src/storage/level-closed.js'
import { checkBeforeOpen, checkFiles } from '../../src/storage/level-files.js'
import { checkLogFile } from '../../src/storage/level-log-file.js'
import { checkTableFile } from '../../src/storage/level-table-file.js'
import { level } from '../../src/storage/level.js'
import { systemClock } from '../../src/base/clock.js'
import type { Medium } from '../../src/storage/medium.js'
import { openLevelStore, type LevelStoreAt } from './level-store-at.js'

const SHAPE = { spaces: { history: 8 }, leaseMs: 1000 }
const CORRUPT = { code: 'LOOM_CORRUPT', name: 'CorruptError' }

/** Few commits, all of them in the log. */
let small: LevelStoreAt
/** Of several tables, and a log. */
let large: LevelStoreAt
beforeAll(async () => {
  small = await openLevelStore()
  large = await openLevelStore()
  // Opened twice: its MANIFEST tells of a table, and more than one record does.
  await fill(small.create(), 3, 40)
  await fill(small.create(), 3, 40, 4)
  await fill(large.create({ writeBufferBytes: 64 * 1024 }), 500, 1000)
  await fill(large.create({ writeBufferBytes: 64 * 1024 }), 50, 1000, 501)
})
afterAll(() => Promise.all([small.dispose(), large.dispose()]))

describe('a store that was closed', () => {
  test.each([
    ['bit in its CURRENT', 'CURRENT', 1],
    ['bit in its MANIFEST', 'MANIFEST', 1],
    ['byte in its log', '.log', 9],
  ])('has no %s that could flip unnoticed', async (_what, part, step) => {
    const name = await fileOf(small.directory, part)
    const sound = await readFile(join(small.directory, name))
    const unnoticed: number[] = []
    for (let bit = 0; bit < sound.length * 8; bit += step) {
      await writeFile(join(small.directory, name), flipped(sound, bit))
      if ((await codeOf(checkedClosed(small.directory))) !== 'LOOM_CORRUPT') unnoticed.push(bit)
    }
    await writeFile(join(small.directory, name), sound)

    expect(sound.length).toBeGreaterThan(10)
    expect(unnoticed).toEqual([])
    await checkedClosed(small.directory)
  })

  test('is refused when its log was cut, with its files untouched', async () => {
    const copy = await copied(small)
    const log = join(copy, await fileOf(copy, '.log'))
    const { length } = await readFile(log)
    await truncate(log, length - 1)
    const names = await readdir(copy)

    await expect(opened(copy)).rejects.toMatchObject({
      ...CORRUPT,
      message: expect.stringMatching(/closed with/) as string,
    })

    expect(await readdir(copy)).toEqual(names)
  })

  test('is refused when its log is gone', async () => {
    const copy = await copied(small)
    await rm(join(copy, await fileOf(copy, '.log')))

    await expect(opened(copy)).rejects.toMatchObject({
      ...CORRUPT,
      message: expect.stringMatching(/flushes/) as string,
    })
  })

  test('is refused when all of it but that is gone', async () => {
    const copy = await copied(small)
    for (const name of await readdir(copy)) if (name !== CLOSED_FILE) await rm(join(copy, name))

    await expect(opened(copy)).rejects.toMatchObject(CORRUPT)
    expect(await readdir(copy)).toEqual([CLOSED_FILE])
  })

  test('opens when what was noted of that is damaged, and says so', async () => {
    const copy = await copied(small)
    const path = join(copy, CLOSED_FILE)
    await writeFile(path, flipped(await readFile(path), 77))
    const warnings: string[] = []

    await (await opened(copy, (message) => warnings.push(message))).close()

    expect(warnings).toEqual([expect.stringMatching(/less damage is noticed/)])
  })

  test('opens when that is old: it has more than was noted since', async () => {
    const copy = await copied(small)
    const noted = await readFile(join(copy, CLOSED_FILE))
    await fill(level(copy).create(environment()), 3, 40, 7)
    await writeFile(join(copy, CLOSED_FILE), noted)

    await (await opened(copy)).close()
  })
})

describe('a store that nobody closed', () => {
  test('may be cut anywhere in its log: that is a torn end', async () => {
    const copy = await copied(small)
    await rm(join(copy, CLOSED_FILE))
    const log = join(copy, await fileOf(copy, '.log'))
    const sound = await readFile(log)
    for (let bytes = sound.length - 1; bytes > 0; bytes--) {
      await truncate(log, bytes)
      expect((await checkLogFile(log)).isDamaged).toBe(false)
    }
  })

  test('is refused for a flipped bit wherever a commit follows it, and only the last one is at risk', async () => {
    const copy = await copied(small)
    await rm(join(copy, CLOSED_FILE))
    const log = join(copy, await fileOf(copy, '.log'))
    const sound = await readFile(log)
    const records: number[] = []
    await checkLogFile(log, (record) => records.push(record.length))
    const lastAt = sound.length - records.at(-1)! - 7
    const unnoticed: number[] = []
    for (let byte = 0; byte < sound.length; byte++) {
      await writeFile(log, flipped(sound, byte * 8 + (byte % 8)))
      if (!(await checkLogFile(log)).isDamaged) unnoticed.push(byte)
    }

    expect(unnoticed).toEqual(Array.from({ length: sound.length - lastAt }, (_, i) => lastAt + i))
  })
})

describe('records over several blocks', () => {
  test('are read whole, and damage within one is told from one that was never written to its end', async () => {
    const store = await openLevelStore()
    await fill(store.create(), 3, 100_000)
    const log = join(store.directory, await fileOf(store.directory, '.log'))
    const sound = await readFile(log)
    const records: number[] = []

    expect(await checkLogFile(log, (record) => records.push(record.length))).toEqual({
      endBytes: sound.length,
      broken: undefined,
      isDamaged: false,
    })

    expect(records.filter((bytes) => bytes > 100_000)).toHaveLength(3)
    // In the middle of the first of them; in the middle of the last one.
    await writeFile(log, flipped(sound, 40_000 * 8))
    expect(await checkLogFile(log)).toMatchObject({ isDamaged: true, broken: { atBytes: 32_768 } })
    await writeFile(log, flipped(sound, (sound.length - 40_000) * 8))
    expect(await checkLogFile(log)).toMatchObject({ isDamaged: false })
    await store.dispose()
  })
})

describe('a table', () => {
  test('of which one bit flips is found, unless nobody reads it', async () => {
    const name = await fileOf(large.directory, '.ldb')
    const sound = await readFile(join(large.directory, name))
    const copy = join(large.directory, 'copy')
    const footerAt = sound.length - 48
    const unnoticed = new Set<number>()
    // All of what says where the blocks are, and samples of the rest.
    for (let byte = 0; byte < sound.length; byte += byte < footerAt ? 97 : 1) {
      await writeFile(copy, flipped(sound, byte * 8 + (byte % 8)))
      if ((await checkTableFile(copy, sound.length)) === undefined) unnoticed.add(byte)
    }
    await rm(copy)

    // Between the places of its indexes and its last eight bytes there is padding.
    expect([...unnoticed].filter((byte) => byte < footerAt || byte >= sound.length - 8)).toEqual([])
    expect(sound.subarray(sound.length - 8 - unnoticed.size, sound.length - 8)).toEqual(Buffer.alloc(unnoticed.size))
    expect(await checkTableFile(join(large.directory, name), sound.length)).toBeUndefined()
  })

  test('that is cut, or gone, is found, and the others are not', async () => {
    const copy = await copied(large)
    const names = (await readdir(copy)).filter((name) => name.endsWith('.ldb'))
    expect(names.length).toBeGreaterThan(2)
    await truncate(join(copy, names[0]!), 1000)
    await rm(join(copy, names[1]!))

    const found = new Map<string, string | undefined>()
    for await (const { name, damage } of checkFiles(copy)) found.set(name, damage)

    expect(found.get(names[0]!)).toMatch(/it has 1000 bytes/)
    expect(found.get(names[1]!)).toBe('it is gone')
    expect([...found.keys()].sort()).toEqual((await readdir(large.directory)).filter(isOfRows).sort())
    expect([...found.values()].filter((damage) => damage !== undefined)).toHaveLength(2)
  })
})

test('the files of a store at work are sound, whatever is written and compacted meanwhile', async () => {
  const store = await openLevelStore()
  const medium = store.create({ writeBufferBytes: 64 * 1024 })
  await fill(store.create(), 1, 10)
  const done = fill(medium, 1500, 1000, 2)
  let isDone = false
  void done.then(() => (isDone = true))
  let checked = 0
  while (!isDone) {
    for await (const { name, damage } of checkFiles(store.directory)) {
      expect([name, damage]).toEqual([name, undefined])
      checked++
    }
  }

  expect(checked).toBeGreaterThan(20)
  await done
  await store.dispose()
})

const SELF = { host: 'a', incarnation: 'a1' }

function environment(warn: (message: string) => void = () => {}): { clock: typeof systemClock; logger: Logger } {
  const none = (): void => {}
  return { clock: systemClock, logger: { debug: none, info: none, warn: (_, message) => warn(message), error: none } }
}

/** That many commits, the first of which is `firstSeq`, then closes it. */
async function fill(medium: Medium, flushes: number, valueBytes: number, firstSeq = 1): Promise<void> {
  await medium.open(SELF, SHAPE)
  const { claimed } = await medium.claim([0])
  const { fence } = claimed[0]!
  for (let seq = firstSeq; seq < firstSeq + flushes; seq++) {
    const value = Buffer.alloc(valueBytes, `value ${seq} `)
    const changes = new Map([[`A${u48(seq)}`, { hash: 0, value }]])
    await medium.commit([{ shard: 0, fence, seq, head: Buffer.from('head'), clears: [], changes, consumed: [] }])
  }
  await medium.close()
}

async function opened(directory: string, warn?: (message: string) => void): Promise<Medium> {
  const medium = level(directory).create(environment(warn))
  await medium.open(SELF, SHAPE)
  return medium
}

async function checkedClosed(directory: string): Promise<void> {
  await checkBeforeOpen(directory, await readClosed(directory))
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => undefined,
    (error: unknown) => (error as { code?: unknown }).code,
  )
}

let copies = 0
beforeEach(() => {
  copies++
})

/** Beside it, and gone with it. */
async function copied({ directory }: LevelStoreAt): Promise<string> {
  const copy = join(directory, `copy${copies}`)
  await mkdir(copy)
  const names = (await readdir(directory)).filter((name) => !name.startsWith('copy'))
  for (const name of names) await copyFile(join(directory, name), join(copy, name))
  return copy
}

async function fileOf(directory: string, part: string): Promise<string> {
  return (await readdir(directory)).find((name) => name.includes(part))!
}

function isOfRows(name: string): boolean {
  return name === 'CURRENT' || /^MANIFEST|\.(log|ldb)$/.test(name)
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[bit >>> 3]! ^= 1 << (bit & 7)
  return copy
}
