/** What is sent to ask an execution to cancel itself. */
import type { ExecutionTarget } from './ids.js'

/** A request to an execution to cancel itself: its code sees it, and decides. */
export interface RequestCancelWorkflowRequest extends ExecutionTarget {
  /** Only a run of the chain that began with this one. Absent: of any. */
  readonly firstExecutionRunId?: string | undefined
  readonly reason: string
  readonly identity: string
  /** Kept with the request. A second request changes nothing, whatever its own. */
  readonly requestId: string
}
