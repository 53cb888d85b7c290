/**
 * Ours beside the prototype of the hot path, in pairs one after the other: on a machine that others use too, the ratio of a
 * pair says more than a figure.
 */
import { execFileSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { loadOf } from './cases.js'
import { linesOf, withFolder, type Children } from './children.js'
import { aligned, median, shown } from './figures.js'
import type { LoopName } from './job.js'
import { STEPS } from './programs.js'

interface Contest {
  readonly workload: LoopName
  readonly concurrency: number
  /** Ours count steps where the prototype counts executions. */
  readonly unitsPerExecution: number
}

const CONTESTS: readonly Contest[] = [
  { workload: 'W1', concurrency: 512, unitsPerExecution: 1 },
  { workload: 'W2', concurrency: 512, unitsPerExecution: STEPS },
  { workload: 'W4', concurrency: 64, unitsPerExecution: 1 },
]

export interface PrototypeOptions {
  /** Where its sources are; they are copied. */
  readonly source: string
  readonly pairs: number
  readonly warmupSeconds: number
  readonly seconds: number
  readonly only: readonly string[]
}

export function comparePrototype(children: Children, options: PrototypeOptions): Promise<void> {
  return withFolder(async (folder) => {
    cpSync(options.source, folder, { recursive: true })
    execFileSync('chmod', ['-R', 'u+w', folder])
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' })
    const lines = [['workload', 'ours /s', 'prototype /s', 'ratio', 'of each pair', 'CPU ratio']]
    for (const contest of CONTESTS.filter(({ workload }) => options.only.includes(workload))) {
      lines.push(await contestLine(children, folder, contest, options))
    }
    console.log(`\n${aligned(lines)}`)
  })
}

async function contestLine(
  children: Children,
  folder: string,
  { workload, concurrency, unitsPerExecution }: Contest,
  { pairs, warmupSeconds, seconds }: PrototypeOptions,
): Promise<string[]> {
  const [ours, theirs]: [Rate[], Rate[]] = [[], []]
  for (let pair = 0; pair < pairs; pair++) {
    const load = { medium: 'level', concurrency, warmupSeconds, seconds } as const
    const { perSecond, cpuMicrosPerExecution } = await loadOf(children, workload, load)
    ours.push({ perSecond: perSecond!, cpuMicros: cpuMicrosPerExecution })
    const options = { conc: concurrency, secs: seconds, warm: warmupSeconds * 1000, uniq: 'filter' }
    const { rate, cpuUs } = await runPrototype(folder, workload, options)
    theirs.push({ perSecond: unitsPerExecution * rate, cpuMicros: cpuUs })
  }
  const ratios = ours.map(({ perSecond }, pair) => perSecond / theirs[pair]!.perSecond)
  const cpuRatios = ours.map(({ cpuMicros }, pair) => cpuMicros! / theirs[pair]!.cpuMicros!)
  const medianOf = (rates: readonly Rate[]): string => shown(median(rates.map(({ perSecond }) => perSecond)))
  return [
    `${workload}@${concurrency}`,
    medianOf(ours),
    medianOf(theirs),
    shown(median(ratios)),
    ratios.map((ratio) => ratio.toFixed(2)).join(' '),
    shown(median(cpuRatios) || undefined),
  ]
}

interface Rate {
  readonly perSecond: number
  /** Of an execution; the prototype does not tell for signals. */
  readonly cpuMicros: number | undefined
}

async function runPrototype(folder: string, workload: LoopName, options: object): Promise<PrototypeAnswer> {
  const lines = await linesOf(process.execPath, ['bench.mjs', workload, JSON.stringify(options)], {
    cwd: folder,
    env: { ...process.env, PROTO_DIR: join(folder, 'data') },
  })
  return JSON.parse(lines.at(-1)!) as PrototypeAnswer
}

interface PrototypeAnswer {
  readonly rate: number
  readonly cpuUs?: number
}
