/** How a medium fails, beside the outcomes of a commit. */
import { LoomError } from '../base/errors.js'

/** Disk full, I/O error: close, drop every shard, reopen with back-off; never go on. Commits in flight may or may not be durable. */
export class MediumBrokenError extends LoomError {
  override readonly name = 'MediumBrokenError'

  constructor(message: string, options?: ErrorOptions) {
    super('LOOM_UNAVAILABLE', message, options)
  }
}

/** Bytes that are not what was written: a failed CRC, a hole in a sequence. The shard stops; nothing is repaired silently. */
export class CorruptError extends LoomError {
  override readonly name = 'CorruptError'

  constructor(message: string, options?: ErrorOptions) {
    super('LOOM_CORRUPT', message, options)
  }
}
