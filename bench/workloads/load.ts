/** W1 to W4 on one loom, and what its commit loop counted. */
import { rounded, type Figures } from '../figures.js'
import type { Jobs, Load, LoopName } from '../job.js'
import { openUnderTest, peakRssMb, type Package, type UnderTest } from '../under-test.js'
import { runActivities } from './activities.js'
import { runSignals } from './signals.js'
import { runSleepers } from './sleepers.js'

/** What a workload measures by itself, and of how many executions. */
export interface Measured {
  readonly executionCount: number
  /** All that this loom ever had. */
  readonly countWithWarmup: number
  readonly figures: Partial<Figures>
}

/** `onWarm` is to be called when what is counted begins. */
export type RunWorkload = (test: UnderTest, load: Load, onWarm: () => void) => Promise<Measured>

const WORKLOADS: Readonly<Record<LoopName, RunWorkload>> = {
  W1: (test, load, onWarm) => runActivities(test.programs.oneActivity, 1, test, load, onWarm),
  W2: (test, load, onWarm) => runActivities(test.programs.tenActivities, 10, test, load, onWarm),
  W3: runSleepers,
  W4: runSignals,
}

export async function runLoad(shardloom: Package, { workload, ...load }: Jobs['load']): Promise<Partial<Figures>> {
  const test = await openUnderTest(shardloom, load)
  let cpuBefore = process.cpuUsage()
  const onWarm = (): void => void (cpuBefore = process.cpuUsage())
  const { executionCount, countWithWarmup, figures } = await WORKLOADS[workload](test, load, onWarm)
  const { user, system } = process.cpuUsage(cpuBefore)
  const { turnCount, rowCount } = test.loom.admin.stats()
  const rssMb = peakRssMb()
  await test.loom.close()
  return {
    ...figures,
    // Over all of its life: exact, even when a run is too short for its ends not to matter.
    commitsPerExecution: rounded(turnCount / countWithWarmup),
    rowsPerExecution: rounded(rowCount / countWithWarmup),
    cpuMicrosPerExecution: rounded((user + system) / executionCount),
    rssMb,
  }
}
