/**
 * The long counts: kill -9, power losses, random turns. `npm run torture`, or `npm run torture -- --tenth` for a tenth of
 * them from fixed seeds; `--seed S` for other ones. The last line says how many passed.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runKillCycles } from '../crash/kill-cycles.js'
import type { ModelCounts } from '../crash/model.js'
import { bundleLoad } from './bundle.js'
import { runMachineTurns } from './machine-turns.js'
import { noPowerLossBecause, runPowerLosses, runWithoutSync } from './power-loss.js'

const { values: options } = parseArgs({
  options: { tenth: { type: 'boolean', default: false }, seed: { type: 'string' } },
})
const scale = options.tenth ? 0.1 : 1
const seed = Number(options.seed ?? (options.tenth ? 1 : 1 + Math.floor(Math.random() * 1e6)))

const CYCLES_OF_A_STORE = 20

interface Torture {
  readonly name: string
  /** Why it is left out; '' when it is not. */
  readonly skippedBecause: string
  /** What it is told that was done. */
  run(folder: string): Promise<object>
}

const scratch = await mkdtemp(join(tmpdir(), 'shardloom-torture-'))
const program = await bundleLoad(scratch)

const tortures: readonly Torture[] = [
  {
    name: `${1_000_000 * scale} random turns of the machine`,
    skippedBecause: '',
    run: async () => runMachineTurns(1_000_000 * scale, seed),
  },
  {
    name: `${50 * scale} kills of a loom under load`,
    skippedBecause: '',
    run: (folder) => onStores(folder, 50 * scale, (part) => runKillCycles({ ...part, program })),
  },
  {
    name: `${200 * scale} power losses of a loom under load`,
    skippedBecause: noPowerLossBecause(),
    run: (folder) => onStores(folder, 200 * scale, (part) => runPowerLosses({ ...part, program })),
  },
  {
    name: 'that the same is noticed where nothing is synced',
    skippedBecause: noPowerLossBecause(),
    run: (folder) => runWithoutSync({ cycles: 20, seed, folder, program }),
  },
]

console.log(`SEED=${seed}`)
let passed = 0
let failed = 0
for (const torture of tortures) {
  if (torture.skippedBecause !== '') console.log(`skipped: ${torture.name}: ${torture.skippedBecause}`)
  else if (await holds(torture)) passed++
  else failed++
}
await rm(scratch, { recursive: true })
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

interface Part {
  readonly cycles: number
  readonly seed: number
  readonly folder: string
}

/** One store after another, each for some of the cycles: a store is read whole after each of them. */
async function onStores(
  folder: string,
  cycles: number,
  run: (part: Part) => Promise<ModelCounts>,
): Promise<ModelCounts> {
  let sum: ModelCounts = { runs: 0, events: 0, acks: 0, effects: 0, lostAttempts: 0 }
  for (let done = 0; done < cycles; done += CYCLES_OF_A_STORE) {
    const part = {
      cycles: Math.min(CYCLES_OF_A_STORE, cycles - done),
      seed: seed + done,
      folder: join(folder, `${done}`),
    }
    await mkdir(part.folder)
    const { runs, events, acks, effects, lostAttempts } = await run(part)
    sum = {
      runs: sum.runs + runs,
      events: sum.events + events,
      acks: sum.acks + acks,
      effects: sum.effects + effects,
      lostAttempts: sum.lostAttempts + lostAttempts,
    }
  }
  return sum
}

async function holds({ name, run }: Torture): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'shardloom-torture-'))
  const startedAt = performance.now()
  const took = (): string => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
  try {
    const counts = await run(folder)
    console.log(`passed: ${name} in ${took()}: ${JSON.stringify(counts)}`)
    await rm(folder, { recursive: true })
    return true
  } catch (error) {
    console.error(`FAILED: ${name} after ${took()}; its folder is ${folder}`)
    console.error(error)
    return false
  }
}
