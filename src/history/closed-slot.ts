/** Where one run's closing event will be: handed out with the start, before anybody knows whether someone will ask. */
import { Deferred } from '../base/deferred.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ClosedSlot } from '../protocol/services.js'

export class RunClosed implements ClosedSlot {
  #event: HistoryEvent | undefined = undefined
  #error: Error | undefined = undefined
  /** Made by the first who asks: a failure that nobody asked for never becomes an unhandled rejection. */
  #waiting: Deferred<HistoryEvent> | undefined = undefined

  get isAwaited(): boolean {
    return this.#waiting !== undefined
  }

  wait(): Promise<HistoryEvent> {
    if (this.#event !== undefined) return Promise.resolve(this.#event)
    if (this.#error !== undefined) return Promise.reject(this.#error)
    return (this.#waiting ??= new Deferred()).promise
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
