/** Reading rows of many shards in one pass. */
import { deepEqual, equal } from 'node:assert/strict'
import { collect, hashIn, HISTORY, HOSTS, KEYED, TASK, text, type Behaviour, type Host } from './rig.js'

const TASKS = { gte: '\x01', lt: '\x40' }
const [FIRST, SECOND, THIRD] = HISTORY as readonly [number, number, number]

export const WHOLE_SCANS: readonly Behaviour[] = [
  {
    title: 'scanAll gives the rows of the shards asked for, in key order within each',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())

      const rows = await collect(host.medium.scanAll([THIRD, FIRST], TASKS))

      for (const shard of [FIRST, THIRD]) {
        const mine = rows.filter((row) => row.shard === shard)
        deepEqual(
          mine.map(({ key, hash, value }) => [key, hash, text(value)]),
          ['\x01', '\x02', '\x3f'].flatMap((kind) => [
            [`${kind}a`, hashIn(shard, 1), `${shard}`],
            [`${kind}b`, hashIn(shard, 2), `${shard}`],
          ]),
        )
      }
      equal(rows.length, 12)
    },
  },
  {
    title: 'scanAll of a range gives the kinds in it alone',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())

      const rows = await collect(host.medium.scanAll([SECOND], { gte: '\x02', lt: '\x03' }))

      deepEqual(
        rows.map(({ key }) => key),
        ['\x02a', '\x02b'],
      )
    },
  },
  {
    title: "scanAll of 'claimed' gives those of every claimed shard, of all spaces, and of no other",
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())
      await host.release([SECOND])

      const rows = await collect(host.medium.scanAll('claimed', TASKS))

      const shards = [...new Set(rows.map(({ shard }) => shard))].sort((a, b) => a - b)
      deepEqual(
        shards,
        [...HISTORY, ...HOSTS].filter((shard) => shard !== SECOND),
      )
      equal(rows.length, 6 * shards.length)
    },
  },
  {
    title: 'scanAll gives thousands of rows, each once',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const keys = Array.from({ length: 1500 }, (_, i) => TASK + String(i).padStart(6, '0'))
      for (const shard of [FIRST, SECOND]) {
        await host.writer(shard).commit({ put: Object.fromEntries(keys.map((key) => [key, 'task'])) })
      }

      const rows = await collect(host.medium.scanAll([FIRST, SECOND], TASKS))

      for (const shard of [FIRST, SECOND]) {
        deepEqual(
          rows.filter((row) => row.shard === shard).map(({ key }) => key),
          keys,
        )
      }
    },
  },
  {
    title: 'scanAll of no shards gives nothing',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())

      deepEqual(await collect(host.medium.scanAll([], TASKS)), [])
    },
  },
  {
    title: 'scanKind gives the rows of one kind, of claimed history shards',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())
      await host.release([THIRD])

      const rows = await collect(host.medium.scanKind(0x41))

      equal(rows.length, 2 * (HISTORY.length - 1))
      for (const { key, shard, hash, value } of rows) {
        deepEqual([key[0], text(value), hash === hashIn(shard, key[1] === 'a' ? 1 : 2)], [KEYED, `${shard}`, true])
      }
      equal((await collect(host.medium.scanKind(0xff))).length, 2 * (HISTORY.length - 1))
      equal((await collect(host.medium.scanKind(0x43))).length, 0)
    },
  },
  {
    title: 'scanKind gives rows of which one key is the beginning of another',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.writer(FIRST).commit({ put: { [`${KEYED}a`]: '', [`${KEYED}ab`]: '' } })

      equal((await collect(host.medium.scanKind(0x41))).length, 2)
    },
  },
  {
    title: 'a scan that is not read to its end disturbs nobody',
    async run(rig) {
      const host = await filled(await (await rig.open()).claim())

      for await (const page of host.medium.scanAll('claimed', TASKS)) if (page.length > 0) break

      await host.writer(FIRST).commit({ seq: 3 })
    },
  },
]

/** Two rows of each kind in every shard; the history ones of two hashes. */
async function filled(host: Host): Promise<Host> {
  const kinds = ['\x01', '\x02', '\x3f', '\x41', '\x42', '\xff']
  for (const shard of [...HISTORY, ...HOSTS]) {
    const isHashed = HISTORY.includes(shard)
    for (const [n, name] of [
      [1, 'a'],
      [2, 'b'],
    ] as const) {
      const put = Object.fromEntries(kinds.map((kind) => [kind + name, `${shard}`]))
      await host.writer(shard).commit({ seq: n, hash: isHashed ? hashIn(shard, n) : 0, put })
    }
  }
  return host
}
