/** Promises of workflow code that were rejected and that nobody has handled yet. */
import type { DataConverter } from './data-converter.js'
import type { Problem } from './host.js'
import { isCancellation } from './scope.js'
import { unhandledRejection } from './verdict.js'

export class UnhandledRejections {
  /** Made with the first: most executions have none. */
  #reasons: Map<Promise<unknown>, unknown> | undefined

  rejected(promise: Promise<unknown>, reason: unknown): void {
    // Left over from a branch that lost: nobody has to catch that.
    if (isCancellation(reason)) return
    this.#reasons ??= new Map()
    this.#reasons.set(promise, reason)
  }

  handled(promise: Promise<unknown>): void {
    this.#reasons?.delete(promise)
  }

  /** What the first of them comes to when the code is at rest. */
  problem(converter: DataConverter): Problem | undefined {
    for (const reason of this.#reasons?.values() ?? []) return unhandledRejection(reason, converter)
    return undefined
  }
}
