/**
 * Whose unhandled rejection is it? While a train runs, the passenger's with the open window; else the application's.
 *
 * Invariant: outside of a train the process has exactly the listeners that the application gave it, in its order.
 */
import { openPassenger } from './window.js'

type Listener = (...args: unknown[]) => void

const UNHANDLED = 'unhandledRejection'
const HANDLED = 'rejectionHandled'

/** Sets the application's listeners aside for the length of a train. */
export class RejectionWatch {
  readonly #hidesListeners: boolean
  /** The application's, while a train runs; undefined in between. */
  #unhandledAside: Listener[] | undefined
  #handledAside: Listener[] = []

  constructor(hidesListeners: boolean) {
    this.#hidesListeners = hidesListeners
  }

  take(): void {
    this.#unhandledAside = this.#hidesListeners ? takeListeners(UNHANDLED) : []
    // Without any listener Node would print a warning for a promise that is handled late.
    this.#handledAside = this.#hidesListeners ? takeListeners(HANDLED) : []
    process.on(UNHANDLED, this.#onUnhandled)
    process.on(HANDLED, this.#onHandled)
  }

  giveBack(): void {
    const unhandled = this.#unhandledAside
    if (unhandled === undefined) return
    this.#unhandledAside = undefined
    process.off(UNHANDLED, this.#onUnhandled)
    process.off(HANDLED, this.#onHandled)
    giveListeners(UNHANDLED, unhandled)
    giveListeners(HANDLED, this.#handledAside)
  }

  readonly #onUnhandled = (reason: unknown, promise: Promise<unknown>): void => {
    const passenger = openPassenger()
    if (passenger !== undefined) return passenger.rejected(promise, reason)
    // No window, so not of workflow code: what Node would have done without us.
    const listeners = this.#unhandledAside ?? []
    if (listeners.length === 0 && this.#hidesListeners) throw reason
    for (const listener of listeners) listener.call(process, reason, promise)
  }

  readonly #onHandled = (promise: Promise<unknown>): void => {
    openPassenger()?.handled(promise)
  }
}

function takeListeners(event: string): Listener[] {
  // Raw: the wrapper of a listener given by `once` must come back as that wrapper.
  const listeners = process.rawListeners(event) as Listener[]
  if (listeners.length > 0) process.removeAllListeners(event)
  return listeners
}

function giveListeners(event: string, listeners: readonly Listener[]): void {
  for (const listener of listeners) process.on(event as 'exit', listener)
}
