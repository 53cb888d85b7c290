/**
 * One attempt of an activity or step: the call of the user's function, what it is given, and what its end means.
 *
 * Invariant: whatever the function does, throws or returns, the attempt ends at most once and nothing is thrown here.
 * What few functions ask for (the signal, facts, a logger) is made when it is asked for.
 */
import type { Clock } from '../base/clock.js'
import { LoomError, isLoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Failure } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import type { ActivityOutcome, LocalActivityTask } from '../protocol/local-workers.js'
import type { ActivityContext, ActivityInfo } from '../workflow/activity-context.js'
import { attemptFailure } from '../workflow/attempt-failure.js'
import type { Activity } from '../workflow/definition.js'
import type { DataConverter } from '../workflow/data-converter.js'
import { errorOf, failureOf } from '../workflow/failure-codec.js'
import { cancelDetailsOf } from '../workflow/failure-payloads.js'
import {
  ApplicationFailure,
  CancelledFailure,
  isFailure,
  TimeoutFailure,
  type FailureError,
} from '../workflow/failures.js'
import { decodeHeaders } from '../workflow/headers.js'
import { through, type ActivityExecuteCall, type Around } from '../workflow/interceptors.js'
import { decodeParsed, encodeChecked, type Schema } from '../workflow/schema.js'
import type { StepFunction } from '../workflow/steps.js'
import { BoundLog } from './bound-log.js'
import { Heartbeats, type HeartbeatSink } from './heartbeats.js'

/** `draining`: the loom closes. The others are history's. */
export type AbortReason = 'canceled' | 'timedOut' | 'closed' | 'ended' | 'draining'

export interface AttemptHome {
  readonly clock: Clock
  readonly logger: Logger
  /** The loom is being closed. */
  readonly isDraining: boolean
  readonly converter: DataConverter
  readonly heartbeatSink: HeartbeatSink
  /** Around the functions of activities and steps; none for most looms. */
  readonly hooks: readonly Around<ActivityExecuteCall, Promise<unknown>>[]
  /** `outcome` undefined: nobody is to be told. */
  ended(attempt: Attempt, outcome: ActivityOutcome | undefined, done: (outcome: ActivityOutcome) => void): void
}

export class Attempt implements ActivityContext {
  readonly task: LocalActivityTask
  /** The worker's own: the next attempt of the same run. */
  next: Attempt | undefined = undefined
  readonly #home: AttemptHome
  readonly #done: (outcome: ActivityOutcome) => void
  #output: Schema | undefined = undefined
  #abortedBy: AbortReason | undefined = undefined
  #aborting: AbortController | undefined = undefined
  #info: ActivityInfo | undefined = undefined
  #log: Logger | undefined = undefined
  #heartbeats: Heartbeats | undefined = undefined
  #hasEnded = false
  #isSilent = false

  constructor(home: AttemptHome, task: LocalActivityTask, done: (outcome: ActivityOutcome) => void) {
    this.#home = home
    this.task = task
    this.#done = done
  }

