/**
 * Operating errors: what can go wrong in a correct program, told apart by what the caller does next.
 *
 * One class for each reaction, not for each place that throws. `code` is the stable name, the same in
 * logs, in docs/errors.md and across two copies of this package; `instanceof` is not.
 */

import { types } from 'node:util'

/** Every code, and whether the same request may simply be sent again. docs/errors.md is checked against it. */
export const ERROR_CODES = {
  LOOM_INVALID_ARGUMENT: { retryable: false },
  LOOM_BAD_COMMAND: { retryable: false },
  LOOM_NON_DETERMINISM: { retryable: false },
  LOOM_CODEC_FAILED: { retryable: true },
  LOOM_NOT_FOUND: { retryable: false },
  LOOM_ALREADY_EXISTS: { retryable: false },
  LOOM_EXECUTION_CLOSED: { retryable: false },
  LOOM_STALLED: { retryable: true },
  LOOM_SHARD_FENCED: { retryable: true },
  LOOM_OUTCOME_UNKNOWN: { retryable: true },
  LOOM_UNAVAILABLE: { retryable: true },
  LOOM_EXHAUSTED: { retryable: true },
  LOOM_LIMIT_EXCEEDED: { retryable: false },
  LOOM_DEADLINE: { retryable: false },
  LOOM_ABORTED: { retryable: false },
  LOOM_CLOSED: { retryable: false },
  LOOM_NOT_SUPPORTED: { retryable: false },
  LOOM_MEDIUM_BUSY: { retryable: true },
  LOOM_STORE_MISMATCH: { retryable: false },
  LOOM_CORRUPT: { retryable: false },
} as const

/** A stable name of an operating error; docs/errors.md says what each means and what to do. */
export type ErrorCode = keyof typeof ERROR_CODES

/** Anything that can go wrong in a correct program; told apart by `code`, never by class. */
export class LoomError extends Error {
  override readonly name: string = 'LoomError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** May the same request simply be sent again? */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}

/** What errors of a code say besides. */
export type LoomErrorOf<C extends ErrorCode> = LoomError & {
  readonly code: C
} & (C extends 'LOOM_ALREADY_EXISTS' ? { readonly runId: string } : unknown)

/** Of that code? Works across realms and across two copies of this package, where `instanceof` does not. */
export function isLoomError<C extends ErrorCode>(error: unknown, code: C): error is LoomErrorOf<C>
/** Of any code. */
export function isLoomError(error: unknown): error is LoomError
export function isLoomError(error: unknown, code?: ErrorCode): boolean {
  if (!(types.isNativeError(error) || error instanceof Error)) return false
  const its = (error as { code?: unknown }).code
  return code === undefined ? typeof its === 'string' && Object.hasOwn(ERROR_CODES, its) : its === code
}
