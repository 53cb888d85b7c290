/** How a shard fails its callers. */
import { LoomError } from '../base/errors.js'

/** Another owner has claimed the shard; nothing of what was staged is written. The call may be sent again, to the new owner. */
export class ShardFencedError extends LoomError {
  override readonly name = 'ShardFencedError'

  constructor(shard: number) {
    super('LOOM_SHARD_FENCED', `shard ${shard} has another owner`)
  }
}

/** What was staged may or may not be durable: the caller reads before it writes again. */
export class OutcomeUnknownError extends LoomError {
  override readonly name = 'OutcomeUnknownError'

  constructor(shard: number, options?: ErrorOptions) {
    super(
      'LOOM_OUTCOME_UNKNOWN',
      `the outcome of a commit of shard ${shard} is not known: it may or may not be durable`,
      options,
    )
  }
}
