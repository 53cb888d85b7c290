/** Where one run's closing event will be: handed out with the start, before anybody knows whether someone will ask. */
import { Deferred } from '../base/deferred.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ClosedSlot } from '../protocol/start-requests.js'

export class RunClosed implements ClosedSlot {
  #event: HistoryEvent | undefined = undefined
  #error: Error | undefined = undefined
  /** Made by the first who asks: a failure that nobody asked for never becomes an unhandled rejection. */
  #waiting: Deferred<HistoryEvent> | undefined = undefined

  /** Set when the execution left memory before anybody asked: the run is then found by its id. */
  #askByRun: (() => Promise<HistoryEvent>) | undefined = undefined

  get isAwaited(): boolean {
    return this.#waiting !== undefined
  }

  wait(): Promise<HistoryEvent> {
    if (this.#event !== undefined) return Promise.resolve(this.#event)
    if (this.#error !== undefined) return Promise.reject(this.#error)
    if (this.#askByRun !== undefined) return this.#askByRun()
    return (this.#waiting ??= new Deferred()).promise
  }

  /** Nobody will settle it: who asks from now on is answered by `askByRun`. */
  leave(askByRun: () => Promise<HistoryEvent>): void {
    if (this.#waiting === undefined && this.#event === undefined) this.#askByRun = askByRun
  }

  settle(event: HistoryEvent): void {
    this.#event = event
    this.#waiting?.resolve(event)
  }

  fail(error: Error): void {
    if (this.#event !== undefined || this.#error !== undefined) return
    this.#error = error
    this.#waiting?.reject(error)
  }
}
