/** What is known of an error once it was asked for its code or kind. Not run: tsc checks it. */
import { isLoomError } from '../../src/base/errors.js'
import { isFailure } from '../../src/workflow/failures.js'

export function told(error: unknown): unknown {
  if (isLoomError(error, 'LOOM_ALREADY_EXISTS')) return error.runId satisfies string
  if (isLoomError(error, 'LOOM_CLOSED')) {
    // @ts-expect-error it has none
    return error.runId
  }
  if (isFailure(error, 'activity')) return error.activityType satisfies string
  if (isFailure(error) && error.kind === 'timeout') return error.timeoutType satisfies string
  if (isFailure(error)) {
    // @ts-expect-error not all have it
    return error.details
  }
  return isLoomError(error) ? error.retryable : undefined
}
