/**
 * The slot train: how workflow code is given the event loop, one window at a time.
 *
 * A train is a block of adjacent `setImmediate` callbacks, its slots. Between two of them Node runs ticks, microtasks
 * and rejection checks to their end and nothing else, so each gap is a complete drain and belongs to the one
 * passenger whose window the slot before it opened.
 *
 * Invariant: while a window is open no code of the application runs; it does only behind the last slot.
 */
import { AsyncResource } from 'node:async_hooks'
import * as timers from 'node:timers'
import type { Clock } from '../base/clock.js'
import { RejectionWatch } from './rejections.js'
import { openPassenger, setOpenPassenger, type Passenger } from './window.js'

// Taken when the module loads: a test's fake timers replace the globals, and must not stop a workflow.
const { setImmediate: queueSlot } = timers

// Trains start from here: else the AsyncLocalStorage of whoever woke the train would show in workflow code.
const nobody = new AsyncResource('shardloom.train')

const MIN_SLOTS = 4
const SLOTS_PER_BUDGET_CHECK = 16

export interface TrainOptions {
  readonly clock: Clock
  /** Slots of the longest train. Default 64. */
  readonly maxSlots?: number | undefined
  /** How long a train may go on opening windows, ms. Default 5. */
  readonly budgetMs?: number | undefined
  /** Set the application's `unhandledRejection` listeners aside while a train runs. Default true. */
  readonly hideListeners?: boolean | undefined
}

/** One for a loom. Several in a process do not meet: the slots of one are adjacent. */
export class Train {
  readonly #clock: Clock
  readonly #maxSlots: number
  readonly #budgetMs: number
  readonly #rejections: RejectionWatch
  /** Who has something to do, in the order of waking; entries before `#readyFrom` are gone. */
  readonly #ready: (Passenger | undefined)[] = []
  #readyFrom = 0
  /** What may run code of the application: settled promises, started activities. Behind the last slot only. */
  #outbox: (() => void)[] = []
  #afterRound: (() => void)[] = []
  /** Slots of this train still to come; 0 between trains. */
  #slotsLeft = 0
  #isUnderway = false
  /** Slots of the next train: twice as many while trains end with work left, half when they run empty. */
  #size = MIN_SLOTS
  #windows = 0
  #deadlineMs = 0
  #isOverBudget = false

  constructor({ clock, maxSlots = 64, budgetMs = 5, hideListeners = true }: TrainOptions) {
    this.#clock = clock
    this.#maxSlots = Math.max(MIN_SLOTS, maxSlots)
    this.#budgetMs = budgetMs
    this.#rejections = new RejectionWatch(hideListeners)
  }

  /** Gives `passenger` windows soon, until it is at rest. Waking it again meanwhile changes nothing. */
  wake(passenger: Passenger): void {
    if (passenger.isQueued || passenger === openPassenger()) return
    passenger.isQueued = true
    this.#ready.push(passenger)
    this.#startUnlessPending()
  }

  /** Runs `fn` with no window open, behind the last slot of this train or of one that starts now. */
  later(fn: () => void): void {
    this.#outbox.push(fn)
    this.#startUnlessPending()
  }

  /** Runs `fn` once, at the end of this train or of one that starts now, after all that was given to `later`. */
  afterRound(fn: () => void): void {
    this.#afterRound.push(fn)
    this.#startUnlessPending()
  }

