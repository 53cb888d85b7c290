/**
 * The process that is killed: opens a loom and puts it under mixed load, acknowledging on stdout what holds. In the mode
 * `drain` it starts nothing, ends whatever is open, and leaves in peace.
 *
 * `load.ts <folder> <generation> <seed> <load|drain>`
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { Ledger } from '../../examples/flights/ledger.js'
import { seededRandom } from '../../src/base/random.js'
import { openLoom } from '../../src/loom.js'
import { level } from '../../src/storage/level.js'
import type { Ack } from './acks.js'
import { Driver } from './driver.js'
import { programs } from './programs.js'
import { RemoteWorker } from './remote-worker.js'
import { DRIVER_COUNT, NO_SYNC, settingsOf, SHARD_COUNT } from './shape.js'

const [folder, generation, seed, mode] = process.argv.slice(2) as [string, string, string, 'load' | 'drain']
const ledger = new Ledger(join(folder, 'ledger.txt'), `generation-${generation}`)
const known = programs(ledger)

function acknowledge(ack: Ack): void {
  writeSync(1, `${JSON.stringify(ack)}\n`)
}

function complain(_fields: object, message: string): void {
  process.stderr.write(
    `${message} ${JSON.stringify(_fields, (_, value: unknown) => (value instanceof Error ? String(value.stack) : value))}\n`,
  )
}

/** Attempts fail here on purpose, and workers of another process have the code of some. */
function complainOfUnexpected(fields: object, message: string): void {
  if (!/^attempt \d+ of|^no worker here/.test(message)) complain(fields, message)
}

const loom = await openLoom({
  medium: level(join(folder, 'store'), { writeBufferBytes: 256 * 1024, sync: process.env[NO_SYNC] === undefined }),
  shardCount: SHARD_COUNT,
  definitions: known.definitions,
  settings: settingsOf(Number(generation)),
  logger: { debug: () => {}, info: () => {}, warn: complainOfUnexpected, error: complain },
})
acknowledge({ ack: 'open' })

const remoteWorker = new RemoteWorker(loom, ledger, seededRandom(Number(seed) + Number(generation)))
const drivers = Array.from({ length: DRIVER_COUNT }, (_, at) => {
  const random = seededRandom(Number(seed) * 1_000_003 + Number(generation) * 1_009 + at)
  return new Driver({ loom, known, acknowledge, random, name: `${generation}.${at}`, workflowId: `w${at >> 1}` })
})
if (mode === 'load') await Promise.all(drivers.map((driver) => driver.driveForEver()))
await Promise.all(drivers.map((driver) => driver.drain()))
await remoteWorker.stop()
await loom.close()
acknowledge({ ack: 'drained' })
