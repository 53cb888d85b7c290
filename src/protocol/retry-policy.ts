/** When a failed activity is tried again. Defaults are Temporal's. */

export interface RetryPolicy {
  /** ms before the second attempt. Default 1,000. */
  readonly initialIntervalMs: number
  /** Default 2; at least 1. */
  readonly backoffCoefficient: number
  /** ms. Default 100 initial intervals. */
  readonly maximumIntervalMs: number
  /** 0: no limit (the default). 1: never tried again. */
  readonly maximumAttempts: number
  /** Application failure types that are not tried again. */
  readonly nonRetryableErrorTypes: readonly string[]
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = Object.freeze({
  initialIntervalMs: 1000,
  backoffCoefficient: 2,
  maximumIntervalMs: 100_000,
  maximumAttempts: 0,
  nonRetryableErrorTypes: Object.freeze([]),
})
