/** W3: many executions begin to sleep at once; how late does the client hear that each has woken? */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { latenciesOf, rounded } from '../figures.js'
import type { Load } from '../job.js'
import { SLEEP_MS } from '../programs.js'
import { newWorkflowId, type UnderTest } from '../under-test.js'
import type { Measured } from './load.js'

/** `load.concurrency` executions, twice: the first time to warm up. */
export async function runSleepers(
  { loom, programs }: UnderTest,
  { concurrency }: Load,
  onWarm: () => void,
): Promise<Measured> {
  const sleepOnce = async (): Promise<number> => {
    const handle = await loom.start(programs.sleeper, { workflowId: newWorkflowId() })
    const beganAtMs = await handle.result()
    return Date.now() - (beganAtMs + SLEEP_MS)
  }
  const sleepAll = (): Promise<number[]> => Promise.all(Array.from({ length: concurrency }, sleepOnce))
  await sleepAll()
  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  loopDelay.enable()
  onWarm()
  const latenessMs = await sleepAll()
  return {
    executionCount: concurrency,
    countWithWarmup: 2 * concurrency,
    figures: { ...latenciesOf(latenessMs), loopDelayP99Ms: rounded(loopDelay.percentile(99) / 1e6) },
  }
}
