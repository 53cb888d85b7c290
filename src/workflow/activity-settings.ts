/** How long activities and steps may take and when they are tried again: as users write it, and as commands carry it. */
import { durationMs, type Duration } from '../base/duration.js'
import { idSchema } from '../protocol/ids.js'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../protocol/retry-policy.js'
import { checkOptions, invalid } from './options.js'

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

/**
 * What cancelling a wait for an activity does. 'TryCancel': the activity is asked to stop, and the wait rejects at once.
 * 'WaitCancellationCompleted': it is asked to stop, and the wait goes on until the activity has ended, in whatever way.
 * 'Abandon': the wait rejects at once, and the activity is left alone.
 */
export type ActivityCancellationType = 'TryCancel' | 'WaitCancellationCompleted' | 'Abandon'

/** How long attempts may take, and where they run. */
export interface ActivityRunOptions {
  /** One attempt, from its start to its end. Default 1 minute, unless `scheduleToClose` is given. */
  readonly startToClose?: Duration | undefined
  /** All attempts together, waits included. Default: no limit. */
  readonly scheduleToClose?: Duration | undefined
  /** Waiting for a worker. Default: no limit. */
  readonly scheduleToStart?: Duration | undefined
  /**
   * Between two heartbeats of an attempt (`heartbeat` of its context), or its start and the first: then it has timed out, and
   * is tried again. At most `startToClose`. Default: it need not say that it is alive.
   */
  readonly heartbeatTimeout?: Duration | undefined
  readonly retry?: RetryOptions | undefined
  /** Default: the workflow's own. */
  readonly taskQueue?: string | undefined
  /** What cancelling the wait for it does. Default 'TryCancel'. */
  readonly cancellationType?: ActivityCancellationType | undefined
}

/** `ActivityRunOptions` as commands carry them: ms, undefined where nothing was said. */
export interface ActivitySettings {
  readonly startToCloseTimeoutMs: number | undefined
  readonly scheduleToCloseTimeoutMs: number | undefined
  readonly scheduleToStartTimeoutMs: number | undefined
  readonly heartbeatTimeoutMs: number | undefined
  readonly retryPolicy: Partial<RetryPolicy> | undefined
  readonly taskQueue: string | undefined
  readonly cancellationType: ActivityCancellationType | undefined
}

/** What says how long attempts may take, and when there is another. */
export const RUN_OPTIONS: ReadonlySet<string> = new Set([
  'startToClose',
  'scheduleToClose',
  'scheduleToStart',
  'heartbeatTimeout',
  'retry',
  'taskQueue',
  'cancellationType',
])
const CANCELLATION_TYPES: ReadonlySet<unknown> = new Set<ActivityCancellationType>([
  'TryCancel',
  'WaitCancellationCompleted',
  'Abandon',
])
const RETRY_OPTIONS: ReadonlySet<string> = new Set([
  'initialInterval',
  'backoffCoefficient',
  'maximumInterval',
  'maximumAttempts',
  'nonRetryableErrorTypes',
])

/** Time-outs and policy as commands carry them, checked. `known` are the names that `options` may have. */
export function activitySettings(
  options: ActivityRunOptions,
  path: string,
  known: ReadonlySet<string> = RUN_OPTIONS,
): ActivitySettings {
  checkOptions(options, known, path)
  const { startToClose, scheduleToClose, scheduleToStart, heartbeatTimeout, retry, taskQueue, cancellationType } =
    options
  if (cancellationType !== undefined && !CANCELLATION_TYPES.has(cancellationType)) {
    throw invalid(
      `${path}.cancellationType: none of ${[...CANCELLATION_TYPES].join(', ')}: ${String(cancellationType)}`,
    )
  }
  const needsDefault = startToClose === undefined && scheduleToClose === undefined
  return {
    startToCloseTimeoutMs: needsDefault ? DEFAULT_START_TO_CLOSE_MS : timeoutMs(startToClose, `${path}.startToClose`),
    scheduleToCloseTimeoutMs: timeoutMs(scheduleToClose, `${path}.scheduleToClose`),
    scheduleToStartTimeoutMs: timeoutMs(scheduleToStart, `${path}.scheduleToStart`),
    heartbeatTimeoutMs: timeoutMs(heartbeatTimeout, `${path}.heartbeatTimeout`),
    retryPolicy: retry === undefined ? undefined : Object.freeze(retryPolicy(retry, `${path}.retry`)),
    taskQueue: taskQueue === undefined ? undefined : nameAt(taskQueue, `${path}.taskQueue`),
    cancellationType,
  }
}

