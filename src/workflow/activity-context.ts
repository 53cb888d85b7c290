/** What an attempt of an activity is given beside its input. */
import type { Logger } from '../base/log.js'
import type { FailureError } from './failures.js'

/** Facts of an attempt. */
export interface ActivityInfo {
  readonly workflowId: string
  readonly runId: string
  readonly workflowType: string
  readonly activityId: string
  readonly activityType: string
  /** ms since the epoch. */
  readonly scheduledAtMs: number
  /** ms since the epoch. */
  readonly startedAtMs: number
  /** ms; 0: no limit. */
  readonly startToCloseTimeoutMs: number
  /** ms; 0: no limit. */
  readonly scheduleToCloseTimeoutMs: number
  /** ms; 0: it need not say that it is alive. */
  readonly heartbeatTimeoutMs: number
}

/** The second argument of an activity's function, and the argument of a step's. */
export interface ActivityContext {
  /** Aborted when nobody waits for this attempt any more: timed out, cancelled, or its loom closes. */
  readonly signal: AbortSignal
  /** From 1. */
  readonly attempt: number
  /** `runId/activityId`: the same for all attempts, and for nothing else. */
  readonly idempotencyKey: string
  readonly info: ActivityInfo
  readonly log: Logger
  /**
   * Says that the attempt is alive, and how far it has come: `details`, which the next attempt finds in `heartbeatDetails`,
   * are what JSON carries. Say it as often as you like: history is told at most once in 0.8 of the heartbeat time-out, with
   * what was said last. Throws LOOM_INVALID_ARGUMENT for details that cannot be sent; after the attempt's end it does nothing.
   */
  readonly heartbeat: (details?: unknown) => void
  /** What the last heartbeat of the attempts before this one said. Undefined when there was none. */
  readonly heartbeatDetails?: unknown
  /** What the attempt before failed with. */
  readonly lastFailure?: FailureError | undefined
}
