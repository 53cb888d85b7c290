/**
 * The ring: which history shard an execution belongs to. Pure, and the same forever for one count.
 *
 * The hash is murmur3 x86 32-bit, seed 0, over the UTF-8 of namespace id, NUL, workflow id. A namespace id is a UUID and
 * holds no NUL, so the first NUL is the separator and no two pairs share their bytes. The shard is an interval of the hash
 * space, floor(hash · count / 2³²): when the count is multiplied by k, shard s becomes s·k … s·k + k − 1.
 */
import { hash32 } from '../base/hash.js'
import { LoomError } from '../base/errors.js'
import { isUuid } from '../base/uuid.js'
import { idSchema } from '../protocol/ids.js'
import { shardOfHash } from '../storage/hash-shard.js'

const MIN_SHARD_COUNT = 1
export const MAX_SHARD_COUNT = 131_072

/** The 32-bit hash that an execution's shard follows from, whatever the count. */
export function ringHash(namespaceId: string, workflowId: string): number {
  return hash32(Buffer.from(`${namespaceId}\0${workflowId}`, 'utf8'))
}

/**
 * The shard of an execution, from 0 up to `count` − 1; all runs of a workflow id live in one.
 * `namespaceId` is the UUID, not the name. Throws LOOM_INVALID_ARGUMENT unless that and the workflow id are such, and `count`
 * is a whole number from 1 to 131,072.
 */
export function shardOf(namespaceId: string, workflowId: string, count: number): number {
  checkShardCount(count)
  if (typeof namespaceId !== 'string' || !isUuid(namespaceId)) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `namespaceId: not a UUID: ${String(namespaceId).slice(0, 60)}`)
  }
  const { success, error } = idSchema.safeParse(workflowId)
  if (!success) throw new LoomError('LOOM_INVALID_ARGUMENT', `workflowId: ${error.issues[0]!.message}`)
  return shardOfHash(ringHash(namespaceId, workflowId), count)
}

export function checkShardCount(count: number): void {
  if (Number.isInteger(count) && count >= MIN_SHARD_COUNT && count <= MAX_SHARD_COUNT) return
  throw new LoomError(
    'LOOM_INVALID_ARGUMENT',
    `shardCount: a whole number from ${MIN_SHARD_COUNT} to ${MAX_SHARD_COUNT}, not ${String(count)}`,
  )
}
