/**
 * Failures of user code as errors: what activities throw and workflow code catches.
 *
 * Invariant: `errorOf(failureOf(error))` keeps kind, message, details and the whole chain of causes, so code sees
 * the same error live and after replay. They are told apart by a symbol, which works across copies of this package.
 */
import { durationMs, type Duration } from '../base/duration.js'
import { LoomError } from '../base/errors.js'
import { checkOptions, invalid } from './options.js'
import type { RetryState, TimeoutType } from '../protocol/failure.js'

const FAILURE: unique symbol = Symbol.for('shardloom.failure')

/** The kinds of failures, as they are recorded in history. */
export type FailureKind = 'application' | 'activity' | 'timeout' | 'canceled' | 'terminated'

/** Any of the failures below. One that leaves a workflow function fails the execution. */
export abstract class FailureError extends Error {
  /** Which kind it is; `isFailure` looks at it. */
  get [FAILURE](): FailureKind {
    return this.kind
  }
  abstract readonly kind: FailureKind
}

/** What an ApplicationFailure may say beside its message. */
export interface ApplicationFailureOptions {
  /** What a retry policy's `nonRetryableErrorTypes` is compared with. */
  readonly type?: string | undefined
  /** Anything that JSON carries. */
  readonly details?: readonly unknown[] | undefined
  /** Never try the activity again. Default false. */
  readonly nonRetryable?: boolean | undefined
  /** Overrides the retry policy's interval once. ms or a text such as '10 s'. */
  readonly nextRetryDelay?: Duration | undefined
  /** What led to it. */
  readonly cause?: unknown
}

/** A failure that user code means: throw it in an activity or a workflow. Any other error of an activity becomes one. */
export class ApplicationFailure extends FailureError {
  override readonly name: string = 'ApplicationFailure'
  readonly kind: 'application' = 'application'
  readonly type: string | undefined
  readonly details: readonly unknown[]
  readonly nonRetryable: boolean
  /** ms. */
  readonly nextRetryDelayMs: number | undefined

  constructor(message: string, options: ApplicationFailureOptions = {}) {
    super(message, causeOf(checked(options).cause))
    this.type = options.type
    this.details = options.details ?? []
    this.nonRetryable = options.nonRetryable ?? false
    const { nextRetryDelay } = options
    this.nextRetryDelayMs = nextRetryDelay === undefined ? undefined : durationMs(nextRetryDelay, 'nextRetryDelay')
  }

  /** One that no policy tries again. */
  static nonRetryable(message: string, options: ApplicationFailureOptions = {}): ApplicationFailure {
    return new ApplicationFailure(message, { ...options, nonRetryable: true })
  }
}

/** Throw it in an activity: try again not before that instant, or after that time. */
export class RetryAfter extends ApplicationFailure {
  override readonly name: string = 'RetryAfter'
  /** ms since the epoch; undefined when a duration was given. */
  readonly retryAtMs: number | undefined

  constructor(when: Date | Duration, message = 'to be tried again later', options: ApplicationFailureOptions = {}) {
    const type = options.type ?? 'RetryAfter'
    super(message, when instanceof Date ? { ...options, type } : { ...options, type, nextRetryDelay: when })
    this.retryAtMs = when instanceof Date ? when.getTime() : undefined
    if (Number.isNaN(this.retryAtMs)) throw new LoomError('LOOM_INVALID_ARGUMENT', 'RetryAfter: not an instant')
  }
}

/** What could not be undone, and why it had to be. */
export interface CompensationFailureDetails {
  readonly failures: readonly unknown[]
  /** Anything that JSON carries. */
  readonly details: readonly unknown[]
  /** Why the saga was undone. */
  readonly cause: unknown
}

/**
 * Some compensations of a `ctx.saga` have failed, so not all is undone. No retry policy runs the workflow again after it.
 * `cause` is what the saga itself failed with, `details` are the messages of the compensations that failed. Outside of the
 * workflow's code it is an ApplicationFailure of the type 'CompensationFailure'.
 */
export class CompensationFailure extends ApplicationFailure {
  override readonly name: string = 'CompensationFailure'
  /** What the compensations threw, in the order in which they did. */
  readonly failures: readonly unknown[]

