/** Queries: how one is asked, and what comes back. Nothing of them is recorded. */
import type { HistoryEvent, WorkflowStatus } from './event.js'
import type { ExecutionRef } from './ids.js'
import type { Payloads } from './payload.js'

/** When a query is rejected instead of answered: never, once the execution has closed, or unless it has completed. */
export type QueryRejectCondition = (typeof QUERY_REJECT_CONDITIONS)[number]
export const QUERY_REJECT_CONDITIONS = ['None', 'NotOpen', 'NotCompletedCleanly'] as const

/** A question to the code of an execution. */
export interface QueryWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  /** Absent: the current run. */
  readonly runId?: string | undefined
  readonly queryType: string
  readonly queryArgs: Payloads | undefined
  /** Default 'None'. */
  readonly queryRejectCondition?: QueryRejectCondition | undefined
}

/** What the code answered, unless the condition of the request rejects it. */
export interface QueryWorkflowResponse {
  readonly result: Payloads | undefined
  readonly queryRejected: { readonly status: WorkflowStatus } | undefined
}

/** What is asked of the code. */
export interface WorkflowQuery {
  readonly queryType: string
  readonly queryArgs: Payloads | undefined
}

/** Names a query that a worker was given by itself. Opaque to workers. */
export interface QueryTaskToken extends ExecutionRef {
  readonly queryId: string
}

/** What the code of a worker that polls answers. */
export interface WorkflowQueryResult {
  readonly resultType: 'answered' | 'failed'
  readonly answer?: Payloads | undefined
  /** Of a failed one. */
  readonly errorMessage?: string | undefined
}

/** The answer to a query task. */
export interface RespondQueryTaskCompletedRequest extends WorkflowQueryResult {
  readonly token: QueryTaskToken
  readonly identity: string
}

/** A query that a worker of this process answers. */
export interface LocalQuery {
  readonly execution: ExecutionRef
  readonly workflowType: string
  /** The sticky code of the execution, where there is one. */
  readonly code: unknown
  readonly queryType: string
  readonly queryArgs: Payloads | undefined
  /** All that is durable. */
  readHistory(): Promise<readonly HistoryEvent[]>
}
