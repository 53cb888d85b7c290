/** Request ids: unique for ever without a random draw a call, since each source has a prefix of its own. */
import type { Random } from '../base/random.js'

const PREFIX_BYTES = 12

export function requestIdSource(random: Random): () => string {
  const bytes = Buffer.alloc(PREFIX_BYTES)
  random.fill(bytes)
  const prefix = `${bytes.toString('base64url')}-`
  let count = 0
  return () => prefix + (++count).toString(36)
}
