/** What an attempt of an activity fails with. */
import { toUSVString } from 'node:util'
import type { Failure } from '../protocol/failure.js'
import { failureOf } from './failure-codec.js'

const MAX_NAME = 1000

/** The failure of what was thrown. Attempts fail with an application failure: any other becomes the cause of one. */
export function attemptFailure(error: unknown, nowMs: number, maxBytes: number): Failure {
  const failure = failureOf(error, nowMs, maxBytes)
  if (failure.type === 'application') return failure
  const { name } = error as Error
  const applicationType = typeof name === 'string' && name.length <= MAX_NAME ? toUSVString(name) : failure.type
  return { type: 'application', message: failure.message, applicationType, cause: failure }
}
