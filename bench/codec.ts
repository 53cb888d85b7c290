/**
 * What the codec of rows costs beside others, and what the type of a key costs on its way into LevelDB. The figures of
 * docs/decisions/0002-codec-and-keys.md. `npx tsx bench/codec.ts`
 *
 * CPU time of the process, best of seven, all candidates in turn: the machine may be shared.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { Packr } from 'msgpackr'
import { u32, u48 } from '../src/base/bytes.js'
import { systemRandom } from '../src/base/random.js'
import { UuidV7Source } from '../src/base/uuid.js'
import { crc32, decodeRow, encodeRow } from '../src/storage/codec.js'

const ROUNDS = 7
const CALLS = 100_000

const payload = Buffer.from(
  JSON.stringify({ orderId: 'ord-1837', items: [1, 2, 3], total: 12.5, note: 'sent by a customer' }),
)
const started = [
  'checkout',
  'default',
  [['json/plain', payload]],
  null,
  0,
  10000,
  'req-0f8fad5b-d9cb-469f-a165',
  null,
  1,
]
const scheduled = ['5', 'charge', 'default', [['json/plain', payload]], 0, 0, 30000, 0, 4]
const events = encodeRow([
  [1, 1763800000000, 8211, started],
  [2, 1763800000000, 8212, ['default', 10000, 1]],
  [3, 1763800000001, 8213, [2, 'host-1', 'req-2']],
  [4, 1763800000002, 8214, [2, 3, 'host-1']],
  [5, 1763800000002, 8215, scheduled],
])
const ROWS: Readonly<Record<string, readonly unknown[]>> = {
  'five events of a start': decodeRow(events, 'bench'),
  'one event, small': [1, 1763800000000, 8211, 3, 'default', false],
  'history row around them': [2871263512, 0, null, events],
  'current run': ['01a3c5e7-89ab-7cde-8f01-23456789abcd', 0, 'req-0f8fad5b-d9cb-469f-a165', 1763800000000],
  head: [83211, encodeRow([90213, [0, 12, 3, 0, 0, 0]])],
}

interface Codec {
  encode(row: readonly unknown[]): Uint8Array
  decode(bytes: Uint8Array): unknown
}

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })
const headerCrc = crc32(Buffer.of(1, 0, 0, 0, 0))

const CODECS: Readonly<Record<string, Codec>> = {
  ours: { encode: encodeRow, decode: (bytes) => decodeRow(bytes, 'bench') },
  msgpackr: {
    encode(row) {
      // 2048: leave as many bytes free in front as the low bits say.
      const bytes = packr.pack(row, 2048 | 5)
      bytes.fill(0, 0, 5)
      bytes[0] = 1
      bytes.writeUInt32LE(crc32(bytes), 1)
      return bytes
    },
    // Without the pass that refuses hostile bytes, which ours has.
    decode(bytes) {
      const body = bytes.subarray(5)
      if (crc32(body, headerCrc) !== (bytes as Buffer).readUInt32LE(1)) throw new Error('CRC')
      return packr.unpack(body)
    },
  },
  JSON: {
    encode(row) {
      const text = JSON.stringify(row, (_, value: unknown) => (isJsonOfBuffer(value) ? base64Of(value.data) : value))
      const bytes = Buffer.allocUnsafe(5 + Buffer.byteLength(text))
      bytes.fill(0, 0, 5)
      bytes.write(text, 5)
      bytes.writeUInt32LE(crc32(bytes), 1)
      return bytes
    },
    decode(bytes) {
      const body = bytes.subarray(5)
      if (crc32(body) === 0) throw new Error('CRC')
      return JSON.parse((bytes as Buffer).toString('utf8', 5))
    },
  },
}

function isJsonOfBuffer(value: unknown): value is { data: number[] } {
  return typeof value === 'object' && value !== null && 'data' in value
}

function base64Of(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('base64')
}

/** The least CPU time of a call of each, ns. */
function measure(candidates: Readonly<Record<string, () => unknown>>): Record<string, number> {
  const best: Record<string, number> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(candidates)) {
      const before = process.cpuUsage()
      for (let i = 0; i < CALLS; i++) call()
      const { user, system } = process.cpuUsage(before)
      best[name] = Math.min(best[name] ?? Infinity, Math.round(((user + system) * 1000) / CALLS))
    }
  }
  return best
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]))
}

function benchCodecs(): void {
  for (const [name, row] of Object.entries(ROWS)) {
    const encode = measure(mapValues(CODECS, (codec) => () => codec.encode(row)))
    const decode = measure(
      mapValues(CODECS, (codec) => {
        const bytes = codec.encode(row)
        return () => codec.decode(bytes)
      }),
    )
    for (const [codec, { encode: toBytes }] of Object.entries(CODECS)) {
      console.log(
        JSON.stringify({
          row: name,
          codec,
          bytes: toBytes(row).length,
          encodeNs: encode[codec],
          decodeNs: decode[codec],
        }),
      )
    }
  }
}

const BATCHES = 400
const ROWS_A_BATCH = 500

/** The same ascending keys in three types, through a chained batch that is not synced: CPU of all threads, µs a row. */
async function benchKeys(): Promise<void> {
  const ids = new UuidV7Source(systemRandom)
  const newKey = (i: number): string =>
    `RA${ids.next(1763800000000 + i).key}\0${u32(i)}${u32(Math.imul(i, 2654435761) >>> 0)}`
  const types: Record<string, (key: string) => string | Buffer> = {
    latin1: (key) => key,
    buffer: (key) => Buffer.from(key, 'latin1'),
    hex: (key) => Buffer.from(key, 'latin1').toString('hex'),
  }
  for (const round of [1, 2, 3]) {
    for (const [type, convert] of Object.entries(types)) {
      const directory = mkdtempSync(join(tmpdir(), 'shardloom-bench-'))
      const keyEncoding = type === 'buffer' ? 'buffer' : 'utf8'
      const db = new Level<string | Buffer, Buffer>(directory, {
        keyEncoding,
        valueEncoding: 'buffer',
        writeBufferSize: 16 << 20,
      })
      await db.open()
      const before = process.cpuUsage()
      let fillUs = 0
      for (let b = 0; b < BATCHES; b++) {
        const keys = Array.from({ length: ROWS_A_BATCH }, (_, i) => newKey(b * ROWS_A_BATCH + i))
        const filling = process.cpuUsage()
        const batch = db.batch()
        for (const key of keys) batch.put(convert(key), events as Buffer)
        fillUs += process.cpuUsage(filling).user
        await batch.write()
      }
      const { user, system } = process.cpuUsage(before)
      await db.close()
      rmSync(directory, { recursive: true })
      const perRow = (us: number): number => Number((us / BATCHES / ROWS_A_BATCH).toFixed(2))
      console.log(
        JSON.stringify({
          keys: type,
          round,
          keyBytes: Buffer.byteLength(convert(newKey(1))),
          fillUs: perRow(fillUs),
          totalUs: perRow(user + system),
        }),
      )
    }
  }
  console.log(
    JSON.stringify({ note: 'a key is built in', ns: measure({ u48: () => u48(1763800000000) + u32(7) })['u48'] }),
  )
}

benchCodecs()
await benchKeys()
