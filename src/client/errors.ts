/** How the end of an execution is told to those who wait for its result. */
import type { WorkflowStatus } from '../protocol/event.js'
import type { FailureError } from '../workflow/failures.js'

const END: Partial<Record<WorkflowStatus, string>> = {
  Canceled: 'gave way to a cancel request',
  Terminated: 'was terminated',
  ContinuedAsNew: 'goes on',
}

/**
 * What `result()` rejects with when the execution did not complete: it failed, was cancelled, or was terminated. `cause` says why, as a
 * failure: an `ApplicationFailure`, an `ActivityFailure` with its own causes, a
 * `CancelledFailure`, a `TerminatedFailure` and so on.
 */
export class WorkflowFailedError extends Error {
  override readonly name = 'WorkflowFailedError'
  readonly workflowId: string
  readonly runId: string
  /** How it ended: 'Failed', 'Canceled', 'Terminated' or 'TimedOut'; 'ContinuedAsNew' for a handle of one run alone. */
  readonly status: WorkflowStatus
  declare readonly cause: FailureError

  constructor(
    run: { readonly workflowId: string; readonly runId: string },
    status: WorkflowStatus,
    cause: FailureError,
  ) {
    super(`workflow ${run.workflowId} ${END[status] ?? 'failed'}: ${cause.message}`, { cause })
    this.workflowId = run.workflowId
    this.runId = run.runId
    this.status = status
  }
}
