/**
 * Time, as everything above sees it. Only this file knows the real one, so that a whole host can run
 * under a simulated clock.
 *
 * `nowMs` is the wall clock and may step in both directions; durations are differences of `monotonicMs`.
 */
import * as timers from 'node:timers'

// Taken when the module loads: a test's fake timers replace the globals, and must not stop a shard.
const { setTimeout: setTimer, clearTimeout: clearTimer, setImmediate: setNext } = timers

/** What `setTimer` gives and `clearTimer` takes; opaque. */
export type TimerHandle = object

/** Source of time for a whole loom; `systemClock` unless a test gives another. */
export interface Clock {
  /** Wall clock, ms since the epoch, a whole number. */
  nowMs(): number
  /** For durations: never steps. ms, fractional. */
  monotonicMs(): number
  /** Calls `fn` once, not before `delayMs` have passed. Longer than 2^31 ms is cut: callers look again. */
  setTimer(delayMs: number, fn: () => void): TimerHandle
  /** Its function is not called any more. Nothing happens when it was. */
  clearTimer(handle: TimerHandle): void
  /** Calls `fn` after what is running now, and after I/O that is already due. */
  soon(fn: () => void): void
}

const MAX_DELAY_MS = 2 ** 31 - 1

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fn) => setTimer(fn, Math.max(0, Math.min(delayMs, MAX_DELAY_MS))),
  clearTimer: (handle) => clearTimer(handle as NodeJS.Timeout),
  soon: (fn) => void setNext(fn),
}

/** Resolves after `delayMs` on that clock, or at once when `signal` aborts; it never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve()
    const done = (): void => {
      clock.clearTimer(handle)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const handle = clock.setTimer(delayMs, done)
    signal?.addEventListener('abort', done, { once: true })
  })
}
