/** What an execution shows of itself: where it stands and what it waits for, and its history by the page. */
import type { HistoryEvent, Memo, SearchAttributes, WorkflowStatus } from './event.js'
import type { Failure } from './failure.js'
import type { Payload } from './payload.js'

/** An activity that has not ended, and where it stands. */
export interface PendingActivity {
  /** Unique among those of its execution that are pending. */
  readonly activityId: string
  /** The name of its definition. */
  readonly activityType: string
  /** 'Scheduled': waits for a worker, or for its next attempt. 'Started': an attempt runs. 'CancelRequested': its workflow has called it off. */
  readonly state: 'Scheduled' | 'Started' | 'CancelRequested'
  /** The one that runs or comes next, from 1. */
  readonly attempt: number
  /** Of its ActivityTaskScheduled event. */
  readonly scheduledEventId: number
  /** What the attempt before failed with. Undefined on the first. */
  readonly lastFailure: Failure | undefined
  /** When the next attempt may start, ms since the epoch; 0 unless backing off. */
  readonly nextAttemptAtMs: number
  /** The wait between the attempt before and the next, ms; 0 while one runs. */
  readonly currentRetryIntervalMs: number
}

/** A workflow task that waits for a worker, or that one holds. */
export interface PendingWorkflowTask {
  /** 'Scheduled': no worker has it. 'Started': one that polls holds it. */
  readonly state: 'Scheduled' | 'Started'
  /** From 1; raised by each failure and time-out. */
  readonly attempt: number
  /** ms since the epoch. */
  readonly scheduledAtMs: number
}

/** Why the code of an execution cannot go on, what to do, and when it is tried again. */
export interface StalledDescription {
  /** Where in the history the code stood: the event that it does not agree with, or that of its workflow task. */
  readonly eventId: number
  /**
   * 'WorkflowWorkerUnhandledFailure': it threw what is no failure. 'NonDeterministicError': it asks for something else than
   * its history holds. 'BadCommand': it asked for what cannot be.
   */
  readonly reason: 'WorkflowWorkerUnhandledFailure' | 'NonDeterministicError' | 'BadCommand'
  /** What it threw, or asked for. */
  readonly message: string
  /** What to do. */
  readonly hint: string
  /** Of what it threw; '' when it threw nothing. */
  readonly stackTrace: string
  /** The real message and stack trace, where a data converter has encoded them and they could not be decoded here. */
  readonly encodedAttributes?: Payload | undefined
  /** Of the first failure, ms since the epoch. */
  readonly sinceMs: number
  /** ms since the epoch; sooner when the store is opened again, or on `retryStalled`. */
  readonly nextTryAtMs: number
}

/** An execution as `describe` shows it: its facts, and what it waits for. */
export interface WorkflowDescription {
  readonly workflowId: string
  /** Of the run that is described, a UUID. */
  readonly runId: string
  /** Of the first run of its chain; its own, unless it was started by a retry, a schedule or continue-as-new. */
  readonly firstExecutionRunId: string
  /** The name of its definition. */
  readonly workflowType: string
  /** Whose workers run its code. */
  readonly taskQueue: string
  /** 'Running', or how it ended. */
  readonly status: WorkflowStatus
  /** Events so far. */
  readonly historyLength: number
  /** As stored, bytes. */
  readonly historySizeBytes: number
  /** ms since the epoch. */
  readonly startTimeMs: number
  /** ms since the epoch; undefined while it is open. */
  readonly closeTimeMs: number | undefined
  /** In the order in which they were scheduled; none when it has closed. */
  readonly pendingActivities: readonly PendingActivity[]
  /** `fireAtMs`: ms since the epoch. None when it has closed. */
  readonly pendingTimers: readonly { readonly timerId: string; readonly fireAtMs: number }[]
  /** Undefined while its code has nothing to do. */
  readonly pendingWorkflowTask: PendingWorkflowTask | undefined
  /** As it is now. Undefined: none. */
  readonly memo: Memo | undefined
  /** As they are now. Undefined: none. */
  readonly searchAttributes: SearchAttributes | undefined
  /** Set while the code of the execution cannot go on: it waits for changed code, and is never lost. */
  readonly stalled: StalledDescription | undefined
}

/** Some events of a history, in order. */
export interface HistoryPage {
  readonly events: readonly HistoryEvent[]
  /** Absent on the last page. */
  readonly nextEventId: number | undefined
}
