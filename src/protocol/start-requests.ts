/** A start: what is asked, and what comes back. */
import type { HistoryEvent, Memo, SearchAttributes } from './event.js'
import type { Header, Payloads } from './payload.js'
import type { RetryPolicy } from './retry-policy.js'

/** May a workflow id be used again once its execution has closed? Temporal's names and meaning. */
export type WorkflowIdReusePolicy =
  'AllowDuplicate' | 'AllowDuplicateFailedOnly' | 'RejectDuplicate' | 'TerminateIfRunning'

/** What if an execution of the workflow id is open? Temporal's names and meaning. */
export type WorkflowIdConflictPolicy = 'Fail' | 'UseExisting' | 'TerminateExisting'

/** A start: who, what, with which input, and what if the id is known already. */
export interface StartWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  readonly workflowType: string
  readonly taskQueue: string
  readonly input: Payloads | undefined
  /** ms; 0: not set. */
  readonly workflowExecutionTimeoutMs: number
  readonly workflowRunTimeoutMs: number
  /** ms; 0: the default of 10 s. */
  readonly workflowTaskTimeoutMs: number
  /** Absent: a run that fails or times out is the last. */
  readonly retryPolicy?: Partial<RetryPolicy> | undefined
  /** A run each time, in UTC. Absent or '': one run. */
  readonly cronSchedule?: string | undefined
  /** ms before the first workflow task. Not with a schedule. */
  readonly workflowStartDelayMs?: number | undefined
  readonly memo?: Memo | undefined
  /** Of names that the host knows. */
  readonly searchAttributes?: SearchAttributes | undefined
  readonly workflowIdReusePolicy: WorkflowIdReusePolicy
  /** Absent: 'Fail', or what the reuse policy says. */
  readonly workflowIdConflictPolicy?: WorkflowIdConflictPolicy | undefined
  /** For those who intercept the run, and the signal that it begins with. */
  readonly header?: Header | undefined
  readonly identity: string
  readonly requestId: string
  /** True when this call made `requestId` and sends it for the first time: then no run can hold it yet. */
  readonly isFreshRequestId: boolean
}

/** A signal to the open execution of the workflow id, or to one that is started for it. The request id is that of both. */
export interface SignalWithStartWorkflowRequest extends StartWorkflowRequest {
  readonly signalName: string
  readonly signalInput: Payloads | undefined
}

/** The run that a start made, or found. */
export interface StartWorkflowResponse {
  readonly runId: string
  /** False: a running one was used (`UseExisting`). */
  readonly started: boolean
  /** The closing event of the run that was started or found; settles when durable. Nobody has to listen: it never rejects unheard. */
  readonly closed: ClosedSlot
}

/** Answers with the closing event of one run, now or later. Makes a promise only when asked. */
export interface ClosedSlot {
  /** The closing event, once it is durable. Rejects with LOOM_CLOSED when the loom closes first. */
  wait(): Promise<HistoryEvent>
}
