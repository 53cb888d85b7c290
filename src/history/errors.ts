/** How history refuses its callers. */
import { LoomError } from '../base/errors.js'
import type { WorkflowStatus } from '../protocol/event.js'

/** The workflow id has a run already, and the policies say that it stays the only one. */
export class AlreadyStartedError extends LoomError {
  override readonly name = 'AlreadyStartedError'
  readonly runId: string
  /** Request id of the start of that run. */
  readonly startRequestId: string

  constructor(workflowId: string, runId: string, startRequestId: string, status: WorkflowStatus = 'Running') {
    const state = status === 'Running' ? 'is running' : `has ended (${status})`
    super('LOOM_ALREADY_EXISTS', `workflow ${workflowId} ${state}: run ${runId}`)
    this.runId = runId
    this.startRequestId = startRequestId
  }
}
