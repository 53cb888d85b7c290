/**
 * Where level keeps things: one key space, cut into regions by its first character.
 *
 *     M                                  the store: format, id, shape, epoch
 *     F  flush number u48                one row a flush, for as long as its log may be replayed
 *     H  shard u32                       head
 *     I  shard u32  order u48  id        inbox message
 *     R  key  hash u32                   row of a history shard: the shard follows from the hash
 *     S  shard u32  key  hash u32        row of any other shard
 *
 * Invariant: within a region two different rows have different keys. The hash stands behind the key, since LevelDB is
 * fastest when keys ascend; so keys sort as the contract has it as long as none is the beginning of another.
 *
 * Keys are latin1 strings, which the binding stores as UTF-8: the order stays, bytes from 0x80 on take two.
 */
import { afterPrefix, readTextKey, readU32, readU48, textKey, u32, u48 } from '../base/bytes.js'
import { MAX_KEY_BYTES, MAX_SHARDS_PER_SPACE, type Key, type ShardId } from './medium.js'

export interface Bounds {
  readonly gte: string
  readonly lt: string
}

const FLUSH = 'F'
const HEAD = 'H'
const INBOX = 'I'
const HISTORY_ROW = 'R'
const SPACE_ROW = 'S'
const SUFFIX_CHARS = 4

/** Of a row of any shard: region, shard, key, hash, each character two bytes of UTF-8 at worst. */
export const MAX_STORED_KEY_BYTES = 2 * (1 + 4 + MAX_KEY_BYTES + SUFFIX_CHARS)

export const META_KEY = 'M'

export function flushKey(seq: number): string {
  return FLUSH + u48(seq)
}

export const FLUSH_BOUNDS: Bounds = boundsOf(FLUSH)

export function headKey(shard: ShardId): string {
  return HEAD + u32(shard)
}

export function shardOfHeadKey(stored: string): ShardId {
  return readU32(stored, 1)
}

/** Both ends included. */
export function headBounds(first: ShardId, last: ShardId): Bounds {
  return { gte: headKey(first), lt: afterPrefix(headKey(last)) }
}

/** What a commit names as consumed: `order` is that of the posts to the whole store. */
export function messageKey(order: number, id: string): Key {
  return u48(order) + textKey(id)
}

export function orderOfMessage(key: Key): number {
  return readU48(key, 0)
}

export function idOfMessage(key: Key): string {
  return readTextKey(key.slice(6))
}

export function inboxKey(shard: ShardId, message: Key): string {
  return INBOX + u32(shard) + message
}

export const INBOX_BOUNDS: Bounds = boundsOf(INBOX)

export function inboxBounds(shard: ShardId): Bounds {
  return boundsOf(INBOX + u32(shard))
}

export function shardOfInboxKey(stored: string): ShardId {
  return readU32(stored, 1)
}

export function messageOfInboxKey(stored: string): Key {
  return stored.slice(5)
}

/** What stands before the key of every row of that shard; the hash follows it. */
export function rowPrefix(shard: ShardId): string {
  return shard < MAX_SHARDS_PER_SPACE ? HISTORY_ROW : SPACE_ROW + u32(shard)
}

export function keyOfRow(stored: string, prefixChars: number): Key {
  return stored.slice(prefixChars, -SUFFIX_CHARS)
}

export function hashOfRow(stored: string): number {
  return readU32(stored, stored.length - SUFFIX_CHARS)
}

/** Every row behind `prefix` whose key is within `bounds`, and perhaps some whose key is the beginning of `bounds.gte`. */
export function rowBounds(prefix: string, bounds: Bounds): Bounds {
  return { gte: prefix + bounds.gte, lt: prefix + bounds.lt }
}

function boundsOf(prefix: string): Bounds {
  return { gte: prefix, lt: afterPrefix(prefix) }
}