  runActivity({ name, input, output, fn }: Activity): void {
    this.#output = output
    try {
      const parsed = decodeParsed(input, this.task.input, `input of activity '${name}'`, this.#home.converter)
      this.#call(parsed, (given) => (fn as (input: unknown, context: ActivityContext) => unknown)(given, this))
    } catch (error) {
      this.threw(error)
    }
  }

  runStep(fn: StepFunction): void {
    try {
      this.#call(undefined, () => fn(this))
    } catch (error) {
      this.threw(error)
    }
  }

  threw(error: unknown): void {
    this.#end(this.#outcomeOf(error))
  }

  abort(reason: AbortReason): void {
    if (this.#abortedBy !== undefined) return
    this.#abortedBy = reason
    this.#aborting?.abort(abortError(reason))
  }

  /** Its loom is closed: nothing that it says is heard any more. */
  silence(): void {
    this.#isSilent = true
    this.#heartbeats?.end()
  }

  // For the function.

  get signal(): AbortSignal {
    if (this.#aborting === undefined) {
      this.#aborting = new AbortController()
      if (this.#abortedBy !== undefined) this.#aborting.abort(abortError(this.#abortedBy))
    }
    return this.#aborting.signal
  }

  get attempt(): number {
    return this.task.attempt
  }

  get idempotencyKey(): string {
    return `${this.task.token.runId}/${this.task.activityId}`
  }

  get info(): ActivityInfo {
    return (this.#info ??= infoOf(this.task))
  }

  get log(): Logger {
    return (this.#log ??= new BoundLog(this.#home.logger, aboutOf(this.task)))
  }

  /** A function of its own each time: it is taken out of the context. */
  get heartbeat(): (details?: unknown) => void {
    return (details) => {
      if (this.#hasEnded || this.#isSilent) return
      const { clock, converter, heartbeatSink } = this.#home
      const path = `heartbeat of activity '${this.task.activityType}'`
      const payloads = details === undefined ? undefined : [converter.encode(details, path)]
      this.#heartbeats ??= new Heartbeats(clock, this.task, heartbeatSink, (reason) => this.abort(reason))
      this.#heartbeats.beat(payloads)
    }
  }

  get heartbeatDetails(): unknown {
    const first = this.task.heartbeatDetails?.[0]
    return first === undefined ? undefined : this.#home.converter.decode(first, 'heartbeatDetails')
  }

  get lastFailure(): FailureError | undefined {
    const { lastFailure } = this.task
    return lastFailure === undefined ? undefined : errorOf(lastFailure, this.#home.converter)
  }

  // Its end.

  #call(input: unknown, fn: (input: unknown) => unknown): void {
    const { hooks } = this.#home
    if (hooks.length === 0) return this.#follow(fn(input))
    const call = { context: this, input, headers: decodeHeaders(this.task.header) }
    // An async function: what is thrown is a rejection for those around it.
    this.#follow(through(hooks, call, async (given) => fn(given.input)))
  }

  /** Also a value goes through a promise: what comes of it must not happen within the call that started the attempt. */
  #follow(result: unknown): void {
    Promise.resolve(result).then(
      (value) => this.#returned(value),
      (error: unknown) => this.threw(error),
    )
  }

  #returned(value: unknown): void {
    let result: Payloads | undefined
    try {
      const path = `result of activity '${this.task.activityType}'`
      result = encodeChecked(this.#output, value, path, this.#home.converter)
    } catch (error) {
      if (isLoomError(error, 'LOOM_CODEC_FAILED')) return this.threw(error)
      // What it did is done: to do it again would not make its result fit.
      const { message } = error as Error
      return this.threw(ApplicationFailure.nonRetryable(message, { type: 'BadResult', cause: error }))
    }
    this.#end({ type: 'completed', result })
  }

  #end(outcome: ActivityOutcome | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const heartbeatDetails = this.#heartbeats?.end()
    if (heartbeatDetails !== undefined && outcome?.type === 'failed') outcome = { ...outcome, heartbeatDetails }
    this.#home.ended(this, outcome, this.#done)
  }

  /** A failed attempt that nobody asked to stop is worth a line: the next one may hide it. */
  #warn(error: unknown, { message }: Failure): void {
    const { activityType, attempt } = this.task
    const text = `attempt ${attempt} of activity '${activityType}' failed: ${message}`
    // Not in here: what the logger throws is the application's.
    void Promise.resolve().then(() => this.#home.logger.warn({ ...aboutOf(this.task), error }, text))
  }

  #outcomeOf(error: unknown): ActivityOutcome | undefined {
    const { clock, isDraining, converter } = this.#home
    try {
      // Not the function's failure: whoever opens the shard next tries it again.
      if (isDraining && (isLoomError(error, 'LOOM_CLOSED') || this.#isAbortion(error))) return undefined
      if (this.#abortedBy === 'canceled' && this.#isAbortion(error)) {
        return { type: 'canceled', details: cancelDetailsOf(error as Error, converter) }
      }
      const failure = attemptFailure(error, failureOf(error, converter, clock.nowMs()))
      if (this.#abortedBy === undefined) this.#warn(error, failure)
      return { type: 'failed', failure }
    } catch {
      return { type: 'failed', failure: { type: 'application', message: 'something was thrown that cannot be told' } }
    }
  }

  /** Does the error only say that the attempt was told to stop? */
  #isAbortion(error: unknown): boolean {
    if (this.#abortedBy === undefined) return false
    if (error === this.#aborting?.signal.reason) return true
    return isFailure(error) ? error.kind === 'canceled' : error instanceof Error && error.name === 'AbortError'
  }
}

function abortError(reason: AbortReason): Error {
  switch (reason) {
    case 'canceled':
      return new CancelledFailure('the activity was cancelled')
    case 'timedOut':
      return new TimeoutFailure('the attempt has timed out', 'StartToClose')
    case 'closed':
      return new CancelledFailure('the execution has closed')
    case 'ended':
      return new CancelledFailure('the activity has ended without this attempt')
    case 'draining':
      return new LoomError('LOOM_CLOSED', 'the loom is being closed')
  }
}

function infoOf(task: LocalActivityTask): ActivityInfo {
  const { token, workflowType, activityId, activityType, scheduledAtMs, startedAtMs } = task
  const { startToCloseTimeoutMs, scheduleToCloseTimeoutMs, heartbeatTimeoutMs } = task
  return Object.freeze({
    workflowId: token.workflowId,
    runId: token.runId,
    workflowType,
    activityId,
    activityType,
    scheduledAtMs,
    startedAtMs,
    startToCloseTimeoutMs,
    scheduleToCloseTimeoutMs,
    heartbeatTimeoutMs,
  })
}

function aboutOf({ token, activityId, activityType, attempt }: LocalActivityTask): object {
  return { workflowId: token.workflowId, runId: token.runId, activityId, activityType, attempt }
}
