/** What may be done to an execution from outside: a signal, a request to cancel, its end. */
import type { ExecutionTarget } from './ids.js'
import type { Header, Payloads } from './payload.js'

/** A signal to an open execution. */
export interface SignalWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  /** Absent: the current run. */
  readonly runId?: string | undefined
  readonly signalName: string
  readonly input: Payloads | undefined
  readonly header?: Header | undefined
  readonly identity: string
  /** '' : not deduplicated. */
  readonly requestId: string
}

/** The end of an execution, without asking its code. */
export interface TerminateWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId?: string | undefined
  readonly reason: string
  readonly details: Payloads | undefined
  readonly identity: string
}

/** The end of a run, if it is open, and of all that is stored of it. */
export interface DeleteWorkflowRequest extends ExecutionTarget {
  readonly identity: string
}

/** A request to an execution to cancel itself: its code sees it, and decides. */
export interface RequestCancelWorkflowRequest extends ExecutionTarget {
  /** Only a run of the chain that began with this one. Absent: of any. */
  readonly firstExecutionRunId?: string | undefined
  readonly reason: string
  readonly identity: string
  /** Kept with the request. A second request changes nothing, whatever its own. */
  readonly requestId: string
}
