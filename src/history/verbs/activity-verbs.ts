/** What is said of attempts of activities: that they are alive, and how they ended; by token, or by the activity's id. */
import {
  cancelActivityById,
  completeActivityById,
  failActivityById,
  recordHeartbeatById,
} from '../../machine/activity-by-id.js'
import { recordHeartbeat } from '../../machine/activity-heartbeat.js'
import type { LiveTurn } from '../../machine/machine.js'
import { payloadsBytes, progressBytes } from '../../machine/weights.js'
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
import type { ActivityTaskToken, ExecutionTarget } from '../../protocol/ids.js'
import type { Payloads } from '../../protocol/payload.js'
import { endByOutcome, type ToldOutcome } from '../attempt-end.js'
import type { HistoryContext } from '../context.js'
import { cutOutcome, outcomeBytes, tooLargeFailure } from '../limits.js'
import { find } from './find.js'

/** The verbs of HistoryService that answer for activities. */
export abstract class ActivityVerbs {
  /** Refuses, or lets the verb answer. */
  protected abstract answer<T>(verb: (context: HistoryContext) => Promise<T>): Promise<T>

  respondActivityTaskCompleted(request: RespondActivityTaskCompletedRequest): Promise<void> {
    return this.#byToken(request, { type: 'completed', result: request.result })
  }

  respondActivityTaskCompletedById(request: RespondActivityTaskCompletedByIdRequest): Promise<void> {
    return this.#byId(request, { type: 'completed', result: request.result })
  }

  respondActivityTaskFailed(request: RespondActivityTaskFailedRequest): Promise<void> {
    const { failure, lastHeartbeatDetails: heartbeatDetails } = request
    return this.#byToken(request, { type: 'failed', failure, heartbeatDetails })
  }

  respondActivityTaskFailedById(request: RespondActivityTaskFailedByIdRequest): Promise<void> {
    const { failure, lastHeartbeatDetails: heartbeatDetails } = request
    return this.#byId(request, { type: 'failed', failure, heartbeatDetails })
  }

  respondActivityTaskCanceled(request: RespondActivityTaskCanceledRequest): Promise<void> {
    return this.#byToken(request, { type: 'canceled', details: request.details })
  }

  respondActivityTaskCanceledById(request: RespondActivityTaskCanceledByIdRequest): Promise<void> {
    return this.#byId(request, { type: 'canceled', details: request.details })
  }

  recordActivityTaskHeartbeat(request: RecordActivityTaskHeartbeatRequest): Promise<HeartbeatResponse> {
    return this.answer((context) => recordActivityTaskHeartbeat(context, request))
  }

  recordActivityTaskHeartbeatById(request: RecordActivityTaskHeartbeatByIdRequest): Promise<HeartbeatResponse> {
    const { activityId, details } = request
    const decide = (turn: LiveTurn): boolean => recordHeartbeatById(turn, activityId, details)
    return this.answer((context) => heartbeat(context, ofId(request), details, decide))
  }

  #byToken(
    request: { readonly token: ActivityTaskToken; readonly identity: string },
    told: ToldOutcome,
  ): Promise<void> {
    return this.answer((context) => end(context, ofToken(request.token, request.identity), told))
  }

  #byId(request: OfId, told: ToldOutcome): Promise<void> {
    return this.answer((context) => end(context, ofId(request), told))
  }
}

/** Which activity is meant, and how its attempt is ended. */
interface Addressed {
  readonly target: ExecutionTarget
  scheduledEventId(turn: Pick<LiveTurn, 'state'>): number | undefined
  end(turn: LiveTurn, outcome: ToldOutcome): void
}

type OfId = ExecutionTarget & { readonly activityId: string; readonly identity: string }

function ofToken(token: ActivityTaskToken, identity: string): Addressed {
  return {
    target: token,
    scheduledEventId: () => token.scheduledEventId,
    end: (turn, outcome) => endByOutcome(turn, token, outcome, identity),
  }
}

function ofId(request: OfId): Addressed {
  const { activityId, identity } = request
  return {
    target: request,
    scheduledEventId: ({ state }) => state.activityIds?.get(activityId),
    end: (turn, outcome) => {
      if (outcome.type === 'completed') completeActivityById(turn, activityId, { result: outcome.result, identity })
      else if (outcome.type === 'canceled') cancelActivityById(turn, activityId, { details: outcome.details, identity })
      else {
        const { failure, heartbeatDetails: lastHeartbeatDetails } = outcome
        failActivityById(turn, activityId, { failure, identity, lastHeartbeatDetails })
      }
    },
  }
}

/** Also for the worker of this process, which may say so while the loom is being closed. */
export function recordActivityTaskHeartbeat(
  context: HistoryContext,
  { token, details }: Omit<RecordActivityTaskHeartbeatRequest, 'identity'>,
): Promise<HeartbeatResponse> {
  return heartbeat(context, ofToken(token, ''), details, (turn) => recordHeartbeat(turn, token, details))
}

/** As in Temporal an answer that is too big is no mistake of the call: the attempt is over, and has failed by it. */
async function end(context: HistoryContext, activity: Addressed, told: ToldOutcome): Promise<void> {
  const { settings } = context
  const fitting = outcomeBytes(told, settings)
  const outcome = fitting === undefined ? cutOutcome(told, settings) : told
  const bytes = fitting ?? outcomeBytes(outcome, settings) ?? 0
  const execution = await find(context, activity.target)
  const scheduledEventId = activity.scheduledEventId(execution)
  const kept = scheduledEventId === undefined ? undefined : execution.state.activityProgress?.get(scheduledEventId)
  await execution.cause((turn) => activity.end(turn, outcome), bytes + progressBytes(kept))
}

/** Code does not see it, so it waits for the end of an open task. Details that are too big end the attempt, as in Temporal. */
async function heartbeat(
  context: HistoryContext,
  activity: Addressed,
  details: Payloads | undefined,
  decide: (turn: LiveTurn) => boolean,
): Promise<HeartbeatResponse> {
  const { settings } = context
  const bytes = payloadsBytes(details)
  if (bytes > settings.maxPayloadBytes || bytes > settings.maxTurnBytes) {
    await end(context, activity, {
      type: 'failed',
      failure: tooLargeFailure('details of a heartbeat', bytes, settings),
    })
    return { cancelRequested: true }
  }
  const execution = await find(context, activity.target)
  return { cancelRequested: await execution.transact(decide, bytes) }
}
