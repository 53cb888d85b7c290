/** What a worker that polls asks for and gets, and how it answers a workflow task. */
import type { Command } from './command.js'
import type { HistoryEvent, WorkflowTaskFailedCause } from './event.js'
import type { Failure } from './failure.js'
import type { ActivityTaskToken, ExecutionRef } from './ids.js'
import type { Header, Payloads } from './payload.js'
import type { WorkflowQueryResult, QueryTaskToken, WorkflowQuery } from './query.js'

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
  /**
   * Whole, or what came after `previousStartedEventId` when the task was taken at a sticky queue. A transient task's
   * Scheduled and Started stand at its end though history does not hold them yet.
   */
  readonly history: readonly HistoryEvent[]
  /** To be answered with the task, by their ids (`queryResults`). */
  readonly queries?: Readonly<Record<string, WorkflowQuery>> | undefined
  /** There is no workflow task: the code, after all of `history`, is asked this (`respondQueryTaskCompleted`). */
  readonly query?: (WorkflowQuery & { readonly token: QueryTaskToken }) | undefined
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
  /** What its workflow's interceptors gave it. */
  readonly header?: Header | undefined
}

/** The wish of a worker that keeps the code of an execution in memory: to be given its next workflow tasks itself. */
export interface StickyAttributes {
  /** Polled by that worker alone. */
  readonly workerTaskQueue: string
  /** ms; a task that nobody takes there for so long goes to the normal queue. */
  readonly scheduleToStartTimeoutMs: number
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
  /** Absent: the next task is anybody's. */
  readonly stickyAttributes?: StickyAttributes | undefined
  /** By the ids of the task's `queries`. One without an answer here is asked again. */
  readonly queryResults?: Readonly<Record<string, WorkflowQueryResult>> | undefined
}

/** The answer to a workflow task whose code cannot go on. */
export interface RespondWorkflowTaskFailedRequest {
  readonly token: WorkflowTaskToken
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure | undefined
  readonly identity: string
}
