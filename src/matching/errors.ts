/** How matching refuses. */
import { LoomError } from '../base/errors.js'

/** Too many polls wait at one task queue: poll again later. */
export class MatchingExhaustedError extends LoomError {
  override readonly name = 'MatchingExhaustedError'

  constructor(taskQueue: string, limit: number) {
    super('LOOM_EXHAUSTED', `task queue ${taskQueue}: ${limit} polls are waiting already`)
  }
}
