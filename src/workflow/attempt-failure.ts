/** What an attempt of an activity fails with. */
import { toUSVString } from 'node:util'
import type { Failure } from '../protocol/failure.js'

const MAX_NAME = 1000

/** `failure` is that of the thrown `error`. Attempts fail with an application failure: any other becomes the cause of one. */
export function attemptFailure(error: unknown, failure: Failure): Failure {
  if (failure.type === 'application') return failure
  const { name } = error as Error
  const applicationType = typeof name === 'string' && name.length <= MAX_NAME ? toUSVString(name) : failure.type
  const { message, encodedAttributes } = failure
  return {
    type: 'application',
    message,
    ...(encodedAttributes && { encodedAttributes }),
    applicationType,
    cause: failure,
  }
}