  constructor(message: string, { failures, details, cause }: CompensationFailureDetails) {
    super(message, { type: 'CompensationFailure', nonRetryable: true, details, cause })
    this.failures = failures
  }
}

/** What is known of the activity that failed. */
export interface ActivityFailureDetails {
  readonly activityId: string
  readonly activityType: string
  /** Why it was not tried again. */
  readonly retryState: RetryState
  readonly scheduledEventId: number
  readonly startedEventId: number
  readonly cause?: unknown
}

/** An activity has failed for good; `cause` is what its last attempt failed with. */
export class ActivityFailure extends FailureError {
  override readonly name: string = 'ActivityFailure'
  readonly kind: 'activity' = 'activity'
  readonly activityId: string
  readonly activityType: string
  readonly retryState: RetryState
  readonly scheduledEventId: number
  readonly startedEventId: number

  constructor(message: string, info: ActivityFailureDetails) {
    super(message, causeOf(info.cause))
    this.activityId = info.activityId
    this.activityType = info.activityType
    this.retryState = info.retryState
    this.scheduledEventId = info.scheduledEventId
    this.startedEventId = info.startedEventId
  }
}

/** A time-out of the given type was reached. */
export class TimeoutFailure extends FailureError {
  override readonly name: string = 'TimeoutFailure'
  readonly kind: 'timeout' = 'timeout'
  readonly timeoutType: TimeoutType
  /** What the last heartbeat said. */
  readonly lastHeartbeatDetails: readonly unknown[]

  constructor(message: string, timeoutType: TimeoutType, details: readonly unknown[] = [], cause?: unknown) {
    super(message, causeOf(cause))
    this.timeoutType = timeoutType
    this.lastHeartbeatDetails = details
  }
}

/** What a cancelled wait rejects with. */
export class CancelledFailure extends FailureError {
  override readonly name: string = 'CancelledFailure'
  readonly kind: 'canceled' = 'canceled'
  readonly details: readonly unknown[]

  constructor(message = 'cancelled', details: readonly unknown[] = [], cause?: unknown) {
    super(message, causeOf(cause))
    this.details = details
  }
}

/** Somebody terminated the execution. */
export class TerminatedFailure extends FailureError {
  override readonly name: string = 'TerminatedFailure'
  readonly kind: 'terminated' = 'terminated'

  constructor(message = 'terminated', cause?: unknown) {
    super(message, causeOf(cause))
  }
}

/** Any of the failures above, told apart by `kind`. */
export type AnyFailure = ApplicationFailure | ActivityFailure | TimeoutFailure | CancelledFailure | TerminatedFailure

/**
 * Is it one of the failures above, of that `kind` if one is given? Works across realms and copies of this package, where
 * `instanceof` does not.
 */
export function isFailure<K extends FailureKind>(error: unknown, kind: K): error is Extract<AnyFailure, { kind: K }>
/** Of any kind. */
export function isFailure(error: unknown): error is AnyFailure
export function isFailure(error: unknown, kind?: FailureKind): boolean {
  if (typeof error !== 'object' || error === null) return false
  let its: unknown
  try {
    its = (error as { [FAILURE]?: unknown })[FAILURE]
  } catch {
    return false
  }
  return kind === undefined ? typeof its === 'string' : its === kind
}

const OPTIONS = new Set(['type', 'details', 'nonRetryable', 'nextRetryDelay', 'cause'])

function checked(options: ApplicationFailureOptions): ApplicationFailureOptions {
  checkOptions(options, OPTIONS, 'ApplicationFailure')
  const { type, details, nonRetryable } = options
  if (type !== undefined && typeof type !== 'string') throw invalid('ApplicationFailure: type: not a text')
  if (details !== undefined && !Array.isArray(details)) throw invalid('ApplicationFailure: details: not a list')
  if (nonRetryable !== undefined && typeof nonRetryable !== 'boolean') {
    throw invalid('ApplicationFailure: nonRetryable: neither true nor false')
  }
  return options
}

function causeOf(cause: unknown): ErrorOptions | undefined {
  return cause === undefined ? undefined : { cause }
}
