/** What the memory medium does beyond the contract: several looms of one process, and callers held to their side. */
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/assert.js'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { MAX_HEAD_BYTES, MAX_KEY_BYTES, type Change, type Medium, type ShardCommit } from '../../src/storage/medium.js'
import { memory, memoryStore } from '../../src/storage/memory.js'

const ENVIRONMENT = { clock: systemClock, logger: silentLogger }
const SHAPE = { spaces: { history: 4, hosts: 4 }, leaseMs: 10_000 }
const EMPTY = new Uint8Array()

test('looms with one store meet, others do not', async () => {
  const store = memoryStore()
  const [a, b, c] = await Promise.all([opened('a', { store }), opened('b', { store }), opened('c')])
  for (const medium of [a, b, c]) await medium.heartbeat(EMPTY)

  expect((await a.heartbeat(EMPTY)).members.map(({ host }) => host)).toEqual(['a', 'b'])
  expect((await c.heartbeat(EMPTY)).members.map(({ host }) => host)).toEqual(['c'])
})

test.each([[null], [{ store: {} }], [{ store: null }], [{ shop: 1 }]])(
  'memory(%j) is refused before anything is made',
  (options) => {
    const make = (): unknown => memory(options as object)

    expect(make).toThrow(expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT' }))
    expect(make).toThrow(/^memory options/)
  },
)

test('the clock of the store, not that of a loom, ends a lease', async () => {
  let nowMs = 0
  const store = memoryStore({ clock: { ...systemClock, monotonicMs: () => nowMs } })
  const [a, b] = [await opened('a', { store }), await opened('b', { store })]
  await a.claim([1])

  expect((await b.claim([1])).held[0]?.retryMs).toBe(SHAPE.leaseMs)
  nowMs = SHAPE.leaseMs - 1
  expect((await b.claim([1])).held[0]?.retryMs).toBe(1)
  nowMs = SHAPE.leaseMs
  expect((await b.claim([1])).claimed[0]?.shards).toEqual([1])
})

test('a commit is not seen before the turn in which it was sent has ended', async () => {
  const medium = await opened('a')
  const committing = medium.commit([await commitOf(medium, { Ak: 'v' })])

  expect(medium.getSync!(1, { key: 'Ak', hash: HASH })).toBeUndefined()
  await committing
  expect(medium.getSync!(1, { key: 'Ak', hash: HASH })).toBeDefined()
})

describe('a caller is told of its mistake', () => {
  test.each([
    ['an empty key', { '': 'v' }],
    ['a key that is too long', { ['A'.repeat(MAX_KEY_BYTES + 1)]: 'v' }],
    ['a key that is not bytes', { 'A\u0100': 'v' }],
  ])('%s', async (_, rows) => {
    const medium = await opened('a')

    await expect(medium.commit([await commitOf(medium, rows)])).rejects.toThrow(InvariantError)
  })

  test.each([
    ['a hash of another shard', 0],
    ['a hash that is no 32 bits', 2 ** 30 + 0.5],
  ])('%s', async (_, hash) => {
    const medium = await opened('a')

    await expect(medium.commit([await commitOf(medium, { Ak: 'v' }, hash)])).rejects.toThrow(InvariantError)
  })

  test('a key with two hashes', async () => {
    const medium = await opened('a')
    await medium.commit([await commitOf(medium, { Ak: 'v' })])
    const second = { ...(await commitOf(medium, { Ak: 'v' }, HASH + 1)), seq: 2 }

    await expect(medium.commit([second])).rejects.toThrow(InvariantError)
  })

  test('a head that is too big', async () => {
    const medium = await opened('a')
    const commit = { ...(await commitOf(medium, {})), head: new Uint8Array(MAX_HEAD_BYTES + 1) }

    await expect(medium.commit([commit])).rejects.toThrow(InvariantError)
  })

  test('a range in which a key is the beginning of another, or of its end', async () => {
    const medium = await opened('a')
    await medium.commit([await commitOf(medium, { Aa: '', Aab: '', B: '' })])
    const scan = (gte: string, lt: string, reverse = false): Promise<unknown> =>
      medium.scan(1, HASH, { gte, lt, limit: 10, reverse })

    await expect(scan('A', 'B')).rejects.toThrow(InvariantError)
    await expect(scan('A', 'B', true)).rejects.toThrow(InvariantError)
    await expect(scan('A', 'Aab')).rejects.toThrow(InvariantError)
    await expect(scan('B', 'C')).resolves.toHaveLength(1)
  })

  test('a call before the open', async () => {
    await expect(memory().create(ENVIRONMENT).claim([1])).rejects.toThrow(InvariantError)
  })
})

const HASH = 2 ** 30

async function opened(host: string, options: Parameters<typeof memory>[0] = {}): Promise<Medium> {
  const medium = memory(options).create(ENVIRONMENT)
  await medium.open({ host, incarnation: host }, SHAPE)
  return medium
}

/** The first of shard 1, which is claimed for it. */
async function commitOf(medium: Medium, rows: Record<string, string>, hash = HASH): Promise<ShardCommit> {
  const { fence } = (await medium.claim([1])).claimed[0]!
  const changes = new Map<string, Change>(
    Object.entries(rows).map(([key, value]) => [key, { hash, value: Buffer.from(value) }]),
  )
  return { shard: 1, fence, seq: 1, head: EMPTY, clears: [], changes, consumed: [] }
}
