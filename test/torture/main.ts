/**
 * The long counts: kill -9, power losses, random turns. `npm run torture`, or `npm run torture -- --tenth` for a tenth of
 * them from fixed seeds; `--seed S` for other ones. The last line says how many passed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runKillCycles } from '../crash/kill-cycles.js'
import { bundleLoad } from './bundle.js'
import { runMachineTurns } from './machine-turns.js'
import { noPowerLossBecause, runPowerLosses, runWithoutSync } from './power-loss.js'

const { values: options } = parseArgs({
  options: { tenth: { type: 'boolean', default: false }, seed: { type: 'string' } },
})
const scale = options.tenth ? 0.1 : 1
const seed = Number(options.seed ?? (options.tenth ? 1 : 1 + Math.floor(Math.random() * 1e6)))

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
    run: (folder) => runKillCycles({ cycles: 50 * scale, seed, folder, program }),
  },
  {
    name: `${200 * scale} power losses of a loom under load`,
    skippedBecause: noPowerLossBecause(),
    run: (folder) => runPowerLosses({ cycles: 200 * scale, seed, folder, program }),
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
