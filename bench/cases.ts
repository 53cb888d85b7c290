/** What is measured, case by case: each in child processes of its own, on folders of its own. */
import { withFolder, type Children } from './children.js'
import type { Figures, MediumName } from './figures.js'
import type { Load, LoopName } from './job.js'
import { SIGNALS, STEPS } from './programs.js'
import { SIGNALS_AT_ONCE } from './workloads/recovery.js'

export const WORKLOAD_NAMES = ['W1', 'W2', 'W3', 'W4', 'W6', 'open'] as const
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]

export interface Extent {
  readonly warmupSeconds: number
  readonly seconds: number
  readonly sleeperCount: number
  readonly parkedCount: number
  readonly ringShards: number
}

export interface Case {
  readonly workload: WorkloadName
  readonly medium: MediumName
  readonly concurrency: number
  run(children: Children, extent: Extent): Promise<Partial<Figures>>
}

interface Ceilinged {
  readonly unitsPerExecution: number
  /** What a caller waits for: all of an execution, or one commit of it. */
  readonly awaits: 'execution' | 'commit'
}

const CEILINGS: Readonly<Partial<Record<LoopName, Ceilinged>>> = {
  W1: { unitsPerExecution: 1, awaits: 'execution' },
  W2: { unitsPerExecution: STEPS, awaits: 'execution' },
  W4: { unitsPerExecution: SIGNALS, awaits: 'commit' },
}

export function casesOf({ sleeperCount }: Extent): readonly Case[] {
  return [
    ...[1, 64, 512].flatMap((concurrency) => loadCases('W1', concurrency)),
    ...loadCases('W2', 512),
    ...loadCases('W3', sleeperCount),
    ...loadCases('W4', 64),
    { workload: 'W6', medium: 'level', concurrency: SIGNALS_AT_ONCE, run: recoverCase },
    { workload: 'open', medium: 'level', concurrency: 1, run: openEmptyCase },
    { workload: 'open', medium: 'level', concurrency: 1, run: openFullCase },
  ]
}

function loadCases(workload: LoopName, concurrency: number): readonly Case[] {
  return (['level', 'memory'] as const).map((medium) => ({
    workload,
    medium,
    concurrency,
    run: async (children, { warmupSeconds, seconds }) => {
      const load = { medium, concurrency, warmupSeconds, seconds }
      const ceiling = medium === 'level' ? await ceilingOf(children, workload, load) : {}
      return { ...ceiling, ...(await loadOf(children, workload, load)) }
    },
  }))
}

/** Only the engine: what is compared with the prototypes. */
export function loadOf(children: Children, workload: LoopName, load: Omit<Load, 'folder'>): Promise<Partial<Figures>> {
  return withFolder((folder) => children.run('load', { workload, folder, ...load }))
}

async function ceilingOf(
  children: Children,
  workload: LoopName,
  load: Omit<Load, 'folder'>,
): Promise<Partial<Figures>> {
  const ceilinged = CEILINGS[workload]
  if (ceilinged === undefined) return {}
  const { unitsPerExecution, awaits } = ceilinged
  const shape = await withFolder((folder) => children.run('shape', { workload, folder }))
  const ceiling = await withFolder((folder) => children.run('ceiling', { shape, unitsPerExecution, folder, ...load }))
  return { ceilingPerSecond: ceiling.perSecond, ceilingP50Ms: ceiling[awaits].p50Ms }
}

function recoverCase(children: Children, { parkedCount: count }: Extent): Promise<Partial<Figures>> {
  return withFolder(async (folder) => {
    await children.run('park', { folder, count })
    return await children.run('wake', { folder, count })
  })
}

function openEmptyCase(children: Children, { ringShards: shardCount }: Extent): Promise<Partial<Figures>> {
  return withFolder(async (folder) => {
    return { unit: 'empty', ...(await children.run('open', { folder, shardCount })) }
  })
}

function openFullCase(children: Children, { ringShards: shardCount }: Extent): Promise<Partial<Figures>> {
  return withFolder(async (folder) => {
    await children.run('fill', { folder, shardCount })
    return { unit: 'full', ...(await children.run('open', { folder, shardCount })) }
  })
}
