/** Opening, closing, and what a store remembers between them. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import {
  ALL,
  bytes,
  collect,
  HISTORY,
  HOSTS,
  KEYED,
  rejectsWith,
  SHAPE,
  TASK,
  told,
  type Behaviour,
  type Rig,
} from './rig.js'

export const OPENING: readonly Behaviour[] = [
  {
    title: 'what a medium supports is what it was announced with',
    async run(rig) {
      const { supports, getSync, name } = rig.create()

      const { shared, remoteReads, wake } = supports
      deepEqual({ shared, remoteReads, wake, getSync: getSync !== undefined }, { ...rig.announced })
      ok(supports.lanes >= 1 && supports.maxCommitBytes >= 1024 * 1024 && supports.minFlushMs >= 0)
      ok(name.length > 0)
    },
  },
  {
    title: 'a new store has no heads, rows or messages',
    async run(rig) {
      const host = await (await rig.open()).claim()

      for (const shard of ALL) {
        equal(host.head(shard), undefined)
        deepEqual(await host.medium.inbox(shard, 10), [])
      }
      deepEqual(await collect(host.medium.scanAll('claimed', { gte: '\0', lt: '@' })), [])
      deepEqual(await collect(host.medium.scanKind(0x41)), [])
    },
  },
  {
    title: 'a store that is opened again has everything that was acknowledged',
    async run(rig) {
      const before = await (await rig.open()).claim()
      const [shard, hosts] = [HISTORY[3]!, HOSTS[1]!]
      const writer = before.writer(shard)
      await writer.commit({ put: { [`${KEYED}k`]: 'old', [`${TASK}t`]: 'task' } })
      await writer.commit({ put: { [`${KEYED}k`]: 'new' }, head: bytes('second') })
      await before.writer(hosts).commit({ put: { [`${KEYED}k`]: 'host' } })
      await before.medium.post([{ shard, id: 'p', bytes: bytes('hello') }])
      await before.leave()

      const after = await (await rig.open()).claim()

      deepEqual([after.head(shard)?.seq, after.head(shard)?.bytes.length], [2, 6])
      equal(await after.get(shard, `${KEYED}k`, writer.hash), 'new')
      equal(await after.get(hosts, `${KEYED}k`), 'host')
      equal((await collect(after.medium.scanAll([shard], { gte: '\0', lt: '@' }))).length, 1)
      equal((await after.medium.inbox(shard, 10)).length, 1)
      await after.writer(shard).commit({ put: { [`${KEYED}k`]: 'newest' } })
    },
  },
  {
    title: 'another count of history shards is refused, and the error names both',
    async run(rig) {
      const host = await rig.open()
      await host.medium.close()
      const other = { ...SHAPE, spaces: { ...SHAPE.spaces, history: 16 } }

      await rejectsWith('LOOM_STORE_MISMATCH', () => rig.open('a', other), /\b8\b.*\b16\b|\b16\b.*\b8\b/)
    },
  },
  {
    title: 'after a refusal nothing is held',
    async run(rig) {
      await (await rig.open()).medium.close()
      const refused = rig.create()
      const other = { ...SHAPE, spaces: { ...SHAPE.spaces, history: 16 } }
      await rejectsWith('LOOM_STORE_MISMATCH', () => refused.open({ host: 'b', incarnation: 'b' }, other))

      await (await rig.open()).claim()
    },
  },
  {
    title: 'another space may grow',
    async run(rig) {
      await (await rig.open()).medium.close()

      await (await rig.open('a', { ...SHAPE, spaces: { ...SHAPE.spaces, hosts: 64 } })).claim()
    },
  },
  {
    title: 'a store that is open is refused to others with LOOM_MEDIUM_BUSY, until it is closed',
    appliesTo: ({ shared }) => !shared,
    async run(rig) {
      const first = await (await rig.open()).claim()

      await rejectsWith('LOOM_MEDIUM_BUSY', () => rig.open('b'))
      await rejectsWith('LOOM_MEDIUM_BUSY', () => rig.open('b'))

      await first.writer(HISTORY[0]!).commit()
      await first.medium.close()
      await (await rig.open('b')).claim()
    },
  },
  {
    title: 'a store may be open several times',
    appliesTo: ({ shared }) => shared,
    async run(rig) {
      const [a, b] = [await rig.open('a'), await rig.open('b')]

      await a.claim([HISTORY[0]!])
      await b.claim([HISTORY[1]!])
    },
  },
  {
    title: 'a closed medium rejects every call with LOOM_CLOSED',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const [shard] = HISTORY as [number]
      const commit = host.writer(shard).next()
      const fence = host.fence(shard)

      await host.medium.close()

      for (const call of callsOf(host.medium, shard)) await rejectsWith('LOOM_CLOSED', call)
      await rejectsWith('LOOM_CLOSED', () => host.medium.commit([commit]))
      await rejectsWith('LOOM_CLOSED', () => host.medium.release([shard], fence))
    },
  },
  {
    title: 'close may be called twice, and waits for what is in flight',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(HISTORY[0]!)
      const committing = host.medium.commit([writer.next({ put: { [`${KEYED}k`]: 'v' } })])

      await Promise.all([host.medium.close(), host.medium.close()])

      equal(told((await committing)[0]), 'ok')
      const again = await rig.open()
      equal(await again.get(HISTORY[0]!, `${KEYED}k`, writer.hash), 'v')
    },
  },
]

function callsOf(medium: ReturnType<Rig['create']>, shard: number): (() => Promise<unknown>)[] {
  const row = { key: `${KEYED}k`, hash: 0 }
  return [
    () => medium.heartbeat(bytes('')),
    () => medium.claim([shard]),
    () => medium.getMany(shard, [row]),
    async () => medium.getSync?.(shard, row) ?? medium.getMany(shard, [row]),
    () => medium.scan(shard, 0, { gte: 'A', lt: 'B', limit: 1 }),
    () => collect(medium.scanAll('claimed', { gte: '\0', lt: '@' })),
    () => collect(medium.scanKind(0x41)),
    () => medium.snapshot(),
    () => medium.post([{ shard, id: 'p', bytes: bytes('') }]),
    () => medium.inbox(shard, 1),
  ]
}
