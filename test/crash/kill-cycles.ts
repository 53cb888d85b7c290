/**
 * kill -9 of a process under load, again and again, on one store. After each kill the store is read without an engine and
 * held against the model; at the end everything that is open is ended in peace, and nothing may be left.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { listen } from '../../examples/flights/radio.js'
import { readLedger } from '../../examples/flights/ledger.js'
import { seededRandom } from '../../src/base/random.js'
import type { Ack } from './acks.js'
import { Model, type ModelCounts } from './model.js'
import { SHARD_COUNT } from './shape.js'
import { readStore, type Stored } from './stored.js'

export interface KillCycles {
  readonly cycles: number
  readonly seed: number
  /** Empty, or what an earlier call left. */
  readonly folder: string
  /** Longest time under load, ms; a kill comes at any moment before. Default 700. */
  readonly maxLoadMs?: number
  /** The load as a JavaScript file; default: load.ts, by tsx. */
  readonly program?: string
  /** For the process under load. */
  readonly env?: Readonly<Record<string, string>>
  /** Called before each load with the folder of the store, which may not be there yet. */
  readonly beforeLoad?: (store: string) => Promise<void>
  /** Called after each kill with the folder of the store: what else is lost? */
  readonly afterKill?: (store: string) => Promise<void>
}

const CHILD = fileURLToPath(new URL('load.ts', import.meta.url))
const DRAIN_WITHIN_MS = 60_000
/** A process is up in about this time. */
const MAX_STARTING_MS = 500

/** Throws, naming seed and cycle, at the first thing that is wrong. */
export async function runKillCycles(options: KillCycles): Promise<ModelCounts> {
  const { cycles, seed, folder, maxLoadMs = 700 } = options
  const random = seededRandom(seed)
  const model = new Model()
  for (let cycle = 1; cycle <= cycles; cycle++) {
    await options.beforeLoad?.(join(folder, 'store'))
    // Now and then it is killed before it is up, while it takes up what the one before has left.
    const mayOpen = random.fraction() > 0.15
    await loadUntilKilled(options, cycle, model, mayOpen, random.fraction() * (mayOpen ? maxLoadMs : MAX_STARTING_MS))
    await options.afterKill?.(join(folder, 'store'))
    await check(model, folder, `SEED=${seed}, after kill ${cycle}`)
  }
  await drain(options, cycles + 1, model)
  const stored = await check(model, folder, `SEED=${seed}, at the end`)
  failIfAny(model.checkDrained(stored), `SEED=${seed}, at the end`)
  return model.counts(stored, readLedger(join(folder, 'ledger.txt')))
}

async function check(model: Model, folder: string, when: string): Promise<Stored> {
  const stored = await readStore(join(folder, 'store'), SHARD_COUNT)
  failIfAny(model.check(stored, readLedger(join(folder, 'ledger.txt'))), when)
  return stored
}

function failIfAny(problems: readonly string[], when: string): void {
  if (problems.length > 0) throw new Error(`${when}: ${problems.length} problems\n${problems.slice(0, 20).join('\n')}`)
}

async function loadUntilKilled(
  options: KillCycles,
  cycle: number,
  model: Model,
  mayOpen: boolean,
  waitMs: number,
): Promise<void> {
  const child = spawnLoad(options, cycle, 'load')
  const opened = new Promise<void>((resolve) =>
    listen<Ack>(child.stdout, (ack) => {
      model.note(ack)
      if (ack.ack === 'open') resolve()
    }),
  )
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  const begun = mayOpen ? opened : Promise.resolve()
  await Promise.race([begun.then(() => pause(waitMs)), closed])
  child.kill('SIGKILL')
  const [code, signal] = await closed
  if (signal !== 'SIGKILL')
    throw new Error(`SEED=${options.seed}, cycle ${cycle}: the load left by itself, code ${code}`)
}

async function drain(options: KillCycles, generation: number, model: Model): Promise<void> {
  const child = spawnLoad(options, generation, 'drain')
  let wasDrained = false
  listen<Ack>(child.stdout, (ack) => {
    model.note(ack)
    wasDrained ||= ack.ack === 'drained'
  })
  const tooLong = setTimeout(() => child.kill('SIGKILL'), DRAIN_WITHIN_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(tooLong)
  if (!wasDrained || code !== 0) throw new Error(`SEED=${options.seed}: what is open did not end, code ${code}`)
}

function spawnLoad({ folder, seed, env, program }: KillCycles, generation: number, mode: 'load' | 'drain') {
  const code = program === undefined ? ['--import', 'tsx', CHILD] : [program]
  return spawn(process.execPath, [...code, folder, String(generation), String(seed), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', ...env },
  })
}
