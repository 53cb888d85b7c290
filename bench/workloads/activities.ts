/** W1, W2: executions of one activity, or of several one after the other; each caller waits for the result. */
import { latenciesOf, rounded } from '../figures.js'
import type { Load } from '../job.js'
import { runLanes } from '../lanes.js'
import { ORDER, type Programs } from '../programs.js'
import { newWorkflowId, type UnderTest } from '../under-test.js'
import type { Measured } from './load.js'

export async function runActivities(
  workflow: Programs['oneActivity'] | Programs['tenActivities'],
  stepCount: number,
  { loom }: UnderTest,
  load: Load,
  onWarm: () => void,
): Promise<Measured> {
  const once = async (): Promise<void> => {
    const handle = await loom.start(workflow, { workflowId: newWorkflowId(), input: ORDER })
    await handle.result()
  }
  const lanes = await runLanes(load, once, onWarm)
  return {
    executionCount: lanes.count,
    countWithWarmup: lanes.countWithWarmup,
    figures: {
      perSecond: rounded(lanes.perSecond * stepCount),
      unit: stepCount === 1 ? 'executions' : 'steps',
      ...latenciesOf(lanes.latenciesMs),
      loopDelayP99Ms: lanes.loopDelayP99Ms,
    },
  }
}
