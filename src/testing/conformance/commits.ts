/** Commits: all or nothing, once, in sequence. */
import { deepEqual, equal } from 'node:assert/strict'
import { MAX_HEAD_BYTES } from '../../storage/medium.js'
import { bytes, hashIn, HISTORY, HOSTS, KEYED, text, told, type Behaviour } from './rig.js'

const [SHARD, OTHER] = HISTORY as readonly [number, number]
const KEY = `${KEYED}k`

export const COMMITS: readonly Behaviour[] = [
  {
    title: 'the same commit sent again is answered ok, and the next one follows it',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const commit = await writer.commit({ put: { [KEY]: 'v' } })

      equal(told(await writer.send(commit)), 'ok')
      equal(told(await writer.send(commit)), 'ok')

      await writer.commit({ remove: [KEY] })
      equal(await host.get(SHARD, KEY, writer.hash), undefined)
    },
  },
  {
    title: 'an earlier commit sent again is fenced, and undoes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const first = await writer.commit({ put: { [KEY]: 'first' } })
      await writer.commit({ put: { [KEY]: 'second' } })

      equal(told(await writer.send(first)), 'fenced')

      equal(await host.get(SHARD, KEY, writer.hash), 'second')
    },
  },
  {
    title: 'a sequence number that is not the next is fenced, and writes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit()

      for (const seq of [0, 3, 7]) {
        equal(told(await writer.send(writer.next({ seq, put: { [KEY]: 'v' } }))), 'fenced')
      }

      equal(await host.get(SHARD, KEY, writer.hash), undefined)
      await writer.commit()
    },
  },
  {
    title: 'the first commit of a shard has number 1',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)

      equal(told(await writer.send(writer.next({ seq: 0 }))), 'fenced')
      equal(told(await writer.send(writer.next({ seq: 2 }))), 'fenced')
      await writer.commit({ seq: 1 })
    },
  },
  {
    title: 'the last number under a new fence is not the same commit',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.writer(SHARD).commit({ put: { [KEY]: 'v' } })
      await host.claim()
      const writer = host.writer(SHARD)

      equal(told(await writer.send(writer.next({ seq: 1, put: { [KEY]: 'w' } }))), 'fenced')

      equal(await host.get(SHARD, KEY, writer.hash), 'v')
    },
  },
  {
    title: 'a head is what the last commit says, up to its greatest size',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const big = new Uint8Array(MAX_HEAD_BYTES).fill(0xa5)
      await writer.commit({ head: bytes('first') })
      await writer.commit({ head: big })
      await host.writer(OTHER).commit({ head: new Uint8Array() })

      await host.claim()

      equal(host.head(SHARD)?.seq, 2)
      equal(text(host.head(SHARD)?.bytes), text(big))
      deepEqual([host.head(OTHER)?.seq, host.head(OTHER)?.bytes.length], [1, 0])
      equal(host.head(HISTORY[2]!), undefined)
    },
  },
  {
    title: 'a commit without changes is a commit',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit()

      await host.claim()

      equal(host.head(SHARD)?.seq, 1)
    },
  },
  {
    title: 'one call carries many shards, of several spaces',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writers = [...HISTORY, ...HOSTS].map((shard) => host.writer(shard))

      const outcomes = await host.medium.commit(
        writers.map((writer) => writer.next({ put: { [KEY]: `of ${writer.shard}` } })),
      )

      deepEqual([...new Set(outcomes.map(told))], ['ok'])
      for (const { shard, hash } of writers) equal(await host.get(shard, KEY, hash), `of ${shard}`)
    },
  },
  {
    title: 'commits may be in flight side by side, as many as there are lanes',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writers = HISTORY.slice(0, host.medium.supports.lanes).map((shard) => host.writer(shard))

      await Promise.all(
        writers.map(async (writer) => {
          for (let n = 1; n <= 20; n++) await writer.commit({ put: { [KEY]: `${n}` } })
        }),
      )

      for (const { shard, hash } of writers) equal(await host.get(shard, KEY, hash), '20')
    },
  },
  {
    title: 'a put replaces, a delete removes, and a delete of nothing is no error',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit({ put: { [`${KEYED}a`]: '1', [`${KEYED}b`]: '1' } })

      await writer.commit({ put: { [`${KEYED}a`]: '2' }, remove: [`${KEYED}b`, `${KEYED}c`] })

      const rows = await host.scan(SHARD, writer.hash)
      deepEqual(
        rows.map(({ key, value }) => [key, text(value)]),
        [[`${KEYED}a`, '2']],
      )
    },
  },
  {
    title: 'a clear takes the rows of its range and hash, and no other',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const [hash, another] = [hashIn(SHARD, 1), hashIn(SHARD, 2)]
      await writer.commit({
        hash,
        put: { [`${KEYED}a1`]: '', [`${KEYED}b1`]: '', [`${KEYED}b2`]: '', [`${KEYED}c1`]: '' },
      })
      await writer.commit({ hash: another, put: { [`${KEYED}b3`]: '' } })

      await writer.commit({ clears: [{ gte: `${KEYED}b`, lt: `${KEYED}c`, hash }] })

      deepEqual(
        (await host.scan(SHARD, hash)).map(({ key }) => key),
        [`${KEYED}a1`, `${KEYED}c1`],
      )
      equal((await host.scan(SHARD, another)).length, 1)
    },
  },
  {
    title: 'clears come before the changes of their commit',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const { hash } = writer
      await writer.commit({ put: { [`${KEYED}1`]: 'old', [`${KEYED}2`]: 'old' } })

      await writer.commit({ clears: [{ gte: KEYED, lt: `${KEYED}\xff`, hash }], put: { [`${KEYED}2`]: 'new' } })

      deepEqual(await Promise.all(['1', '2'].map((n) => host.get(SHARD, KEYED + n, hash))), [undefined, 'new'])
    },
  },
  {
    title: 'a clear takes thousands of rows',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit({ put: manyRows(3000, 'v') })

      await writer.commit({ clears: [{ gte: KEYED, lt: `${KEYED}\xff`, hash: writer.hash }] })

      deepEqual(await host.scan(SHARD, writer.hash), [])
    },
  },
  {
    title: 'a fenced commit clears and consumes nothing',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const { hash } = writer
      await writer.commit({ put: { [KEY]: 'v' } })
      await host.medium.post([{ shard: SHARD, id: 'p', bytes: bytes('m') }])
      const consumed = (await host.medium.inbox(SHARD, 1)).map(([key]) => key)

      const commit = writer.next({ seq: 9, clears: [{ gte: KEYED, lt: `${KEYED}\xff`, hash }], consumed })

      equal(told(await writer.send(commit)), 'fenced')
      equal(await host.get(SHARD, KEY, hash), 'v')
      equal((await host.medium.inbox(SHARD, 1)).length, 1)
    },
  },
  {
    title: 'a call that is too large is answered so for each shard, writes nothing, and the next is accepted',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const [one, two] = [host.writer(SHARD), host.writer(OTHER)]
      const half = new Uint8Array(host.medium.supports.maxCommitBytes / 2 + 1)

      const outcomes = await host.medium.commit([
        one.next({ put: { [KEY]: half } }),
        two.next({ put: { [KEY]: half } }),
      ])

      deepEqual(outcomes.map(told), ['too-large', 'too-large'])
      equal(await host.get(SHARD, KEY, one.hash), undefined)
      await one.commit({ put: { [KEY]: half } })
      await two.commit({ put: { [KEY]: half } })
      equal((await host.get(OTHER, KEY, two.hash))?.length, half.length)
    },
  },
  {
    title: 'a commit carries thousands of rows',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)

      await writer.commit({ put: manyRows(5000, 'x'.repeat(100)) })

      equal((await host.scan(SHARD, writer.hash)).length, 5000)
    },
  },
]

function manyRows(count: number, value: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`${KEYED}${String(i).padStart(6, '0')}`, value]))
}
