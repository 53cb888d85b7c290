/** W1 to W4 on one loom, and what the commit loop counted meanwhile. */
import type { Figures } from '../figures.js'
import type { Jobs, Load, LoopName } from '../job.js'
import { openUnderTest, peakRssMb, type Package, type UnderTest } from '../under-test.js'
import { runActivities } from './activities.js'
import { runSignals } from './signals.js'
import { runSleepers } from './sleepers.js'

/** What a workload measures by itself, and of how many executions. */
export interface Measured {
  readonly executionCount: number
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
  let before = usageOf(test)
  const { executionCount, figures } = await WORKLOADS[workload](test, load, () => (before = usageOf(test)))
  const after = usageOf(test)
  const rssMb = peakRssMb()
  await test.loom.close()
  return {
    ...figures,
    commitsPerExecution: (after.turnCount - before.turnCount) / executionCount,
    rowsPerExecution: (after.rowCount - before.rowCount) / executionCount,
    cpuMicrosPerExecution: (after.cpuMicros - before.cpuMicros) / executionCount,
    rssMb,
  }
}

interface Usage {
  readonly turnCount: number
  readonly rowCount: number
  readonly cpuMicros: number
}

function usageOf({ loom }: UnderTest): Usage {
  const { turnCount, rowCount } = loom.admin.stats()
  const { user, system } = process.cpuUsage()
  return { turnCount, rowCount, cpuMicros: user + system }
}