  #startUnlessPending(): void {
    // Behind the last slot the train is still underway: its end starts the next one.
    if (this.#slotsLeft > 0 || this.#isUnderway) return
    this.#slotsLeft = this.#size
    this.#windows = 0
    nobody.runInAsyncScope(queueSlots, undefined, this.#size, this.#slot)
  }

  readonly #slot = (): void => {
    const left = --this.#slotsLeft
    if (!this.#isUnderway) this.#begin()
    if (left === 0) return this.#last()
    const staying = this.#closeWindow()
    const isOver = this.#checkBudget(left)
    if (staying !== undefined && isOver) return this.#putFirst(staying)
    const passenger = staying ?? (isOver ? undefined : this.#next())
    if (passenger === undefined) return
    this.#windows++
    setOpenPassenger(passenger)
    try {
      passenger.openWindow()
    } catch (error) {
      passenger.broke(error)
    }
  }

  #begin(): void {
    this.#isUnderway = true
    this.#isOverBudget = false
    this.#deadlineMs = this.#clock.monotonicMs() + this.#budgetMs
    this.#rejections.take()
  }

  /** Returns the passenger when it has more to do: the next window is its, too. */
  #closeWindow(): Passenger | undefined {
    const passenger = openPassenger()
    if (passenger === undefined) return undefined
    try {
      passenger.closeWindow()
    } catch (error) {
      passenger.broke(error)
    }
    setOpenPassenger(undefined)
    return this.#hasNext(passenger) ? passenger : undefined
  }

  /** No code of the user runs in there: what it throws is a mistake of ours, which must not cost the others their turn. */
  #hasNext(passenger: Passenger): boolean {
    try {
      return passenger.hasNext()
    } catch (error) {
      passenger.broke(error)
      this.#outbox.push(() => {
        throw error
      })
      return false
    }
  }

  /** Over budget the remaining slots stay empty: timers and I/O have waited long enough. */
  #checkBudget(left: number): boolean {
    if (!this.#isOverBudget && left % SLOTS_PER_BUDGET_CHECK === 0) {
      this.#isOverBudget = this.#clock.monotonicMs() > this.#deadlineMs
    }
    return this.#isOverBudget
  }

  #next(): Passenger | undefined {
    while (this.#readyFrom < this.#ready.length) {
      const passenger = this.#ready[this.#readyFrom]!
      this.#ready[this.#readyFrom++] = undefined
      passenger.isQueued = false
      if (this.#hasNext(passenger)) return passenger
    }
    this.#ready.length = 0
    this.#readyFrom = 0
    return undefined
  }

  #putFirst(passenger: Passenger): void {
    passenger.isQueued = true
    if (this.#readyFrom > 0) this.#ready[--this.#readyFrom] = passenger
    else this.#ready.unshift(passenger)
  }

  #last(): void {
    this.#end(this.#closeWindow())
  }

  #end(staying: Passenger | undefined): void {
    this.#rejections.giveBack()
    if (staying !== undefined) this.#putFirst(staying)
    this.#fitSize()
    try {
      runAll(this.#takeOutbox(), (rest) => this.#outbox.unshift(...rest))
      const round = this.#afterRound
      this.#afterRound = []
      runAll(round, (rest) => this.#afterRound.unshift(...rest))
    } finally {
      this.#isUnderway = false
      const isIdle =
        this.#readyFrom === this.#ready.length && this.#outbox.length === 0 && this.#afterRound.length === 0
      if (!isIdle) this.#startUnlessPending()
    }
  }

  #takeOutbox(): (() => void)[] {
    const outbox = this.#outbox
    this.#outbox = []
    return outbox
  }

  #fitSize(): void {
    if (this.#windows >= this.#size - 2) this.#size = Math.min(this.#maxSlots, this.#size * 2)
    else if (this.#windows * 3 < this.#size) this.#size = Math.max(MIN_SLOTS, this.#size >> 1)
    // The front of a queue that never empties would grow without end.
    if (this.#readyFrom > 1024 && this.#readyFrom * 2 > this.#ready.length) {
      this.#ready.splice(0, this.#readyFrom)
      this.#readyFrom = 0
    }
  }
}

function queueSlots(count: number, slot: () => void): void {
  for (let i = 0; i < count; i++) queueSlot(slot)
}

/** What throws is the application's and goes its way; the rest is not lost by it. */
function runAll(fns: readonly (() => void)[], keep: (rest: (() => void)[]) => void): void {
  let at = 0
  try {
    while (at < fns.length) fns[at++]!()
  } finally {
    if (at < fns.length) keep(fns.slice(at))
  }
}
