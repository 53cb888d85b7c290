/**
 * Code that was replayed for one attempt of a step, because the execution's own is not in memory: after a loss, or when
 * the cache had no room.
 *
 * Invariant: it ends where the last completed task ended, and its execution never hears of it. What happened since then
 * is for the code that the next task replays.
 */
import { Deferred } from '../base/deferred.js'
import type { Logger } from '../base/log.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type { WorkflowHooks } from '../workflow/interceptors.js'
import type { Workflow } from '../workflow/definition.js'
import { ApplicationFailure } from '../workflow/failures.js'
import type { Problem, Quiescence, RunHost } from '../workflow/host.js'
import { isCause, replay } from '../workflow/replay.js'
import { WorkflowRun } from '../workflow/run.js'
import type { StepFunction } from '../workflow/steps.js'
import type { Train } from '../workflow/train.js'

export interface StepCodeParts {
  readonly definition: Workflow
  readonly execution: ExecutionRef
  readonly train: Train
  readonly logger: Logger
  readonly converter: DataConverter
  readonly hooks: WorkflowHooks | undefined
}

/** What replay makes of a step's function. Rejects with a failure of type 'StepCodeGone' when the code has no such step. */
export async function replayStep(
  parts: StepCodeParts,
  history: readonly HistoryEvent[],
  activityType: string,
): Promise<StepFunction> {
  const code = new StepCode(parts)
  const problem = await code.catchUp(history)
  const closure = code.stepClosure(activityType)
  if (closure === undefined)
    throw stepCodeGone(activityType, problem?.failure.message ?? 'its code asks for no such step')
  return closure
}

/** Tried again as the step's policy says: code that was changed by mistake may be mended. */
export function stepCodeGone(activityType: string, why: string): ApplicationFailure {
  return new ApplicationFailure(`the function of ${activityType} is not to be had: ${why}`, { type: 'StepCodeGone' })
}

class StepCode implements RunHost {
  readonly beginTimeMs = 0
  readonly #run: WorkflowRun
  readonly #train: Train
  readonly #execution: ExecutionRef
  readonly #logger: Logger
  readonly #caughtUp = new Deferred<Problem | undefined>()

  constructor({ definition, execution, train, logger, converter, hooks }: StepCodeParts) {
    this.#run = new WorkflowRun({ definition, execution, train, host: this, converter, hooks })
    this.#execution = execution
    this.#train = train
    this.#logger = logger
  }

  catchUp(history: readonly HistoryEvent[]): Promise<Problem | undefined> {
    const lastCompleted = history.findLastIndex(({ eventType }) => eventType === 'WorkflowTaskCompleted')
    replay(
      this.#run,
      history.filter((event, at) => at < lastCompleted || !isCause(event)),
    )
    return this.#caughtUp.promise
  }

  stepClosure(activityType: string): StepFunction | undefined {
    return this.#run.stepClosure(activityType)
  }

  nextEvent(): undefined {
    return undefined
  }

  nextRecorded(): undefined {
    return undefined
  }

  quiescent({ problem }: Quiescence): void {
    // Behind the train: who waits for it goes on in a gap, where another execution's window may be open.
    this.#train.later(() => this.#caughtUp.resolve(problem))
  }

  strayed({ failure, hint }: Problem): void {
    const { workflowId, runId } = this.#execution
    this.#logger.error({ workflowId, runId, hint }, `a step must not use ctx: ${failure.message}`)
  }

  log(): void {}
}
