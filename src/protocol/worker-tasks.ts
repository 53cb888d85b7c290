/** What a worker that polls asks for and gets, and how it answers a workflow task. */
import type { Command } from './command.js'
import type { HistoryEvent, WorkflowTaskFailedCause } from './event.js'
import type { Failure } from './failure.js'
import type { ActivityTaskToken, ExecutionRef } from './ids.js'
import type { Payloads } from './payload.js'

/** Opaque to workers; every field is checked against the state when one comes back. No clock, no shard, no epoch. */
export interface WorkflowTaskToken extends ExecutionRef {
  readonly scheduledEventId: number
  readonly startedEventId: number
  readonly attempt: number
  readonly stamp: number
  readonly version: number
}

/** A worker's question for a task; it waits until there is one or `waitMs` have passed. */
export interface PollRequest {
  readonly namespaceId: string
  readonly taskQueue: string
  readonly identity: string
  /** How long to wait for a task, ms. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/** Work for a polling worker: run the code of an execution over this history, and answer with commands. */
export interface WorkflowTask {
  readonly token: WorkflowTaskToken
  readonly workflowType: string
  readonly attempt: number
  readonly previousStartedEventId: number
  readonly startedEventId: number
  /** Whole; a transient task's Scheduled and Started stand at its end though history does not hold them yet. */
  readonly history: readonly HistoryEvent[]
}

/** Work for a polling worker: one attempt of an activity. */
export interface ActivityTask {
  readonly token: ActivityTaskToken
  readonly workflowType: string
  readonly activityId: string
  readonly activityType: string
  readonly attempt: number
  readonly input: Payloads | undefined
  readonly scheduledAtMs: number
  readonly startedAtMs: number
  readonly startToCloseTimeoutMs: number
  readonly scheduleToCloseTimeoutMs: number
  /** ms; 0: it need not say that it is alive. */
  readonly heartbeatTimeoutMs: number
  /** What the last heartbeat of the attempts before said. */
  readonly heartbeatDetails: Payloads | undefined
}

/** The answer to a workflow task: what the code asks for. */
export interface RespondWorkflowTaskCompletedRequest {
  readonly token: WorkflowTaskToken
  readonly commands: readonly Command[]
  readonly identity: string
  readonly sdk: string
  /** Ask for the next workflow task with the answer, when one is due. */
  readonly returnNewWorkflowTask: boolean
  /** Make a new workflow task though nothing happened (a heartbeat of the worker). */
  readonly forceCreateNewWorkflowTask: boolean
}

/** The answer to a workflow task whose code cannot go on. */
export interface RespondWorkflowTaskFailedRequest {
  readonly token: WorkflowTaskToken
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure | undefined
  readonly identity: string
}
