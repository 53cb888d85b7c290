/** Which history shard a hash belongs to; shard/ring.ts makes the hash. */
import type { ShardId } from './medium.js'

/** The hash space is cut into `shardCount` intervals. */
export function shardOfHash(hash: number, shardCount: number): ShardId {
  return Math.floor((hash * shardCount) / 2 ** 32)
}
