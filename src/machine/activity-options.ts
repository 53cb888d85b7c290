/** What an activity is scheduled with: checked, and filled in as Temporal does, so that history says what holds. */
import { MAX_DURATION_MS } from '../base/duration.js'
import type { ScheduleActivityTaskCommand } from '../protocol/command.js'
import type { EventAttributes } from '../protocol/event.js'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../protocol/retry-policy.js'
import { BadCommandError } from './errors.js'
import { filledPolicy, policyProblem } from './retry-policy.js'

const MAX_ID_LENGTH = 1000

type StartedAttributes = EventAttributes['WorkflowExecutionStarted']
type ScheduledAttributes = EventAttributes['ActivityTaskScheduled']

/** Throws a BadCommandError when `command` cannot be. */
export function scheduledAttributes(
  command: ScheduleActivityTaskCommand,
  workflow: StartedAttributes,
  workflowTaskCompletedEventId: number,
): ScheduledAttributes {
  checkNames(command)
  const startToCloseMs = duration(command, 'StartToCloseTimeout', command.startToCloseTimeoutMs)
  const toCloseMs = duration(command, 'ScheduleToCloseTimeout', command.scheduleToCloseTimeoutMs)
  const toStartMs = duration(command, 'ScheduleToStartTimeout', command.scheduleToStartTimeoutMs)
  const heartbeatMs = duration(command, 'HeartbeatTimeout', command.heartbeatTimeoutMs)
  if (startToCloseMs === 0 && toCloseMs === 0) {
    throw bad(command, 'a valid StartToClose or ScheduleToCloseTimeout is not set on ScheduleActivityTaskCommand')
  }
  const runTimeoutMs = workflow.workflowRunTimeoutMs
  // 0 is "not set" throughout. No attempt may last longer than the activity, and no activity longer than the run.
  const scheduleToCloseTimeoutMs = shorter(toCloseMs, runTimeoutMs)
  const startToCloseTimeoutMs = shorter(startToCloseMs, scheduleToCloseTimeoutMs)
  return {
    activityId: command.activityId,
    activityType: command.activityType,
    taskQueue: command.taskQueue || workflow.taskQueue,
    input: command.input,
    scheduleToCloseTimeoutMs,
    scheduleToStartTimeoutMs: shorter(toStartMs, scheduleToCloseTimeoutMs),
    startToCloseTimeoutMs,
    heartbeatTimeoutMs: heartbeatMs === 0 ? 0 : Math.min(heartbeatMs, startToCloseTimeoutMs),
    workflowTaskCompletedEventId,
    header: command.header,
    retryPolicy: retryPolicy(command),
  }
}

function shorter(aMs: number, bMs: number): number {
  if (aMs === 0) return bMs
  return bMs === 0 ? aMs : Math.min(aMs, bMs)
}

function checkNames(command: ScheduleActivityTaskCommand): void {
  const { activityId, activityType } = command
  if (activityId === '') throw bad(command, 'ActivityId is not set on ScheduleActivityTaskCommand')
  if (activityType === '') throw bad(command, 'ActivityType is not set on ScheduleActivityTaskCommand')
  if (activityId.length > MAX_ID_LENGTH || activityType.length > MAX_ID_LENGTH) {
    throw bad(command, `ActivityId or ActivityType exceeds length limit of ${MAX_ID_LENGTH}`)
  }
}

/** In whole ms. */
function duration(command: ScheduleActivityTaskCommand, name: string, ms: number | undefined): number {
  if (ms === undefined) return 0
  // Written so that NaN is refused too.
  if (ms >= 0 && ms <= MAX_DURATION_MS) return Math.ceil(ms)
  const why = ms < 0 ? 'negative duration' : `not between 0 and ${MAX_DURATION_MS} ms`
  throw bad(command, `An invalid ${name} is set on ScheduleActivityTaskCommand: ${why}`)
}

/** 0 or nothing asks for the default. */
function retryPolicy(command: ScheduleActivityTaskCommand): RetryPolicy {
  const asked = command.retryPolicy
  if (asked === undefined) return DEFAULT_RETRY_POLICY
  const policy = filledPolicy(asked)
  const problem = policyProblem(policy)
  if (problem !== undefined) throw bad(command, problem)
  return policy
}

function bad(command: ScheduleActivityTaskCommand, what: string): BadCommandError {
  const { activityId, activityType } = command
  const detail = `${what}. ActivityId=${activityId} ActivityType=${activityType}`
  return new BadCommandError(command, 'BadScheduleActivityAttributes', detail)
}
