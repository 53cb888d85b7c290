/** How a turn refuses: it is taken back whole, and nothing of it is staged. */
import { LoomError } from '../base/errors.js'
import type { Command, CommandType } from '../protocol/command.js'
import type { WorkflowTaskFailedCause } from '../protocol/event.js'

/** The workflow code asked for something impossible. The verb fails the workflow task with `failedCause`, never the shard. */
export class BadCommandError extends LoomError {
  override readonly name = 'BadCommandError'
  readonly command: Command
  readonly failedCause: WorkflowTaskFailedCause

  /** `detail` may be empty: then the cause says it all. */
  constructor(command: Command, failedCause: WorkflowTaskFailedCause, detail: string) {
    super('LOOM_BAD_COMMAND', detail === '' ? failedCause : `${failedCause}: ${detail}`)
    this.command = command
    this.failedCause = failedCause
  }
}

/** The cause that a command of each type fails its task with when it cannot be. */
export const BAD_ATTRIBUTES: Readonly<Record<CommandType, WorkflowTaskFailedCause>> = {
  ScheduleActivityTask: 'BadScheduleActivityAttributes',
  RequestCancelActivityTask: 'BadRequestCancelActivityAttributes',
  StartTimer: 'BadStartTimerAttributes',
  CancelTimer: 'BadCancelTimerAttributes',
  RecordMarker: 'BadRecordMarkerAttributes',
  UpsertWorkflowSearchAttributes: 'BadSearchAttributes',
  ModifyWorkflowProperties: 'BadModifyWorkflowPropertiesAttributes',
  CompleteWorkflowExecution: 'BadCompleteWorkflowExecutionAttributes',
  FailWorkflowExecution: 'BadFailWorkflowExecutionAttributes',
  CancelWorkflowExecution: 'BadCancelWorkflowExecutionAttributes',
  ContinueAsNewWorkflowExecution: 'BadContinueAsNewAttributes',
}

/** A command brings more than one may. What a worker elsewhere holds is ended by it, as in Temporal. */
export class OversizedCommandError extends BadCommandError {
  /** Its place among the commands of the answer. */
  readonly at: number
  readonly detail: string

  constructor(command: Command, at: number, detail: string) {
    // Temporal's own choice.
    const isResult = command.type === 'CompleteWorkflowExecution'
    super(command, isResult ? 'BadScheduleActivityAttributes' : BAD_ATTRIBUTES[command.type], detail)
    this.at = at
    this.detail = detail
  }
}

/** The task, activity or execution that an answer is for does not wait for it (any more). Nothing was changed. */
export class NotFoundError extends LoomError {
  override readonly name = 'NotFoundError'

  constructor(message: string) {
    super('LOOM_NOT_FOUND', message)
  }
}

/** The execution holds as much of something as it may. Nothing was changed. */
export class LimitExceededError extends LoomError {
  override readonly name = 'LimitExceededError'

  constructor(message: string) {
    super('LOOM_LIMIT_EXCEEDED', message)
  }
}

/** The execution has closed: nothing can happen to it any more. Nothing was changed. */
export class ExecutionClosedError extends LoomError {
  override readonly name = 'ExecutionClosedError'

  constructor() {
    super('LOOM_EXECUTION_CLOSED', EXECUTION_CLOSED)
  }
}

/** What late answers are told, as in Temporal. */
export const EXECUTION_CLOSED = 'workflow execution already completed'
export const WORKFLOW_TASK_NOT_FOUND = 'Workflow task not found.'
export const ACTIVITY_NOT_FOUND = 'invalid activityID or activity already timed out or invoking workflow is completed'
