/** Commands: what workflow code asks for, with Temporal's names. A closing command must be the last of its task. */
import type { Memo, NamedPayloads, SearchAttributes } from './event.js'
import type { Failure } from './failure.js'
import type { Header, Payloads } from './payload.js'
import type { RetryPolicy } from './retry-policy.js'

/** Have an activity run. */
export interface ScheduleActivityTaskCommand {
  readonly type: 'ScheduleActivityTask'
  readonly activityId: string
  readonly activityType: string
  /** Default: the workflow's own. */
  readonly taskQueue?: string | undefined
  readonly input?: Payloads | undefined
  /** At least one of these two is given. ms; 0 or absent: not set. */
  readonly scheduleToCloseTimeoutMs?: number | undefined
  readonly startToCloseTimeoutMs?: number | undefined
  readonly scheduleToStartTimeoutMs?: number | undefined
  readonly heartbeatTimeoutMs?: number | undefined
  readonly retryPolicy?: Partial<RetryPolicy> | undefined
  /** For those who intercept it. */
  readonly header?: Header | undefined
}
/** Ask an activity to stop. */
export interface RequestCancelActivityTaskCommand {
  readonly type: 'RequestCancelActivityTask'
  readonly scheduledEventId: number
}
/** Fire a timer after that time. */
export interface StartTimerCommand {
  readonly type: 'StartTimer'
  readonly timerId: string
  readonly startToFireTimeoutMs: number
}
/** A timer is not wanted any more. */
export interface CancelTimerCommand {
  readonly type: 'CancelTimer'
  readonly timerId: string
}
/** Write something down for the code's own replay. */
export interface RecordMarkerCommand {
  readonly type: 'RecordMarker'
  readonly markerName: string
  readonly details: NamedPayloads | undefined
  readonly failure?: Failure | undefined
}
/** Change what the execution can be found by. */
export interface UpsertWorkflowSearchAttributesCommand {
  readonly type: 'UpsertWorkflowSearchAttributes'
  readonly searchAttributes: SearchAttributes
}
/** Change the notes that go with the execution. A null takes its key away. */
export interface ModifyWorkflowPropertiesCommand {
  readonly type: 'ModifyWorkflowProperties'
  readonly upsertedMemo: Memo
}
/** The execution has its result. Closes it. */
export interface CompleteWorkflowExecutionCommand {
  readonly type: 'CompleteWorkflowExecution'
  readonly result?: Payloads | undefined
}
/** The execution has failed. Closes it. */
export interface FailWorkflowExecutionCommand {
  readonly type: 'FailWorkflowExecution'
  readonly failure: Failure
}
/** The execution gives way to a cancel request. Closes it. */
export interface CancelWorkflowExecutionCommand {
  readonly type: 'CancelWorkflowExecution'
  readonly details?: Payloads | undefined
}

/** The execution goes on as another run, with a history of its own. Closes it. */
export interface ContinueAsNewWorkflowExecutionCommand {
  readonly type: 'ContinueAsNewWorkflowExecution'
  /** Default: the workflow's own, as for the task queue and both time-outs. */
  readonly workflowType?: string | undefined
  readonly taskQueue?: string | undefined
  readonly input?: Payloads | undefined
  /** ms; 0 or absent: that of this run. */
  readonly workflowRunTimeoutMs?: number | undefined
  readonly workflowTaskTimeoutMs?: number | undefined
  /** Wait before the first workflow task, ms. */
  readonly backoffStartIntervalMs?: number | undefined
  /** Absent: the next run has none, whatever this one has; as for all that follows. */
  readonly retryPolicy?: Partial<RetryPolicy> | undefined
  readonly cronSchedule?: string | undefined
  readonly memo?: Memo | undefined
  /** For those who intercept it. */
  readonly header?: Header | undefined
  readonly searchAttributes?: SearchAttributes | undefined
}

/** Anything that workflow code may ask for; `type` tells which. */
export type Command =
  | ScheduleActivityTaskCommand
  | RequestCancelActivityTaskCommand
  | StartTimerCommand
  | CancelTimerCommand
  | RecordMarkerCommand
  | UpsertWorkflowSearchAttributesCommand
  | ModifyWorkflowPropertiesCommand
  | CompleteWorkflowExecutionCommand
  | FailWorkflowExecutionCommand
  | CancelWorkflowExecutionCommand
  | ContinueAsNewWorkflowExecutionCommand

/** Every type of command there is, by Temporal's name. */
export type CommandType = Command['type']
