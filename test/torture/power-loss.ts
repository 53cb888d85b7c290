/**
 * Power losses under a whole loom: the process under load is killed, and the files of its store are cut back to what had
 * been synced, with a torn tail. The shim of the storage tests notes how much that is.
 */
import { execFileSync } from 'node:child_process'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '../../src/base/random.js'
import { runKillCycles } from '../crash/kill-cycles.js'
import type { ModelCounts } from '../crash/model.js'
import { NO_SYNC } from '../crash/shape.js'
import { cutBack, dataFilesOf } from '../storage/cut-back.js'

const SHIM_SOURCE = fileURLToPath(new URL('../storage/shim/powerloss.c', import.meta.url))

/** Why power losses cannot be made here; '' when they can. */
export function noPowerLossBecause(): string {
  if (process.platform !== 'linux') return `it preloads a shim, which ${process.platform} has not`
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return ''
  } catch {
    return 'there is no cc to make the shim with'
  }
}

export interface PowerLosses {
  readonly cycles: number
  readonly seed: number
  readonly folder: string
  readonly program?: string
}

export function runPowerLosses(losses: PowerLosses): Promise<ModelCounts> {
  return losePower(losses, {})
}

/** The control: throws unless something acknowledged is found to be lost. Else the test would prove nothing. */
export async function runWithoutSync(losses: PowerLosses): Promise<{ readonly noticed: string }> {
  const counts = await losePower(losses, { [NO_SYNC]: '1' }).catch((error: unknown) => String(error).split('\n'))
  if (Array.isArray(counts)) return { noticed: counts.slice(0, 2).join(' ') }
  throw new Error(`${losses.cycles} power losses without sync lost nothing: the shim or the model does not work`)
}

async function losePower(
  { cycles, seed, folder, program }: PowerLosses,
  more: Record<string, string>,
): Promise<ModelCounts> {
  const shim = join(folder, 'shim.so')
  const notes = join(folder, 'notes.txt')
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', shim, SHIM_SOURCE, '-ldl'])
  const random = seededRandom(seed + 1).fraction
  return await runKillCycles({
    ...{ cycles, seed, folder },
    ...(program !== undefined && { program }),
    maxLoadMs: 400,
    env: { LD_PRELOAD: shim, POWERLOSS_NOTES: notes, ...more },
    // What the reader of the cycle before has left is there to stay.
    beforeLoad: (store) => noteAllAsSynced(store, notes),
    afterKill: async (store) => cutBack(store, await readFile(notes, 'utf8'), random),
  })
}

async function noteAllAsSynced(store: string, notes: string): Promise<void> {
  const lines: string[] = []
  for (const path of await dataFilesOf(store)) {
    const { dev, ino, size } = await stat(path)
    lines.push(`${dev} ${ino} ${size}\n`)
  }
  await writeFile(notes, lines.join(''))
}
