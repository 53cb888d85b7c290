/**
 * Code that was replayed to answer one query, because the execution's own is not in memory.
 *
 * Invariant: its execution never hears of it, and what the code asks for is dropped.
 */
import { Deferred } from '../base/deferred.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { Payloads } from '../protocol/payload.js'
import { LoomError } from '../base/errors.js'
import type { Problem, Quiescence, RunHost } from '../workflow/host.js'
import { replay } from '../workflow/replay.js'
import { WorkflowRun, type WorkflowRunOptions } from '../workflow/run.js'
import type { Train } from '../workflow/train.js'

/** What the code answers after all of `history`. LOOM_STALLED when it does not get there, LOOM_CODEC_FAILED when a codec does not. */
export async function answerByReplay(
  parts: Omit<WorkflowRunOptions, 'host'>,
  history: readonly HistoryEvent[],
  queryType: string,
  queryArgs: Payloads | undefined,
): Promise<Payloads | undefined> {
  return await new QueryCode(parts, history).answer(queryType, queryArgs)
}

/** Asks a run at rest: behind the last slot, where no window is open. */
export function askRun(
  run: WorkflowRun,
  train: Train,
  queryType: string,
  queryArgs: Payloads | undefined,
): Promise<Payloads | undefined> {
  const answer = new Deferred<Payloads | undefined>()
  train.later(() => {
    try {
      answer.resolve(run.answer(queryType, queryArgs))
    } catch (error) {
      answer.reject(error)
    }
  })
  return answer.promise
}

class QueryCode implements RunHost {
  readonly beginTimeMs: number
  readonly #run: WorkflowRun
  readonly #train: Train
  readonly #history: readonly HistoryEvent[]
  readonly #caughtUp = new Deferred<Problem | undefined>()

  constructor(parts: Omit<WorkflowRunOptions, 'host'>, history: readonly HistoryEvent[]) {
    this.#run = new WorkflowRun({ ...parts, host: this })
    this.#train = parts.train
    this.#history = history
    this.beginTimeMs = history.at(-1)?.eventTimeMs ?? 0
  }

  async answer(queryType: string, queryArgs: Payloads | undefined): Promise<Payloads | undefined> {
    replay(this.#run, this.#history)
    const problem = await this.#caughtUp.promise
    if (problem?.unreadable !== undefined) throw problem.unreadable
    if (problem !== undefined) throw new LoomError('LOOM_STALLED', `its code cannot go on: ${problem.failure.message}`)
    const answer = askRun(this.#run, this.#train, queryType, queryArgs)
    this.#run.close()
    return await answer
  }

  nextEvent(): undefined {
    return undefined
  }

  nextRecorded(): undefined {
    return undefined
  }

  quiescent({ problem }: Quiescence): void {
    this.#train.later(() => this.#caughtUp.resolve(problem))
  }

  strayed(problem: Problem): void {
    this.#caughtUp.resolve(problem)
  }

  log(): void {}
}
