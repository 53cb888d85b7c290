/**
 * Messages to shards that nobody has consumed yet.
 *
 * Invariant: at most one unread message for each (shard, id). Their ids are in memory, so that a post reads nothing; the
 * messages are not.
 */
import { decodeRow, encodeRow } from './codec.js'
import { CorruptError } from './errors.js'
import type { LevelBatch, LevelDatabase } from './level-database.js'
import {
  INBOX_BOUNDS,
  idOfMessage,
  inboxBounds,
  inboxKey,
  messageKey,
  messageOfInboxKey,
  orderOfMessage,
  shardOfInboxKey,
} from './level-keys.js'
import type { Key, Post, ShardId } from './medium.js'

export class LevelInbox {
  /** Ids of unread messages of each shard that has any. */
  readonly #unread = new Map<ShardId, Set<string>>()
  /** Order of the next message. Only ascends while the store is open, so that no two share it. */
  #next = 1

  async open(db: LevelDatabase): Promise<void> {
    for await (const page of db.pages({ ...INBOX_BOUNDS, keysOnly: true })) {
      for (const [stored] of page) {
        const message = messageOfInboxKey(stored)
        this.#idsOf(shardOfInboxKey(stored)).add(idOfMessage(message))
        this.#next = Math.max(this.#next, orderOfMessage(message) + 1)
      }
    }
  }

  /** False: it is there already. */
  stagePost(batch: LevelBatch, { shard, id, bytes }: Post): boolean {
    const ids = this.#idsOf(shard)
    if (ids.has(id)) return false
    ids.add(id)
    batch.put(inboxKey(shard, messageKey(this.#next++, id)), encodeRow([bytes]))
    return true
  }

  stageConsumed(batch: LevelBatch, shard: ShardId, messages: readonly Key[]): void {
    for (const message of messages) batch.del(inboxKey(shard, message))
  }

  /** Those messages are gone for good: the same ids may be posted again. */
  consumed(shard: ShardId, messages: readonly Key[]): void {
    const ids = this.#unread.get(shard)
    if (ids === undefined) return
    for (const message of messages) ids.delete(idOfMessage(message))
    if (ids.size === 0) this.#unread.delete(shard)
  }

  async read(db: LevelDatabase, shard: ShardId, limit: number): Promise<(readonly [Key, Post])[]> {
    const messages: (readonly [Key, Post])[] = []
    if (limit <= 0) return messages
    for await (const page of db.pages({ ...inboxBounds(shard), limit })) {
      for (const [stored, value] of page) {
        const message = messageOfInboxKey(stored)
        const id = idOfMessage(message)
        const [bytes] = decodeRow(value, `message ${id} to shard ${shard}`)
        if (!(bytes instanceof Uint8Array)) throw new CorruptError(`message ${id} to shard ${shard}: no bytes`)
        messages.push([message, { shard, id, bytes }])
      }
    }
    return messages
  }

  #idsOf(shard: ShardId): Set<string> {
    let ids = this.#unread.get(shard)
    if (ids === undefined) this.#unread.set(shard, (ids = new Set()))
    return ids
  }
}
