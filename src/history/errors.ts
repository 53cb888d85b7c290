/** How history refuses its callers. */
import { isLoomError, LoomError } from '../base/errors.js'
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

const SHARD_IS_GONE = ['LOOM_SHARD_FENCED', 'LOOM_OUTCOME_UNKNOWN', 'LOOM_UNAVAILABLE', 'LOOM_CLOSED'] as const

/** After such an error the rows are read again anyway, by whoever opens the shard. */
export function isShardGone(error: unknown): boolean {
  return SHARD_IS_GONE.some((code) => isLoomError(error, code))
}
