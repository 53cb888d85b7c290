/** Rows as they were at one instant. */
import { deepEqual, equal } from 'node:assert/strict'
import { collect, hashIn, HISTORY, HOSTS, KEYED, TASK, text, type Behaviour, type Host } from './rig.js'

const TASKS = { gte: '\x01', lt: '\x40' }
const ALL_KEYED = { gte: '\x40', lt: '\xff' }
const [FIRST, SECOND, THIRD] = HISTORY as readonly [number, number, number]

export const SNAPSHOTS: readonly Behaviour[] = [
  {
    title: 'a snapshot reads what was committed before it, whatever was committed since',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(FIRST)
      const { hash } = writer
      const keys = [`${KEYED}1`, `${KEYED}2`, `${KEYED}3`]
      await writer.commit({ put: { [keys[0]!]: 'old', [keys[1]!]: 'old', [`${TASK}t`]: 'old' } })

      const snapshot = await host.medium.snapshot()
      await writer.commit({
        put: { [keys[0]!]: 'new', [keys[2]!]: 'new', [`${TASK}u`]: 'new' },
        remove: [keys[1]!, `${TASK}t`],
      })

      const values = await snapshot.getMany(
        FIRST,
        keys.map((key) => ({ key, hash })),
      )
      deepEqual(values.map(text), ['old', 'old', undefined])
      const scanned = await snapshot.scan(FIRST, hash, { ...ALL_KEYED, limit: 10 })
      deepEqual(
        scanned.map(({ key, value }) => [key, text(value)]),
        [
          [keys[0], 'old'],
          [keys[1], 'old'],
        ],
      )
      deepEqual(await keysOf(snapshot.scanAll([FIRST], TASKS)), [`${TASK}t`])
      deepEqual(await keysOf(snapshot.scanKeyed(ALL_KEYED)), keys.slice(0, 2))
      equal((await snapshot.heads([FIRST])).heads.get(FIRST)?.seq, 1)
      await snapshot.close()
      equal(await host.get(FIRST, keys[0]!, hash), 'new')
    },
  },
  {
    title: 'a snapshot has the rows of a commit all, or none, with the head of that commit',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(FIRST)
      for (let n = 1; n <= 20; n++) {
        const name = String(n).padStart(2, '0')
        const committing = writer.commit({ put: { [KEYED + name]: '', [TASK + name]: '' } })
        const snapshot = await host.medium.snapshot()
        const counts = [
          (await snapshot.heads([FIRST])).heads.get(FIRST)?.seq ?? 0,
          (await collect(snapshot.scanAll('claimed', TASKS))).length,
          (await snapshot.scan(FIRST, writer.hash, { ...ALL_KEYED, limit: 100 })).length,
        ]
        await snapshot.close()
        await committing
        equal(new Set(counts).size, 1, `${counts.join()} of a commit`)
      }
    },
  },
  {
    title: 'scanKeyed gives the rows of a range in key order, of claimed history shards, whatever their hash',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())
      await host.release([THIRD])
      const snapshot = await host.medium.snapshot()

      const rows = await collect(snapshot.scanKeyed({ gte: `${KEYED}b`, lt: '\x42' }))

      deepEqual(
        rows.map(({ key, shard, hash, value }) => [key, shard, hash, text(value)]),
        [
          [`${KEYED}b${FIRST}`, FIRST, hashIn(FIRST), `b${FIRST}`],
          [`${KEYED}b${SECOND}`, SECOND, hashIn(SECOND), `b${SECOND}`],
          [`${KEYED}c${FIRST}`, FIRST, hashIn(FIRST), `c${FIRST}`],
          [`${KEYED}c${SECOND}`, SECOND, hashIn(SECOND), `c${SECOND}`],
        ],
      )
      await snapshot.close()
    },
  },
  {
    title: 'scanKeyed goes on behind a row in another snapshot, though that is gone, and keys begin with others',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const [one, two] = [host.writer(FIRST), host.writer(SECOND)]
      const names = ['a', 'ab', 'abc', 'b', 'ba', 'c']
      await one.commit({ put: Object.fromEntries(names.map((name) => [KEYED + name, 'of one'])) })
      await two.commit({ put: { [`${KEYED}aa`]: 'of two', [`${KEYED}abb`]: 'of two' } })
      const whole = await host.medium.snapshot()
      const all = await collect(whole.scanKeyed(ALL_KEYED))
      await whole.close()

      for (const [at, { key, hash, shard }] of all.entries()) {
        await (shard === FIRST ? one : two).commit({ remove: [key] })
        const rest = await host.medium.snapshot()
        deepEqual(
          await keysOf(rest.scanKeyed(ALL_KEYED, { key, hash })),
          all.slice(at + 1).map((row) => row.key),
        )
        await rest.close()
      }

      equal(all.length, names.length + 2)
    },
  },
  {
    title: 'a snapshot is closed twice without harm, and several read side by side',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(FIRST)
      const snapshots = [await host.medium.snapshot()]
      await writer.commit({ put: { [`${KEYED}1`]: '' } })
      snapshots.push(await host.medium.snapshot())

      const counts = await Promise.all(snapshots.map((one) => keysOf(one.scanKeyed(ALL_KEYED))))

      deepEqual(counts, [[], [`${KEYED}1`]])
      for (const one of [...snapshots, ...snapshots]) await one.close()
    },
  },
]

/** In the first three history shards, and one outside of history: what is to be in a range, and what is not. */
async function filled(host: Host): Promise<Host> {
  for (const shard of [FIRST, SECOND, THIRD, HOSTS[0]!]) {
    const names = ['a', 'b', 'c']
    const put = Object.fromEntries(names.map((name) => [`${KEYED}${name}${shard}`, `${name}${shard}`]))
    await host.writer(shard).commit({ put: { ...put, [`\x42b${shard}`]: 'another kind' } })
  }
  return host
}

async function keysOf(pages: AsyncIterable<readonly { readonly key: string }[]>): Promise<string[]> {
  return (await collect(pages)).map(({ key }) => key)
}
