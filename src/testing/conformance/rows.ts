/** Keys and values as they are, read by point and by range. */
import { deepEqual, equal } from 'node:assert/strict'
import { MAX_KEY_BYTES } from '../../storage/medium.js'
import { bytes, hashIn, HISTORY, HOSTS, KEYED, text, type Behaviour } from './rig.js'

const [SHARD, OTHER] = HISTORY as readonly [number, number]
const KEY = `${KEYED}k`
const EDGE_BYTES = ['\0', '\x01', ' ', '/', 'A', '\x7e', '\x7f', '\x80', '\x81', '\xc3', '\xfe', '\xff']
/** Every byte, among them all that some encoding treats in its own way. */
const EVERY_BYTE = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))

export const ROWS: readonly Behaviour[] = [
  {
    title: 'values are read in the order asked, and undefined where no row is',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit({ put: { [`${KEYED}1`]: 'one', [`${KEYED}2`]: 'two' } })
      const keys = ['2', '0', '1', '2'].map((n) => ({ key: KEYED + n, hash: writer.hash }))

      const values = await host.medium.getMany(SHARD, keys)

      deepEqual(values.map(text), ['two', undefined, 'one', 'two'])
      deepEqual(await host.medium.getMany(SHARD, []), [])
    },
  },
  {
    title: 'getSync reads the same, in the same turn',
    appliesTo: ({ getSync }) => getSync,
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const { hash } = writer
      const long = KEYED + '\xe9'.repeat(MAX_KEY_BYTES - 1)
      await writer.commit({ put: { [KEY]: 'v', [long]: 'long', [long.slice(0, 33)]: 'cut' } })

      equal(host.medium.getSync!(SHARD, { key: `${KEYED}0`, hash }), undefined)
      for (const [key, value] of [
        [KEY, 'v'],
        [long, 'long'],
        [long.slice(0, 33), 'cut'],
      ] as const) {
        equal(text(host.medium.getSync!(SHARD, { key, hash })), value)
      }
    },
  },
  {
    title: 'one key in two shards is two rows',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writers = [SHARD, OTHER, HOSTS[0]!, HOSTS[1]!].map((shard) => host.writer(shard))
      for (const writer of writers) await writer.commit({ put: { [KEY]: `${writer.shard}` } })

      await writers[1]!.commit({ remove: [KEY] })

      for (const { shard, hash } of writers) {
        equal(await host.get(shard, KEY, hash), shard === OTHER ? undefined : `${shard}`)
      }
    },
  },
  {
    title: 'a scan gives rows in the order of their bytes',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const keys = EDGE_BYTES.flatMap((a) => EDGE_BYTES.map((b) => KEYED + a + b))
      await writer.commit({ put: Object.fromEntries([...keys].reverse().map((key) => [key, key])) })

      const rows = await host.scan(SHARD, writer.hash)

      deepEqual(
        rows.map(({ key }) => key),
        keys,
      )
      for (const { key, value, hash } of rows) deepEqual([text(value), hash], [key, writer.hash])
    },
  },
  {
    title: 'a scan begins at its lower bound and ends before its upper',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit({ put: Object.fromEntries(['a', 'b', 'c', 'd'].map((c) => [KEYED + c, c])) })
      const scan = async (gte: string, lt: string): Promise<string> =>
        (await host.scan(SHARD, writer.hash, { gte: KEYED + gte, lt: KEYED + lt }))
          .map(({ value }) => text(value))
          .join('')

      deepEqual(
        [await scan('b', 'd'), await scan('a', 'b'), await scan('b', 'b'), await scan('d', 'a')],
        ['bc', 'a', '', ''],
      )
    },
  },
  {
    title: 'a scan gives the first rows up to its limit, or the last ones downwards',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      await writer.commit({ put: Object.fromEntries(['a', 'b', 'c', 'd'].map((c) => [KEYED + c, c])) })
      const scan = async (limit: number, reverse: boolean): Promise<string> =>
        (await host.scan(SHARD, writer.hash, { lt: `${KEYED}d`, limit, reverse }))
          .map(({ value }) => text(value))
          .join('')

      deepEqual(
        [await scan(2, false), await scan(9, false), await scan(2, true), await scan(9, true)],
        ['ab', 'abc', 'cb', 'cba'],
      )
    },
  },
  {
    title: 'a scan gives only the rows of its hash',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      for (const [n, key] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
        await writer.commit({ hash: hashIn(SHARD, n % 2), put: { [KEYED + key]: key } })
      }

      const rows = await host.scan(SHARD, hashIn(SHARD, 1), { limit: 2 })

      deepEqual(
        rows.map(({ key }) => key),
        [`${KEYED}b`, `${KEYED}d`],
      )
    },
  },
  {
    title: 'a scan of a space that is not hashed gives its rows',
    async run(rig) {
      const host = await (await rig.open()).claim()
      await host.writer(HOSTS[0]!).commit({ put: { [`${KEYED}a`]: '0', [`${KEYED}b`]: '0' } })
      await host.writer(HOSTS[1]!).commit({ put: { [`${KEYED}c`]: '1' } })

      deepEqual(
        (await host.scan(HOSTS[0]!, 0)).map(({ key }) => key),
        [`${KEYED}a`, `${KEYED}b`],
      )
    },
  },
  {
    title: 'a scan of thousands of rows gives them all',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const keys = Array.from({ length: 3500 }, (_, i) => `${KEYED}${String(i).padStart(6, '0')}`)
      await writer.commit({ put: Object.fromEntries(keys.map((key) => [key, 'v'])) })

      const [up, down] = [await host.scan(SHARD, writer.hash), await host.scan(SHARD, writer.hash, { reverse: true })]

      deepEqual(
        up.map(({ key }) => key),
        keys,
      )
      deepEqual(down.map(({ key }) => key).reverse(), keys)
    },
  },
  {
    title: 'a key may hold any byte anywhere, and be as long as allowed',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const keys = [
        ...EVERY_BYTE.flatMap((byte) => [KEYED + byte, `${KEYED}${byte}\xe9${byte}`]),
        ...['\0', 'a', '\xff'].map((byte) => KEYED + byte.repeat(MAX_KEY_BYTES - 1)),
        'prefix',
        'prefix of another',
      ]
      await writer.commit({ put: Object.fromEntries(keys.map((key) => [key, key])) })

      const values = await host.medium.getMany(
        SHARD,
        keys.map((key) => ({ key, hash: writer.hash })),
      )

      deepEqual(values.map(text), keys)
    },
  },
  {
    title: 'a hash may be any 32 bits',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const first = host.writer(HISTORY[0]!)
      const last = host.writer(HISTORY.at(-1)!)
      await first.commit({ hash: 0, put: { [KEY]: 'least' } })
      await last.commit({ hash: 0xffffffff, put: { [KEY]: 'greatest' } })

      equal(await host.get(first.shard, KEY, 0), 'least')
      equal(await host.get(last.shard, KEY, 0xffffffff), 'greatest')
      deepEqual(
        (await host.scan(last.shard, 0xffffffff)).map(({ hash }) => hash),
        [0xffffffff],
      )
    },
  },
  {
    title: 'a value may be empty, hold any byte, or be a megabyte long',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)
      const { hash } = writer
      const values = [new Uint8Array(), bytes(EVERY_BYTE.join('')), new Uint8Array(2 ** 20).fill(0x5a)]
      await writer.commit({ put: Object.fromEntries(values.map((value, i) => [`${KEYED}${i}`, value])) })

      const read = await host.medium.getMany(
        SHARD,
        values.map((_, i) => ({ key: `${KEYED}${i}`, hash })),
      )
      const scanned = await host.scan(SHARD, hash)

      deepEqual(read.map(text), values.map(text))
      deepEqual(
        scanned.map(({ value }) => text(value)),
        values.map(text),
      )
    },
  },
  {
    title: 'a read sees every commit that was acknowledged',
    async run(rig) {
      const host = await (await rig.open()).claim()
      const writer = host.writer(SHARD)

      for (let n = 0; n < 50; n++) {
        await writer.commit({ put: { [KEY]: `${n}` } })
        equal(await host.get(SHARD, KEY, writer.hash), `${n}`)
      }
    },
  },
  {
    title: 'another host reads committed rows',
    appliesTo: ({ shared, remoteReads }) => shared && remoteReads,
    async run(rig) {
      const [owner, reader] = [await (await rig.open('a')).claim(), await rig.open('b')]
      const writer = owner.writer(SHARD)
      await writer.commit({ put: { [KEY]: 'v' } })

      equal(await reader.get(SHARD, KEY, writer.hash), 'v')
      equal((await reader.scan(SHARD, writer.hash)).length, 1)
    },
  },
]
