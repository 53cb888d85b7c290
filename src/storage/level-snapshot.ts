/** A level store as it was at one instant. */
import { u32 } from '../base/bytes.js'
import type { LevelReads } from './level-database.js'
import { rowPrefix } from './level-keys.js'
import { readHeads, scanClaimed, scanRange, scanShards, type Heads, type ShardRow } from './level-scan.js'
import type { LevelShards } from './level-shards.js'
import type { KeyBounds, KeyRange, MediumSnapshot, Row, RowRef, ShardId } from './medium.js'

export class LevelSnapshot implements MediumSnapshot {
  readonly #db: LevelReads & { close(): Promise<void> }
  readonly #shards: LevelShards

  constructor(db: LevelReads & { close(): Promise<void> }, shards: LevelShards) {
    this.#db = db
    this.#shards = shards
  }

  heads(shards: readonly ShardId[]): Promise<Heads> {
    return readHeads(this.#db, shards)
  }

  getMany(shard: ShardId, rows: readonly RowRef[]): Promise<(Uint8Array | undefined)[]> {
    const prefix = rowPrefix(shard)
    return this.#db.getMany(rows.map(({ key, hash }) => prefix + key + u32(hash)))
  }

  scan(shard: ShardId, hash: number, range: KeyRange): Promise<Row[]> {
    return scanRange(this.#db, shard, hash, range)
  }

  scanAll(shards: readonly ShardId[] | 'claimed', range: KeyBounds): AsyncGenerator<ShardRow[], void, undefined> {
    return scanShards(this.#db, this.#shards, shards, range)
  }

  scanKeyed(range: KeyBounds, after?: RowRef): AsyncGenerator<ShardRow[], void, undefined> {
    return scanClaimed(this.#db, this.#shards, range, after)
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}
