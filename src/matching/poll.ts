/** One poll that waits: answered with a task, or with nothing when its time is up or its caller has left. */
import type { Clock, TimerHandle } from '../base/clock.js'
import { Deferred } from '../base/deferred.js'
import type { WaitingPoll } from '../protocol/matching.js'
import type { ActivityTask, PollRequest, WorkflowTask } from '../protocol/worker-tasks.js'

export class Poll implements WaitingPoll {
  readonly identity: string
  readonly requestId: string
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #untilMs: number
  /** Runs while it waits; a poll that is held for a task of a turn in flight is not ended under it. */
  #timer: TimerHandle
  readonly #deferred = new Deferred<WorkflowTask | ActivityTask | undefined>()
  #isOver = false

  constructor(clock: Clock, request: PollRequest, requestId: string) {
    this.identity = request.identity
    this.requestId = requestId
    this.#clock = clock
    this.#signal = request.signal
    this.#untilMs = clock.monotonicMs() + request.waitMs
    this.#timer = clock.setTimer(request.waitMs, this.end)
    if (request.signal?.aborted === true) this.end()
    else request.signal?.addEventListener('abort', this.end, { once: true })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get answered(): Promise<WorkflowTask | ActivityTask | undefined> {
    return this.#deferred.promise
  }

  hold(): void {
    this.#clock.clearTimer(this.#timer)
  }

  release(): void {
    if (this.#isOver) return
    this.#timer = this.#clock.setTimer(this.#untilMs - this.#clock.monotonicMs(), this.end)
  }

  answer(task: WorkflowTask | ActivityTask): void {
    this.#settle(task)
  }

  readonly end = (): void => this.#settle(undefined)

  #settle(task: WorkflowTask | ActivityTask | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#clock.clearTimer(this.#timer)
    this.#signal?.removeEventListener('abort', this.end)
    this.#deferred.resolve(task)
  }
}
