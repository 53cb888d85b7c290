/** How long activities and steps may take and when they are tried again: as users write it, and as commands carry it. */
import { durationMs, type Duration } from '../base/duration.js'
import { LoomError } from '../base/errors.js'
import { idSchema } from '../protocol/ids.js'
import type { RetryPolicy } from '../protocol/retry-policy.js'

/** startToClose of an activity or step that names no time-out: 1 minute. */
const DEFAULT_START_TO_CLOSE_MS = 60_000

/** When a failed activity is tried again. What is left out is Temporal's default. */
export interface RetryOptions {
  /** Before the second attempt. Default 1 s. */
  readonly initialInterval?: Duration | undefined
  /** Each wait is this many times the one before. At least 1, default 2. */
  readonly backoffCoefficient?: number | undefined
  /** No wait is longer. Default 100 initial intervals. */
  readonly maximumInterval?: Duration | undefined
  /** Attempts in all, the first included. Default 0: no limit. */
  readonly maximumAttempts?: number | undefined
  /** Types of application failures (an error's name, unless it says otherwise) that are not tried again. */
  readonly nonRetryableErrorTypes?: readonly string[] | undefined
}

/** How long attempts may take, and where they run. */
export interface ActivityRunOptions {
  /** One attempt, from its start to its end. Default 1 minute, unless `scheduleToClose` is given. */
  readonly startToClose?: Duration | undefined
  /** All attempts together, waits included. Default: no limit. */
  readonly scheduleToClose?: Duration | undefined
  /** Waiting for a worker. Default: no limit. */
  readonly scheduleToStart?: Duration | undefined
  readonly retry?: RetryOptions | undefined
  /** Default: the workflow's own. */
  readonly taskQueue?: string | undefined
}

/** `ActivityRunOptions` as commands carry them: ms, undefined where nothing was said. */
export interface ActivitySettings {
  readonly startToCloseTimeoutMs: number | undefined
  readonly scheduleToCloseTimeoutMs: number | undefined
  readonly scheduleToStartTimeoutMs: number | undefined
  readonly retryPolicy: Partial<RetryPolicy> | undefined
  readonly taskQueue: string | undefined
}

/** Time-outs and policy as commands carry them, checked. */
export function activitySettings(options: ActivityRunOptions, path: string): ActivitySettings {
  const { startToClose, scheduleToClose, scheduleToStart, retry, taskQueue } = options
  const needsDefault = startToClose === undefined && scheduleToClose === undefined
  return {
    startToCloseTimeoutMs: needsDefault ? DEFAULT_START_TO_CLOSE_MS : timeoutMs(startToClose, `${path}.startToClose`),
    scheduleToCloseTimeoutMs: timeoutMs(scheduleToClose, `${path}.scheduleToClose`),
    scheduleToStartTimeoutMs: timeoutMs(scheduleToStart, `${path}.scheduleToStart`),
    retryPolicy: retry === undefined ? undefined : Object.freeze(retryPolicy(retry, `${path}.retry`)),
    taskQueue: taskQueue === undefined ? undefined : nameAt(taskQueue, `${path}.taskQueue`),
  }
}

/** `options` of one call over the definition's own, checked. */
export function overriddenSettings(own: ActivitySettings, options: ActivityRunOptions, path: string): ActivitySettings {
  const given = activitySettings({ startToClose: 1, ...options }, path)
  return {
    startToCloseTimeoutMs: options.startToClose === undefined ? own.startToCloseTimeoutMs : given.startToCloseTimeoutMs,
    scheduleToCloseTimeoutMs: given.scheduleToCloseTimeoutMs ?? own.scheduleToCloseTimeoutMs,
    scheduleToStartTimeoutMs: given.scheduleToStartTimeoutMs ?? own.scheduleToStartTimeoutMs,
    retryPolicy: given.retryPolicy ?? own.retryPolicy,
    taskQueue: given.taskQueue ?? own.taskQueue,
  }
}

/** A name that a user gave, checked. */
export function nameAt(name: unknown, path: string): string {
  const result = idSchema.safeParse(name)
  if (!result.success) throw invalid(`${path}: ${result.error.issues[0]?.message ?? 'not a name'}`)
  return result.data
}

function retryPolicy(retry: RetryOptions, path: string): Partial<RetryPolicy> {
  const { initialInterval, backoffCoefficient, maximumInterval, maximumAttempts, nonRetryableErrorTypes } = retry
  if (backoffCoefficient !== undefined && !(backoffCoefficient >= 1 && Number.isFinite(backoffCoefficient))) {
    throw invalid(`${path}.backoffCoefficient: not a number of at least 1: ${String(backoffCoefficient)}`)
  }
  if (maximumAttempts !== undefined && !(Number.isSafeInteger(maximumAttempts) && maximumAttempts >= 0)) {
    throw invalid(`${path}.maximumAttempts: not a whole number of at least 0: ${String(maximumAttempts)}`)
  }
  return {
    ...(initialInterval !== undefined && { initialIntervalMs: timeoutMs(initialInterval, `${path}.initialInterval`)! }),
    ...(backoffCoefficient !== undefined && { backoffCoefficient }),
    ...(maximumInterval !== undefined && { maximumIntervalMs: timeoutMs(maximumInterval, `${path}.maximumInterval`)! }),
    ...(maximumAttempts !== undefined && { maximumAttempts }),
    ...(nonRetryableErrorTypes !== undefined && { nonRetryableErrorTypes: [...nonRetryableErrorTypes] }),
  }
}

function timeoutMs(value: Duration | undefined, path: string): number | undefined {
  if (value === undefined) return undefined
  const ms = durationMs(value, path)
  // In a command 0 means that nothing was set.
  if (ms === 0) throw invalid(`${path}: must be longer than 0`)
  return ms
}

function invalid(message: string): LoomError {
  return new LoomError('LOOM_INVALID_ARGUMENT', message)
}
