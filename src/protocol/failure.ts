/** Failures of user code, as data: recorded in history, rebuilt as errors in workflow code. Temporal's kinds. */
import type { Payload, Payloads } from './payload.js'

/** Why something was, or was not, tried again. Temporal's names. */
export type RetryState =
  | 'InProgress'
  | 'NonRetryableFailure'
  | 'Timeout'
  | 'MaximumAttemptsReached'
  | 'RetryPolicyNotSet'
  | 'InternalServerError'
  | 'CancelRequested'

/** Which time-out was reached. Temporal's names. */
export type TimeoutType = 'StartToClose' | 'ScheduleToStart' | 'ScheduleToClose' | 'Heartbeat'

interface FailureBase {
  readonly message: string
  readonly stackTrace?: string
  /** The real message and stack trace, where they go through codecs: JSON of `{ message, stack_trace }`, encoded. */
  readonly encodedAttributes?: Payload
  readonly cause?: Failure
}

/** What user code failed with. */
export interface ApplicationFailureInfo extends FailureBase {
  readonly type: 'application'
  /** What `nonRetryableErrorTypes` is compared with. */
  readonly applicationType?: string
  readonly nonRetryable?: boolean
  readonly details?: Payloads
  /** Overrides the retry policy's interval, ms. */
  readonly nextRetryDelayMs?: number
}
/** An activity has failed for good; `cause` says why. */
export interface ActivityFailureInfo extends FailureBase {
  readonly type: 'activity'
  readonly activityId: string
  readonly activityType: string
  readonly scheduledEventId: number
  readonly startedEventId: number
  readonly retryState: RetryState
}
/** A time-out was reached. */
export interface TimeoutFailureInfo extends FailureBase {
  readonly type: 'timeout'
  readonly timeoutType: TimeoutType
  readonly lastHeartbeatDetails?: Payloads
}
/** It was cancelled. */
export interface CanceledFailureInfo extends FailureBase {
  readonly type: 'canceled'
  readonly details?: Payloads
}
/** Somebody terminated the execution. */
export interface TerminatedFailureInfo extends FailureBase {
  readonly type: 'terminated'
}
/** A failure without kind: what a worker reports of a bare error. */
export interface PlainFailureInfo extends FailureBase {
  readonly type: 'none'
}

/** Any failure; `type` tells which. */
export type Failure =
  | ApplicationFailureInfo
  | ActivityFailureInfo
  | TimeoutFailureInfo
  | CanceledFailureInfo
  | TerminatedFailureInfo
  | PlainFailureInfo

/** `applicationType` of the failure of an attempt whose host died before it answered. */
export const WORKER_LOST = 'WorkerLost'

/** Failures below a failure, each the cause of the one above: rows nest no deeper. */
export const MAX_CAUSES = 30
