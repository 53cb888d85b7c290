/** Retry policies of activities and workflows: filled in as Temporal does, checked, and asked for the next wait. */
import { MAX_DURATION_MS } from '../base/duration.js'
import type { Failure } from '../protocol/failure.js'
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../protocol/retry-policy.js'

/** Of the default. */
const INTERVALS_IN_MAXIMUM = 100

/** 0 or nothing asks for the default. */
export function filledPolicy(asked: Partial<RetryPolicy>): RetryPolicy {
  const initialIntervalMs = asked.initialIntervalMs || DEFAULT_RETRY_POLICY.initialIntervalMs
  return {
    initialIntervalMs,
    backoffCoefficient: asked.backoffCoefficient || DEFAULT_RETRY_POLICY.backoffCoefficient,
    maximumIntervalMs: Math.min(asked.maximumIntervalMs || initialIntervalMs * INTERVALS_IN_MAXIMUM, MAX_DURATION_MS),
    // Not a number is no limit, either.
    maximumAttempts: asked.maximumAttempts || DEFAULT_RETRY_POLICY.maximumAttempts,
    nonRetryableErrorTypes: asked.nonRetryableErrorTypes ?? DEFAULT_RETRY_POLICY.nonRetryableErrorTypes,
  }
}

/** What is wrong with a policy, in Temporal's words; undefined: nothing. */
export function policyProblem(policy: RetryPolicy): string | undefined {
  const { initialIntervalMs, backoffCoefficient, maximumIntervalMs, maximumAttempts } = policy
  if (initialIntervalMs < 0) return 'invalid InitialInterval set on retry policy: negative duration'
  if (initialIntervalMs > MAX_DURATION_MS)
    return `invalid InitialInterval set on retry policy: over ${MAX_DURATION_MS} ms`
  if (backoffCoefficient < 1) return 'BackoffCoefficient cannot be less than 1 on retry policy'
  if (maximumIntervalMs < 0) return 'invalid MaximumInterval set on retry policy: negative duration'
  if (maximumIntervalMs < initialIntervalMs)
    return 'MaximumInterval cannot be less than InitialInterval on retry policy'
  if (maximumAttempts < 0) return 'MaximumAttempts cannot be negative on retry policy'
  return undefined
}

export function isRetryable(failure: Failure | undefined, { nonRetryableErrorTypes }: RetryPolicy): boolean {
  if (failure?.type !== 'application') return true
  if (failure.nonRetryable) return false
  return failure.applicationType === undefined || !nonRetryableErrorTypes.includes(failure.applicationType)
}

/** The wait after that attempt, by the policy alone. */
export function policyIntervalMs(policy: RetryPolicy, attempt: number): number {
  const { initialIntervalMs, backoffCoefficient, maximumIntervalMs } = policy
  return Math.ceil(Math.min(initialIntervalMs * backoffCoefficient ** (attempt - 1), maximumIntervalMs))
}

/** The wait that a failure asks for; undefined: none, or nonsense. */
export function askedIntervalMs(failure: Failure | undefined): number | undefined {
  const askedMs = failure?.type === 'application' ? failure.nextRetryDelayMs : undefined
  // User code may ask for nonsense; then the policy holds.
  return askedMs !== undefined && askedMs >= 0 && askedMs <= MAX_DURATION_MS ? Math.ceil(askedMs) : undefined
}
