/** Callers side by side, each doing the same thing again and again: first to warm up, then to be measured. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { rounded } from './figures.js'
import type { Load } from './job.js'

export interface LaneFigures {
  /** Completed from the end of the warm-up until the last caller has finished. */
  readonly count: number
  /** From the first one on. */
  readonly countWithWarmup: number
  readonly perSecond: number
  readonly latenciesMs: readonly number[]
  readonly loopDelayP99Ms: number
}

/** `onWarm` is called when the warm-up is over. */
export async function runLanes(
  { concurrency, warmupSeconds, seconds }: Load,
  once: (lane: number) => Promise<void>,
  onWarm: () => void = () => {},
): Promise<LaneFigures> {
  const latenciesMs: number[] = []
  const loopDelay = monitorEventLoopDelay({ resolution: 1 })
  const warmAt = performance.now() + warmupSeconds * 1000
  let countWithWarmup = 0
  let from = Number.POSITIVE_INFINITY
  let until = Number.POSITIVE_INFINITY
  const lane = async (index: number): Promise<void> => {
    for (let now = performance.now(); now < until; now = performance.now()) {
      if (from > now && now >= warmAt) {
        from = now
        until = now + seconds * 1000
        loopDelay.enable()
        onWarm()
      }
      await once(index)
      countWithWarmup++
      const ended = performance.now()
      if (ended > from) latenciesMs.push(ended - now)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, (_, index) => lane(index)))
  const tookSeconds = (performance.now() - from) / 1000
  const count = latenciesMs.length
  return {
    count,
    countWithWarmup,
    perSecond: count / tookSeconds,
    latenciesMs,
    loopDelayP99Ms: rounded(loopDelay.percentile(99) / 1e6),
  }
}

/** `act` for 0 to `count` − 1, so many at once. */
export async function forEach(
  count: number,
  concurrency: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await act(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}
