/**
 * A clock that stands still until it is told to move: days of timers pass in milliseconds, and the same way each time.
 *
 * Invariant: no timer fires before its time, and what one time causes in memory is over before the next time comes.
 */
import { systemClock, type Clock, type TimerHandle } from '../base/clock.js'
import { durationMs, type Duration } from '../base/duration.js'
import { LoomError } from '../base/errors.js'

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000
/** As the real clock: longer delays are cut. */
const MAX_DELAY_MS = 2 ** 31 - 1
const QUIET_TURNS = 8
const MAX_TURNS = 1_000_000

interface VirtualTimer {
  readonly dueMs: number
  /** Timers of one time fire in the order they were set. */
  readonly number: number
  readonly fn: () => void
}

/** Time for tests: it moves only by `advance` and `advanceTo`. */
export class VirtualClock implements Clock {
  readonly #startMs: number
  #nowMs: number
  /** In the order they will fire. */
  readonly #timers: VirtualTimer[] = []
  #timersSet = 0
  /** Every use of this clock counts: while the number grows, somebody is at work. */
  #uses = 0
  /** Calls of `soon` that have not run yet. */
  #soon = 0

  constructor(startMs: number = START_MS) {
    this.#startMs = startMs
    this.#nowMs = startMs
  }

  nowMs(): number {
    this.#uses++
    return this.#nowMs
  }

  monotonicMs(): number {
    this.#uses++
    return this.#nowMs - this.#startMs
  }

  setTimer(delayMs: number, fn: () => void): TimerHandle {
    this.#uses++
    const dueMs = this.#nowMs + Math.ceil(Math.max(0, Math.min(delayMs, MAX_DELAY_MS)))
    const timer: VirtualTimer = { dueMs, number: this.#timersSet++, fn }
    this.#timers.splice(this.#placeOf(timer), 0, timer)
    return timer
  }

  clearTimer(handle: TimerHandle): void {
    this.#uses++
    const timer = handle as VirtualTimer
    const place = this.#placeOf(timer)
    if (this.#timers[place] === timer) this.#timers.splice(place, 1)
  }

  /** On the real event loop: only time is virtual. */
  soon(fn: () => void): void {
    this.#soon++
    systemClock.soon(() => {
      this.#soon--
      fn()
    })
  }

  /** When the next timer fires, ms since the epoch; undefined: no timer is set. */
  nextDueMs(): number | undefined {
    return this.#timers[0]?.dueMs
  }

  /**
   * Lets that much time pass, ms or a text such as '3 days', as `advanceTo` does. What awaits real time meanwhile (an
   * activity, and with it `loom.close()`) is not moved by it.
   */
  async advance(time: Duration): Promise<void> {
    await this.advanceTo(this.#nowMs + durationMs(time, 'advance'))
  }

  /** To an instant, ms since the epoch. Fires what becomes due on the way, each at its time, and settles in between. Time that has passed stays passed. */
  async advanceTo(ms: number): Promise<void> {
    if (!Number.isFinite(ms)) throw new LoomError('LOOM_INVALID_ARGUMENT', `advanceTo: not an instant: ${String(ms)}`)
    await this.settle()
    for (let dueMs = this.nextDueMs(); dueMs !== undefined && dueMs <= ms; dueMs = this.nextDueMs()) {
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      await this.settle()
    }
    this.#nowMs = Math.max(this.#nowMs, ms)
  }

  /**
   * Resolves when work that needs memory alone has come to rest: for some turns of the event loop in a row nobody used this
   * clock, no `soon` was waiting, and no `setImmediate` of the process either. Timers that are due already fire on the
   * way, since they wait for no time to pass. It does not wait for disks and sockets, nor for real timers. Rejects with
   * LOOM_DEADLINE when there is no rest after a million turns.
   */
  async settle(): Promise<void> {
    let quietTurns = 0
    for (let turns = 0; quietTurns < QUIET_TURNS; turns++) {
      if (turns === MAX_TURNS)
        throw new LoomError('LOOM_DEADLINE', `not at rest after ${MAX_TURNS} turns of the event loop`)
      const usesBefore = this.#uses
      this.#fireDue()
      await new Promise<void>((resolve) => systemClock.soon(resolve))
      const isQuiet = this.#uses === usesBefore && this.#soon === 0 && !hasImmediates()
      quietTurns = isQuiet ? quietTurns + 1 : 0
    }
  }

  #fireDue(): void {
    for (let timer = this.#timers[0]; timer !== undefined && timer.dueMs <= this.#nowMs; timer = this.#timers[0]) {
      this.#timers.shift()
      this.#uses++
      timer.fn()
    }
  }

  /** Where the timer stands, or would stand. */
  #placeOf({ dueMs, number }: VirtualTimer): number {
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#timers[middle]!
      const isBefore = other.dueMs < dueMs || (other.dueMs === dueMs && other.number < number)
      if (isBefore) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Workflow code runs in turns of its own, which this clock does not hear of. */
function hasImmediates(): boolean {
  return process.getActiveResourcesInfo().includes('Immediate')
}
