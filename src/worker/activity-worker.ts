/**
 * The activity worker of a loom: runs attempts in the slots of its task queues, each attempt once.
 *
 * Invariant: a slot that was reserved is free again when its attempt has ended or was released, and an attempt that
 * ends is told once, if at all.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import type { ActivityOutcome, LocalActivityTask, LocalActivityWorker } from '../protocol/local-workers.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type { Activity } from '../workflow/definition.js'
import { STEP_PREFIX, type StepFunction } from '../workflow/steps.js'
import { Attempt, type AbortReason, type AttemptHome } from './attempt.js'
import type { HeartbeatSink } from './heartbeats.js'
import { Rest } from './rest.js'

/** Where the functions of steps come from. */
export interface StepSource {
  /** From code in memory. */
  closure(code: unknown, activityType: string): StepFunction | undefined
  /** From history. Rejects when the code has no such step, or its history cannot be read. */
  replayedClosure(task: LocalActivityTask): Promise<StepFunction>
}

export interface ActivityWorkerParts {
  readonly namespaceId: string
  /** Slots of each task queue. */
  readonly taskQueues: ReadonlyMap<string, number>
  readonly activities: ReadonlyMap<string, Activity>
  /** Are there workflows here, which may have steps? */
  readonly hasWorkflows: boolean
  readonly steps: StepSource
  readonly converter: DataConverter
  readonly clock: Clock
  readonly logger: Logger
  readonly heartbeatSink: HeartbeatSink
  /** Default: none. */
  readonly hooks?: AttemptHome['hooks'] | undefined
}

/** How long attempts have to end after their signal was aborted because the loom closes. */
const AFTER_ABORT_MS = 500

interface Slots {
  free: number
}

export class ActivityWorker implements LocalActivityWorker, AttemptHome {
  readonly clock: Clock
  readonly logger: Logger
  readonly converter: DataConverter
  readonly heartbeatSink: HeartbeatSink
  readonly hooks: AttemptHome['hooks']
  readonly #parts: ActivityWorkerParts
  readonly #slots = new Map<string, Slots>()
  /** By run; further ones of a run hang on `next`. */
  readonly #running = new Map<string, Attempt>()
  #runningCount = 0
  /** Slots that are taken: of attempts that run, and of those that are on their way to be durable. */
  #takenCount = 0
  #state: 'open' | 'draining' | 'closed' = 'open'
  readonly #rest: Rest

  constructor(parts: ActivityWorkerParts) {
    this.#parts = parts
    this.clock = parts.clock
    this.logger = parts.logger
    this.converter = parts.converter
    this.heartbeatSink = parts.heartbeatSink
    this.hooks = parts.hooks ?? []
    this.#rest = new Rest(parts.clock)
    for (const [taskQueue, free] of parts.taskQueues) this.#slots.set(taskQueue, { free })
  }

  /** Attempts that are running. */
  get runningCount(): number {
    return this.#runningCount
  }

  get isDraining(): boolean {
    return this.#state !== 'open'
  }

  reserve(namespaceId: string, taskQueue: string, activityType: string): boolean {
    const { namespaceId: own, activities, hasWorkflows } = this.#parts
    const slots = this.#slots.get(taskQueue)
    if (slots === undefined || slots.free === 0 || namespaceId !== own || this.#state !== 'open') return false
    if (!activities.has(activityType) && !(hasWorkflows && activityType.startsWith(STEP_PREFIX))) return false
    slots.free--
    this.#takenCount++
    return true
  }

  release(_namespaceId: string, taskQueue: string, _activityType: string): void {
    this.#slots.get(taskQueue)!.free++
    if (--this.#takenCount === 0) this.#rest.reached()
  }

  run(task: LocalActivityTask, done: (outcome: ActivityOutcome) => void): void {
    if (this.#state === 'closed') return
    const attempt = new Attempt(this, task, done)
    this.#keep(attempt)
    const activity = this.#parts.activities.get(task.activityType)
    if (activity === undefined) this.#runStep(attempt)
    else attempt.runActivity(activity)
  }

  cancel({ runId, scheduledEventId, attempt }: ActivityTaskToken, reason: AbortReason): void {
    for (let one = this.#running.get(runId); one !== undefined; one = one.next) {
      const { token } = one.task
      if (token.scheduledEventId === scheduledEventId && token.attempt === attempt) one.abort(reason)
    }
  }

  /** Also when its shard was lost meanwhile: its end is told, whoever has the shard then. */
  isRunning({ runId, scheduledEventId, attempt, stamp }: ActivityTaskToken): boolean {
    for (let one = this.#running.get(runId); one !== undefined; one = one.next) {
      const { token } = one.task
      if (token.scheduledEventId === scheduledEventId && token.attempt === attempt && token.stamp === stamp) return true
    }
    return false
  }

  /**
   * Takes no more attempts, waits `graceMs` for those that run, then aborts their signals. What has not ended then is
   * never told: whoever opens its shard next finds it lost.
   */
  async drain(graceMs: number): Promise<void> {
    this.#state = 'draining'
    if (this.#takenCount > 0) await this.#rest.wait(graceMs)
    this.#forEach((one) => one.abort('draining'))
    if (this.#takenCount > 0) await this.#rest.wait(AFTER_ABORT_MS)
    this.#state = 'closed'
    this.#forEach((one) => one.silence())
  }

  // For attempts.

  /** The slot is free before anybody is told, so that what comes of it finds one. */
  ended(attempt: Attempt, outcome: ActivityOutcome | undefined, done: (outcome: ActivityOutcome) => void): void {
    this.#forget(attempt)
    this.#slots.get(attempt.task.taskQueue)!.free++
    if (outcome !== undefined && this.#state !== 'closed') done(outcome)
    if (--this.#takenCount === 0) this.#rest.reached()
  }

  #runStep(attempt: Attempt): void {
    const { steps } = this.#parts
    const { task } = attempt
    const closure = steps.closure(task.code, task.activityType)
    if (closure !== undefined) return attempt.runStep(closure)
    steps.replayedClosure(task).then(
      (replayed) => attempt.runStep(replayed),
      (error: unknown) => attempt.threw(error),
    )
  }

  #forEach(act: (attempt: Attempt) => void): void {
    for (const first of this.#running.values()) {
      for (let one: Attempt | undefined = first; one !== undefined; one = one.next) act(one)
    }
  }

  #keep(attempt: Attempt): void {
    const { runId } = attempt.task.token
    attempt.next = this.#running.get(runId)
    this.#running.set(runId, attempt)
    this.#runningCount++
  }

  #forget(attempt: Attempt): void {
    const { runId } = attempt.task.token
    this.#runningCount--
    const first = this.#running.get(runId)
    if (first === attempt) {
      if (attempt.next === undefined) this.#running.delete(runId)
      else this.#running.set(runId, attempt.next)
      return
    }
    for (let one = first; one !== undefined; one = one.next) {
      if (one.next === attempt) one.next = attempt.next
    }
  }
}
