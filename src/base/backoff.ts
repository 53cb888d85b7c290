/** Waiting longer after each failure, with jitter, so that many who failed together do not return together. */
import type { Random } from './random.js'

export interface Backoff {
  readonly initialMs: number
  readonly coefficient: number
  readonly maximumMs: number
}

/** The wait after failure number `attempt` (from 1), before jitter. */
export function backoffMs(backoff: Backoff, attempt: number): number {
  return Math.min(backoff.maximumMs, backoff.initialMs * backoff.coefficient ** (attempt - 1))
}

/** Between 80 % and 100 % of `backoffMs`. */
export function jitteredBackoffMs(backoff: Backoff, attempt: number, random: Random): number {
  return backoffMs(backoff, attempt) * (0.8 + 0.2 * random.fraction())
}
