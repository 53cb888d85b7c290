/** What a client asks of one execution: terminate, describe, history, the end of it. */
import { LoomError } from '../../base/errors.js'
import { isEndBuffered } from '../../machine/buffer.js'
import { retryStalledWorkflowTask } from '../../machine/local-workflow-task.js'
import { terminateExecution } from '../../machine/lifecycle.js'
import { nextRunIdOf } from '../../machine/next-run.js'
import { pendingWorkflowTask } from '../../machine/workflow-task.js'
import { retryIntervalMs } from '../../machine/activity-attempt.js'
import type { HistoryEvent } from '../../protocol/event.js'
import type { HistoryPage, PendingActivity, WorkflowDescription } from '../../protocol/description.js'
import type { TerminateWorkflowRequest } from '../../protocol/execution-requests.js'
import type { ExecutionTarget } from '../../protocol/ids.js'
import type { HistoryContext } from '../context.js'
import type { Execution } from '../execution.js'
import { checkPayloads, checkText } from '../limits.js'
import { find, onCurrentRun } from './find.js'

export async function terminateWorkflow(context: HistoryContext, request: TerminateWorkflowRequest): Promise<void> {
  const { reason, details, identity } = request
  const { settings } = context
  const bytes = checkText(reason, settings, 'reason') + checkPayloads(details, settings, 'details')
  await onCurrentRun(context, request, (execution) =>
    execution.transact((turn) => terminateExecution(turn, { reason, details, identity }), bytes),
  )
}

export async function retryStalled(context: HistoryContext, target: ExecutionTarget): Promise<void> {
  const execution = await find(context, target)
  const wasStalled = await execution.transact((turn) => retryStalledWorkflowTask(turn))
  if (!wasStalled) throw new LoomError('LOOM_NOT_FOUND', `workflow ${target.workflowId} is not stalled`)
}

export async function describeWorkflow(context: HistoryContext, target: ExecutionTarget): Promise<WorkflowDescription> {
  for (;;) {
    const execution = await find(context, target)
    // What is told is durable: nothing of it may still be taken back.
    await execution.settled()
    const description = await execution.transact(() => describe(execution))
    // The commit that closed it has begun another: that one is current by now.
    if (target.runId !== undefined || nextRunIdOf(execution.state.closed) === undefined) return description
  }
}

function describe(execution: Execution): WorkflowDescription {
  const { state, workflowId, runId } = execution
  const { eventTimeMs, attributes } = state.started!
  const timers = [...(state.timers?.values() ?? [])]
  return {
    workflowId,
    runId,
    firstExecutionRunId: attributes.firstExecutionRunId,
    workflowType: attributes.workflowType,
    taskQueue: attributes.taskQueue,
    status: state.status,
    historyLength: state.nextEventId - 1,
    historySizeBytes: execution.sizeBytes,
    startTimeMs: eventTimeMs,
    closeTimeMs: state.closed?.eventTimeMs,
    pendingActivities: state.closed === undefined ? pendingActivities(execution) : [],
    pendingTimers: state.closed === undefined ? timers.map(({ timerId, fireAtMs }) => ({ timerId, fireAtMs })) : [],
    pendingWorkflowTask: pendingWorkflowTask(state),
    memo: state.memo,
    searchAttributes: state.searchAttributes,
    stalled: state.stall === undefined || state.closed !== undefined ? undefined : stalled(state.stall),
  }
}

function stalled({
  eventId,
  reason,
  message,
  hint,
  sinceMs,
  retryAtMs,
  stackTrace = '',
  encodedAttributes,
}: NonNullable<Execution['state']['stall']>): WorkflowDescription['stalled'] {
  return { eventId, reason, message, hint, stackTrace, encodedAttributes, sinceMs, nextTryAtMs: retryAtMs }
}

function pendingActivities({ state }: Execution): readonly PendingActivity[] {
  const pending = [...(state.activities?.values() ?? [])].filter((info) => !isEndBuffered(state, info.scheduledEventId))
  return pending.map((info) => {
    const { scheduledEventId, attributes, cancelRequestedEventId } = info
    const progress = state.activityProgress?.get(scheduledEventId)
    const isBackingOff = progress?.phase === 'backoff'
    const attempt = progress?.attempt ?? 1
    const isStarted = progress?.phase === 'started'
    return {
      activityId: attributes.activityId,
      activityType: attributes.activityType,
      state: cancelRequestedEventId !== 0 ? 'CancelRequested' : isStarted ? 'Started' : 'Scheduled',
      attempt,
      scheduledEventId,
      lastFailure: progress?.lastFailure,
      nextAttemptAtMs: isBackingOff ? progress.dueAtMs : 0,
      currentRetryIntervalMs: isStarted ? 0 : retryIntervalMs(info, Math.max(1, attempt - 1), progress?.lastFailure),
    } satisfies PendingActivity
  })
}

/** Durable events only, from the medium, and the attempt that a worker holds at their end as workers see it. */
export async function getHistory(
  context: HistoryContext,
  target: ExecutionTarget,
  fromEventId: number,
  limit: number,
): Promise<HistoryPage> {
  const execution = await find(context, target)
  const count = Math.min(limit, context.settings.maxHistoryPageEvents)
  const events: HistoryEvent[] = []
  for await (const page of context.readEvents(execution)) {
    for (const event of page) {
      if (event.eventId < fromEventId) continue
      if (events.length === count) return { events, nextEventId: event.eventId }
      events.push(event)
    }
  }
  return { events, nextEventId: undefined }
}

export async function waitClosed(context: HistoryContext, target: ExecutionTarget): Promise<HistoryEvent> {
  return await context.runClosed(await find(context, target))
}
