/**
 * Waits for a predicate. Of several that are true the one registered first wakes alone, in a window of its own: so
 * `condition(() => !locked)` is a mutex.
 */
import type { CancelledFailure } from './failures.js'
import type { Cancellable, Scope } from './scope.js'
import { rejectQuietly } from './settle.js'
import type { Wait, Waits } from './waits.js'

class Condition implements Cancellable {
  readonly #all: Conditions
  readonly predicate: () => boolean
  readonly scope: Scope | undefined
  readonly promise: Promise<unknown>
  resolve!: (inTime: boolean | undefined) => void
  reject!: (reason: unknown) => void
  timeLimit: Wait | undefined

  constructor(all: Conditions, predicate: () => boolean, scope: Scope | undefined) {
    this.#all = all
    this.predicate = predicate
    this.scope = scope
    this.promise = new Promise<unknown>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    scope?.add(this)
  }

  cancel(reason: CancelledFailure): void {
    this.#all.withdraw(this)
    rejectQuietly(this, reason)
  }
}

/** Nobody waits; never written to. */
const NONE = Object.freeze<never[]>([]) as never[]

export class Conditions {
  readonly #waits: Waits
  /** In the order of registration; one that is about to wake is no longer here. */
  #waiting: Condition[] = NONE

  constructor(waits: Waits) {
    this.#waits = waits
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Resolves to undefined, or with a time limit to whether the predicate was true in time. */
  wait(predicate: () => boolean, timeoutMs: number | undefined, scope: Scope | undefined): Promise<unknown> {
    const condition = new Condition(this, predicate, scope)
    if (timeoutMs !== undefined) {
      condition.timeLimit = this.#waits.startTimeLimit(timeoutMs, () => {
        this.withdraw(condition)
        condition.resolve(false)
      })
    }
    if (this.#waiting === NONE) this.#waiting = [condition]
    else this.#waiting.push(condition)
    return condition.promise
  }

  /** Tests until one is true. Returns what wakes it, to be done in the next window. A predicate that throws is woken by that. */
  test(): (() => void) | undefined {
    for (const condition of this.#waiting) {
      try {
        if (!condition.predicate()) continue
      } catch (error) {
        return this.#waking(condition, () => rejectQuietly(condition, error))
      }
      return this.#waking(condition, () => condition.resolve(condition.timeLimit === undefined ? undefined : true))
    }
    return undefined
  }

  /** Those of the function's own ctx, in the order of registration. */
  cancelUnscoped(reason: CancelledFailure): void {
    for (const condition of this.#waiting.slice()) if (condition.scope === undefined) condition.cancel(reason)
  }

  withdraw(condition: Condition): void {
    const at = this.#waiting.indexOf(condition)
    if (at >= 0) this.#waiting.splice(at, 1)
    condition.scope?.remove(condition)
    if (condition.timeLimit !== undefined) this.#waits.callOff(condition.timeLimit)
  }

  clear(): void {
    this.#waiting = NONE
  }

  /** Taken off the list at once: its predicate must not be tested again before it wakes. */
  #waking(condition: Condition, settle: () => void): () => void {
    this.#waiting.splice(this.#waiting.indexOf(condition), 1)
    return () => {
      this.withdraw(condition)
      settle()
    }
  }
}
