/**
 * One turn on its way to the medium, and everybody who is told when it is there: callers, activities to start, timers to
 * arm, pollers to answer, those who wait for the close.
 */
import type { LoomError } from '../base/errors.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { StagedTurn } from '../shard/shard.js'
import type { Effect, ExecutionView, StagedView } from './contract.js'
import type { DueEntry } from './due.js'

export class Staged implements StagedTurn, StagedView {
  readonly execution: ExecutionView
  due: readonly DueEntry[] | undefined = undefined
  closing: HistoryEvent | undefined = undefined
  /** Flat triples: resolve, reject, value. */
  #answers: unknown[] | undefined = undefined
  #effects: Effect[] | undefined = undefined

  constructor(execution: ExecutionView) {
    this.execution = execution
  }

  answer(resolve: (value: never) => void, reject: (error: Error) => void, value: unknown): void {
    // A literal of three is an eighth of what pushing to an empty array takes.
    if (this.#answers === undefined) this.#answers = [resolve, reject, value]
    else this.#answers.push(resolve, reject, value)
  }

  addEffect(effect: Effect): void {
    if (this.#effects === undefined) this.#effects = [effect]
    else this.#effects.push(effect)
  }

  durable(): void {
    const { execution } = this
    execution.settledTurn(this)
    execution.host.turnDurable(this)
    const answers = this.#answers
    if (answers !== undefined) {
      for (let i = 0; i < answers.length; i += 3) (answers[i] as (value: unknown) => void)(answers[i + 2])
    }
    if (this.#effects !== undefined) for (const effect of this.#effects) effect.perform()
  }

  failed(error: LoomError): void {
    const answers = this.#answers
    this.#answers = undefined
    if (answers !== undefined) {
      for (let i = 0; i < answers.length; i += 3) (answers[i + 1] as (error: Error) => void)(error)
    }
    if (this.#effects !== undefined) for (const effect of this.#effects) effect.takeBack()
    this.#effects = undefined
  }
}
