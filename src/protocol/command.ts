/** Commands: what workflow code asks for, with Temporal's names. A closing command must be the last of its task. */
import type { Failure } from './failure.js'
import type { Payloads } from './payload.js'
import type { RetryPolicy } from './retry-policy.js'

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
}
export interface RequestCancelActivityTaskCommand {
  readonly type: 'RequestCancelActivityTask'
  readonly scheduledEventId: number
}
export interface StartTimerCommand {
  readonly type: 'StartTimer'
  readonly timerId: string
  readonly startToFireTimeoutMs: number
}
export interface CancelTimerCommand {
  readonly type: 'CancelTimer'
  readonly timerId: string
}
export interface CompleteWorkflowExecutionCommand {
  readonly type: 'CompleteWorkflowExecution'
  readonly result?: Payloads | undefined
}
export interface FailWorkflowExecutionCommand {
  readonly type: 'FailWorkflowExecution'
  readonly failure: Failure
}

export type Command =
  | ScheduleActivityTaskCommand
  | RequestCancelActivityTaskCommand
  | StartTimerCommand
  | CancelTimerCommand
  | CompleteWorkflowExecutionCommand
  | FailWorkflowExecutionCommand

export type CommandType = Command['type']