/** `options` of one call over the definition's own, checked. */
export function overriddenSettings(own: ActivitySettings, options: ActivityRunOptions, path: string): ActivitySettings {
  checkOptions(options, RUN_OPTIONS, path)
  const given = activitySettings({ startToClose: 1, ...options }, path)
  return {
    startToCloseTimeoutMs: options.startToClose === undefined ? own.startToCloseTimeoutMs : given.startToCloseTimeoutMs,
    scheduleToCloseTimeoutMs: given.scheduleToCloseTimeoutMs ?? own.scheduleToCloseTimeoutMs,
    scheduleToStartTimeoutMs: given.scheduleToStartTimeoutMs ?? own.scheduleToStartTimeoutMs,
    heartbeatTimeoutMs: given.heartbeatTimeoutMs ?? own.heartbeatTimeoutMs,
    retryPolicy: given.retryPolicy ?? own.retryPolicy,
    taskQueue: given.taskQueue ?? own.taskQueue,
    cancellationType: given.cancellationType ?? own.cancellationType,
  }
}

/** A name that a user gave, checked. */
export function nameAt(name: unknown, path: string): string {
  const result = idSchema.safeParse(name)
  if (!result.success) throw invalid(`${path}: ${result.error.issues[0]?.message ?? 'not a name'}`)
  return result.data
}

/** As commands and requests carry it. Throws LOOM_INVALID_ARGUMENT, naming what is wrong. */
export function retryPolicy(retry: RetryOptions, path: string): Partial<RetryPolicy> {
  checkOptions(retry, RETRY_OPTIONS, path)
  const { initialInterval, backoffCoefficient, maximumInterval, maximumAttempts, nonRetryableErrorTypes } = retry
  if (backoffCoefficient !== undefined && !(backoffCoefficient >= 1 && Number.isFinite(backoffCoefficient))) {
    throw invalid(`${path}.backoffCoefficient: not a number of at least 1: ${String(backoffCoefficient)}`)
  }
  if (maximumAttempts !== undefined && !(Number.isSafeInteger(maximumAttempts) && maximumAttempts >= 0)) {
    throw invalid(`${path}.maximumAttempts: not a whole number of at least 0: ${String(maximumAttempts)}`)
  }
  const initialIntervalMs = timeoutMs(initialInterval, `${path}.initialInterval`)
  const maximumIntervalMs = timeoutMs(maximumInterval, `${path}.maximumInterval`)
  const firstMs = initialIntervalMs ?? DEFAULT_RETRY_POLICY.initialIntervalMs
  if (maximumIntervalMs !== undefined && maximumIntervalMs < firstMs) {
    throw invalid(`${path}.maximumInterval: ${maximumIntervalMs} ms, shorter than the initialInterval of ${firstMs} ms`)
  }
  return {
    ...(initialIntervalMs !== undefined && { initialIntervalMs }),
    ...(backoffCoefficient !== undefined && { backoffCoefficient }),
    ...(maximumIntervalMs !== undefined && { maximumIntervalMs }),
    ...(maximumAttempts !== undefined && { maximumAttempts }),
    ...(nonRetryableErrorTypes !== undefined && {
      nonRetryableErrorTypes: namesAt(nonRetryableErrorTypes, `${path}.nonRetryableErrorTypes`),
    }),
  }
}

function namesAt(names: unknown, path: string): readonly string[] {
  if (!Array.isArray(names)) throw invalid(`${path}: not a list of names`)
  return names.map((name: unknown, at) => {
    if (typeof name !== 'function') return nameAt(name, `${path}[${at}]`)
    throw invalid(`${path}[${at}]: a class; give the name of its errors, '${name.name}'`)
  })
}

function timeoutMs(value: Duration | undefined, path: string): number | undefined {
  if (value === undefined) return undefined
  const ms = durationMs(value, path)
  // In a command 0 means that nothing was set.
  if (ms === 0) throw invalid(`${path}: must be longer than 0`)
  return ms
}
