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
  /** What the attempt before failed with. */
  readonly lastFailure?: FailureError | undefined
}
