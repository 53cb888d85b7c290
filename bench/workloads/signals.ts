/** W4: each of the callers sends its execution signal after signal, and waits until each is acknowledged. */
import { latenciesOf, rounded } from '../figures.js'
import type { Load } from '../job.js'
import { runLanes } from '../lanes.js'
import { SIGNALS } from '../programs.js'
import { newWorkflowId, type UnderTest } from '../under-test.js'
import type { Measured } from './load.js'

const SUM = (SIGNALS * (SIGNALS - 1)) / 2

export async function runSignals({ loom, programs }: UnderTest, load: Load, onWarm: () => void): Promise<Measured> {
  let acknowledgedMs: number[] = []
  const once = async (): Promise<void> => {
    const handle = await loom.start(programs.adder, { workflowId: newWorkflowId() })
    for (let value = 0; value < SIGNALS; value++) {
      const began = performance.now()
      await handle.signal('add', value)
      acknowledgedMs.push(performance.now() - began)
    }
    const sum = await handle.result()
    if (sum !== SUM) throw new Error(`the signals add up to ${sum}, not ${SUM}`)
  }
  const lanes = await runLanes(load, once, () => {
    acknowledgedMs = []
    onWarm()
  })
  return {
    executionCount: lanes.count,
    countWithWarmup: lanes.countWithWarmup,
    figures: {
      perSecond: rounded(lanes.perSecond * SIGNALS),
      unit: 'signals',
      ...latenciesOf(acknowledgedMs),
      loopDelayP99Ms: lanes.loopDelayP99Ms,
    },
  }
}
