/**
 * The scope of a workflow's own ctx: what a cancel request cancels.
 *
 * Invariant: what was started on the function's own ctx is no member of it, and has no scope at all, so that nothing is kept
 * for executions that nobody cancels; when one is, it is looked for. Members are the scopes below.
 */
import type { Conditions } from './conditions.js'
import type { CancelledFailure } from './failures.js'
import { cancellation, Scope } from './scope.js'
import type { Signals } from './signals.js'
import type { Waits } from './waits.js'

/** Where the waits of the function's own ctx are. */
interface RootWaits {
  readonly waits: Waits
  readonly conditions: Conditions
  readonly signals: Signals
}

export class RootScope extends Scope {
  readonly #home: RootWaits

  constructor(home: RootWaits) {
    super(undefined)
    this.#home = home
  }

  /** Activities and timers as they were started, then conditions, signals, and the scopes below. */
  override cancel(reason: CancelledFailure): void {
    if (this.reason !== undefined) return
    const { waits, conditions, signals } = this.#home
    waits.cancelUnscoped(reason)
    conditions.cancelUnscoped(reason)
    signals.cancelUnscoped(reason)
    super.cancel(reason)
  }
}

/** What code sees of a cancel request for which `cause` was given. */
export function cancelRequestReason(cause: string): CancelledFailure {
  return cancellation(cause === '' ? 'the workflow was asked to cancel' : `the workflow was asked to cancel: ${cause}`)
}
