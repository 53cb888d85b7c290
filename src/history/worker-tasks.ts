/** What a worker is given of an attempt. */
import { uuidKey } from '../base/uuid.js'
import type { ActivityProgress } from '../machine/transition.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import type { LocalActivityTask } from '../protocol/local-workers.js'
import type { ActivityTask } from '../protocol/worker-tasks.js'
import type { ExecutionView } from './contract.js'

/** Undefined when the attempt is over by now. */
export function activityTask(execution: ExecutionView, scheduledEventId: number): ActivityTask | undefined {
  const { state } = execution
  const info = state.activities?.get(scheduledEventId)
  const progress: ActivityProgress | undefined = state.activityProgress?.get(scheduledEventId)
  if (info === undefined || progress?.phase !== 'started' || state.closed !== undefined) return undefined
  const { attributes } = info
  return {
    token: activityToken(execution, scheduledEventId, progress.attempt, progress.stamp),
    workflowType: state.started!.attributes.workflowType,
    activityId: attributes.activityId,
    activityType: attributes.activityType,
    attempt: progress.attempt,
    input: attributes.input,
    scheduledAtMs: progress.scheduledAtMs,
    startedAtMs: progress.startedAtMs,
    startToCloseTimeoutMs: attributes.startToCloseTimeoutMs,
    scheduleToCloseTimeoutMs: attributes.scheduleToCloseTimeoutMs,
    heartbeatTimeoutMs: attributes.heartbeatTimeoutMs,
    heartbeatDetails: progress.heartbeatDetails,
    header: attributes.header,
  }
}

export function localTask(execution: ExecutionView, task: ActivityTask, taskQueue: string): LocalActivityTask {
  const lastFailure = execution.state.activityProgress?.get(task.token.scheduledEventId)?.lastFailure
  // Field by field: a spread costs ten times as much, once for each attempt.
  return {
    token: task.token,
    workflowType: task.workflowType,
    activityId: task.activityId,
    activityType: task.activityType,
    attempt: task.attempt,
    input: task.input,
    scheduledAtMs: task.scheduledAtMs,
    startedAtMs: task.startedAtMs,
    startToCloseTimeoutMs: task.startToCloseTimeoutMs,
    scheduleToCloseTimeoutMs: task.scheduleToCloseTimeoutMs,
    heartbeatTimeoutMs: task.heartbeatTimeoutMs,
    heartbeatDetails: task.heartbeatDetails,
    header: task.header,
    execution,
    taskQueue,
    lastFailure,
    code: execution.code,
  }
}

export function activityToken(
  execution: ExecutionView,
  scheduledEventId: number,
  attempt: number,
  stamp: number,
): ActivityTaskToken {
  const { namespaceId, workflowId, runId } = execution
  return { namespaceId, workflowId, runId, scheduledEventId, attempt, stamp, version: 0 }
}

export function refOf({ namespaceId, workflowId, runId }: { namespaceId: string; workflowId: string; runId: string }): {
  namespaceId: string
  workflowId: string
  runId: string
  runKey: string
} {
  return { namespaceId, workflowId, runId, runKey: uuidKey(runId) }
}
