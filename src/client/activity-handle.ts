/**
 * An activity that is answered from outside of its function: by its id, from wherever the loom is at hand.
 *
 * Everything here is for the attempt that runs when it is called, and rejects with LOOM_NOT_FOUND when none does.
 */
import type { ActivityTarget, HeartbeatResponse } from '../protocol/activity-requests.js'
import type { HistoryService } from '../protocol/services.js'
import { attemptFailure } from '../workflow/attempt-failure.js'
import type { DataConverter } from '../workflow/data-converter.js'
import { wholeFailureOf } from '../workflow/failure-codec.js'

/** Which activity of which execution: `info` of an activity's context has all three. */
export interface ActivityIds {
  readonly workflowId: string
  readonly activityId: string
  /** Default: the current run of the workflow id. */
  readonly runId?: string | undefined
}

/** Whom an activity's handle asks, and for which. */
export interface ActivityHandleParts {
  readonly service: HistoryService
  readonly identity: string
  readonly target: ActivityTarget
  readonly converter: DataConverter
  readonly nowMs: () => number
}

/** An activity that has not ended, to be answered from outside of its function. */
export class ActivityHandle {
  readonly #parts: ActivityHandleParts

  /** @internal */
  constructor(parts: ActivityHandleParts) {
    this.#parts = parts
  }

  /** Ends it with a result, which the workflow's code parses. Also before a worker has taken it: then none does. */
  async complete(result?: unknown): Promise<void> {
    const { service, identity, target, converter } = this.#parts
    const encoded = [converter.encode(result, 'result')]
    await service.respondActivityTaskCompletedById({ ...target, result: encoded, identity })
  }

  /** Fails the attempt that runs; the retry policy decides whether there is another. `error` is what its function would throw. */
  async fail(error: unknown): Promise<void> {
    const { service, identity, target, converter, nowMs } = this.#parts
    const failure = attemptFailure(error, wholeFailureOf(error, converter, nowMs()))
    await service.respondActivityTaskFailedById({ ...target, failure, identity })
  }

  /** Says that it has stopped, as its workflow asked for. LOOM_INVALID_ARGUMENT when nobody did. */
  async reportCanceled(...details: readonly unknown[]): Promise<void> {
    const { service, identity, target, converter } = this.#parts
    const encoded = details.length === 0 ? undefined : converter.encodeAll(details, 'details')
    await service.respondActivityTaskCanceledById({ ...target, details: encoded, identity })
  }

  /** Says that it is alive, and how far it has come. The answer says whether its workflow has called it off. */
  async heartbeat(details?: unknown): Promise<HeartbeatResponse> {
    const { service, identity, target, converter } = this.#parts
    const encoded = details === undefined ? undefined : [converter.encode(details, 'details')]
    return await service.recordActivityTaskHeartbeatById({ ...target, details: encoded, identity })
  }
}
