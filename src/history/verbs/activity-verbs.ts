/** What is said of attempts of activities: that they are alive, and how they ended; by token, or by the activity's id. */
import {
  cancelActivityById,
  completeActivityById,
  failActivityById,
  recordHeartbeatById,
} from '../../machine/activity-by-id.js'
import { cancelActivity, completeActivity, failActivity } from '../../machine/activity-end.js'
import { recordHeartbeat } from '../../machine/activity-heartbeat.js'
import type { LiveTurn } from '../../machine/machine.js'
import type { Failure } from '../../protocol/failure.js'
import type { Payloads } from '../../protocol/payload.js'
import type {
  HeartbeatResponse,
  RecordActivityTaskHeartbeatByIdRequest,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledByIdRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIdRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedByIdRequest,
  RespondActivityTaskFailedRequest,
} from '../../protocol/activity-requests.js'
import type { ExecutionTarget } from '../../protocol/ids.js'
import type { HistoryContext } from '../context.js'
import { checkFailure, checkPayloads } from '../limits.js'
import { find } from './find.js'

/** The verbs of HistoryService that answer for activities. */
export abstract class ActivityVerbs {
  /** Refuses, or lets the verb answer. */
  protected abstract answer<T>(verb: (context: HistoryContext) => Promise<T>): Promise<T>

  respondActivityTaskCompleted(request: RespondActivityTaskCompletedRequest): Promise<void> {
    const { token, result } = request
    return this.answer((context) => complete(context, token, result, (turn) => completeActivity(turn, token, request)))
  }

  respondActivityTaskCompletedById(request: RespondActivityTaskCompletedByIdRequest): Promise<void> {
    const { activityId, result } = request
    const decide = (turn: LiveTurn): void => completeActivityById(turn, activityId, request)
    return this.answer((context) => complete(context, request, result, decide))
  }

  respondActivityTaskFailed(request: RespondActivityTaskFailedRequest): Promise<void> {
    const { token } = request
    return this.answer((context) => fail(context, token, request, (turn) => failActivity(turn, token, request)))
  }

  respondActivityTaskFailedById(request: RespondActivityTaskFailedByIdRequest): Promise<void> {
    const decide = (turn: LiveTurn): void => failActivityById(turn, request.activityId, request)
    return this.answer((context) => fail(context, request, request, decide))
  }

  respondActivityTaskCanceled(request: RespondActivityTaskCanceledRequest): Promise<void> {
    const { token, details } = request
    return this.answer((context) => cancel(context, token, details, (turn) => cancelActivity(turn, token, request)))
  }

  respondActivityTaskCanceledById(request: RespondActivityTaskCanceledByIdRequest): Promise<void> {
    const { activityId, details } = request
    const decide = (turn: LiveTurn): void => cancelActivityById(turn, activityId, request)
    return this.answer((context) => cancel(context, request, details, decide))
  }

  recordActivityTaskHeartbeat(request: RecordActivityTaskHeartbeatRequest): Promise<HeartbeatResponse> {
    return this.answer((context) => recordActivityTaskHeartbeat(context, request))
  }

  recordActivityTaskHeartbeatById(request: RecordActivityTaskHeartbeatByIdRequest): Promise<HeartbeatResponse> {
    const { activityId, details } = request
    const decide = (turn: LiveTurn): boolean => recordHeartbeatById(turn, activityId, details)
    return this.answer((context) => heartbeat(context, request, details, decide))
  }
}

/** Also for the worker of this process, which may say so while the loom is being closed. */
export function recordActivityTaskHeartbeat(
  context: HistoryContext,
  { token, details }: Omit<RecordActivityTaskHeartbeatRequest, 'identity'>,
): Promise<HeartbeatResponse> {
  return heartbeat(context, token, details, (turn) => recordHeartbeat(turn, token, details))
}

async function complete(
  context: HistoryContext,
  target: ExecutionTarget,
  result: Payloads | undefined,
  decide: (turn: LiveTurn) => void,
): Promise<void> {
  const bytes = checkPayloads(result, context.settings, 'result')
  const execution = await find(context, target)
  await execution.cause(decide, bytes)
}

async function fail(
  context: HistoryContext,
  target: ExecutionTarget,
  told: { readonly failure: Failure | undefined; readonly lastHeartbeatDetails?: Payloads | undefined },
  decide: (turn: LiveTurn) => void,
): Promise<void> {
  const { settings } = context
  const bytes =
    checkFailure(told.failure, settings, 'failure') +
    checkPayloads(told.lastHeartbeatDetails, settings, 'lastHeartbeatDetails')
  const execution = await find(context, target)
  await execution.cause(decide, bytes)
}

async function cancel(
  context: HistoryContext,
  target: ExecutionTarget,
  details: Payloads | undefined,
  decide: (turn: LiveTurn) => void,
): Promise<void> {
  const bytes = checkPayloads(details, context.settings, 'details')
  const execution = await find(context, target)
  await execution.cause(decide, bytes)
}

/** Code does not see it, so it waits for the end of an open task. */
async function heartbeat(
  context: HistoryContext,
  target: ExecutionTarget,
  details: Payloads | undefined,
  decide: (turn: LiveTurn) => boolean,
): Promise<HeartbeatResponse> {
  const bytes = checkPayloads(details, context.settings, 'details')
  const execution = await find(context, target)
  return { cancelRequested: await execution.transact(decide, bytes) }
}
