/** What code may know of its execution, from its first event. */
import type { EventOf } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { WorkflowInfo } from './context.js'

export function infoOf(
  { workflowId, runId, namespaceId }: ExecutionRef,
  started: EventOf<'WorkflowExecutionStarted'>,
): WorkflowInfo {
  const { workflowType, taskQueue, attempt, firstExecutionRunId, originalExecutionRunId } = started.attributes
  const { continuedExecutionRunId, cronSchedule } = started.attributes
  return Object.freeze({
    workflowId,
    runId,
    namespaceId,
    workflowType,
    taskQueue,
    attempt,
    startedAtMs: started.eventTimeMs,
    firstExecutionRunId,
    originalExecutionRunId,
    continuedExecutionRunId,
    cronSchedule,
  })
}
