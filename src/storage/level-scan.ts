/**
 * Reading many rows of a level store, in pages of about 1,000, each a turn of the event loop.
 *
 * Invariant: a scan sees the store as it was when it began, and keeps nothing of the rows that it passes over.
 */
import { u32 } from '../base/bytes.js'
import { decodeRow, encodeRow } from './codec.js'
import { CorruptError } from './errors.js'
import type { LevelReads } from './level-database.js'
import { hashOfRow, headBounds, headKey, keyOfRow, rowBounds, rowPrefix, shardOfHeadKey } from './level-keys.js'
import type { LevelShards } from './level-shards.js'
import { shardOfHash } from './hash-shard.js'
import {
  SPACES,
  shardSpace,
  type Head,
  type Key,
  type KeyBounds,
  type KeyRange,
  type Row,
  type RowRef,
  type ShardId,
} from './medium.js'

export type ShardRow = Row & { readonly shard: ShardId }

/** Up to here heads are read one by one, beyond it as ranges. */
const FEW_HEADS = 256
const SLAB_BYTES = 65_536

export function encodeHead(seq: number, bytes: Uint8Array): Uint8Array {
  return encodeRow([seq, bytes])
}

function decodeHead(value: Uint8Array, shard: ShardId): Head {
  const what = `head of shard ${shard}`
  const [seq, bytes] = decodeRow(value, what)
  if (typeof seq !== 'number' || !(bytes instanceof Uint8Array)) throw new CorruptError(`${what}: not one`)
  return { seq, bytes }
}

export interface Heads {
  /** Of shards that were ever written. */
  readonly heads: Map<ShardId, Head>
  readonly damaged: Map<ShardId, CorruptError>
}

export async function readHeads(db: LevelReads, shards: readonly ShardId[]): Promise<Heads> {
  const found: Heads = { heads: new Map(), damaged: new Map() }
  if (shards.length <= FEW_HEADS) {
    const values = await db.getMany(shards.map(headKey))
    for (const [i, value] of values.entries()) if (value !== undefined) keepHead(found, shards[i]!, value)
    return found
  }
  const sorted = Uint32Array.from(shards).sort()
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    while (to < sorted.length && shardSpace(sorted[to]!) === shardSpace(sorted[from]!)) to++
    await readRange(db, sorted.subarray(from, to), found)
  }
  return found
}

/** Of shards of one space, ascending. */
async function readRange(db: LevelReads, shards: Uint32Array, found: Heads): Promise<void> {
  const slab = new Slab()
  let at = 0
  for await (const page of db.pages(headBounds(shards[0]!, shards.at(-1)!))) {
    for (const [stored, value] of page) {
      const shard = shardOfHeadKey(stored)
      while (shards[at]! < shard) at++
      if (shards[at] === shard) keepHead(found, shard, value, slab)
    }
  }
}

function keepHead({ heads, damaged }: Heads, shard: ShardId, value: Uint8Array, slab?: Slab): void {
  try {
    const { seq, bytes } = decodeHead(value, shard)
    heads.set(shard, { seq, bytes: slab === undefined ? bytes : slab.keep(bytes) })
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    damaged.set(shard, error)
  }
}

/** Rows of one hash. Rows of other hashes between them are passed over. */
export async function scanRange(db: LevelReads, shard: ShardId, hash: number, range: KeyRange): Promise<Row[]> {
  const prefix = rowPrefix(shard)
  const rows: Row[] = []
  if (range.limit <= 0 || range.gte >= range.lt) return rows
  const { reverse = false, limit } = range
  // Not LevelDB's own limit: that would count what is passed over.
  for await (const page of db.pages({ ...rowBounds(prefix, range), reverse, pageEntries: limit })) {
    for (const [stored, value] of page) {
      const key = keyOfRow(stored, prefix.length)
      if (hashOfRow(stored) !== hash || !isWithin(key, range)) continue
      rows.push({ key, hash, value })
      if (rows.length === limit) return rows
    }
  }
  return rows
}

/** Where the rows stand that a clear takes away. */
export async function storedKeysOf(
  db: LevelReads,
  shard: ShardId,
  { hash, ...bounds }: KeyBounds & { readonly hash: number },
): Promise<string[]> {
  const prefix = rowPrefix(shard)
  const found: string[] = []
  for await (const page of db.pages({ ...rowBounds(prefix, bounds), keysOnly: true })) {
    for (const [stored] of page) {
      if (hashOfRow(stored) === hash && isWithin(keyOfRow(stored, prefix.length), bounds)) found.push(stored)
    }
  }
  return found
}

/** The store's key range is cut by key and hash, the asked one by key alone. */
function isWithin(key: Key, bounds: KeyBounds): boolean {
  return key >= bounds.gte && key < bounds.lt
}

export async function* scanShards(
  db: LevelReads,
  shards: LevelShards,
  wanted: readonly ShardId[] | 'claimed',
  bounds: KeyBounds,
): AsyncGenerator<ShardRow[], void, undefined> {
  const isClaimed = (shard: ShardId): boolean => shards.isClaimed(shard)
  if (wanted === 'claimed') {
    yield* historyRows(db, shards, bounds, isClaimed)
    for (const shard of [...shards.claimedElsewhere()]) yield* rowsBehind(db, rowPrefix(shard), bounds, () => shard)
    return
  }
  const inHistory = new Set(wanted.filter((shard) => shardSpace(shard) === SPACES.history))
  if (inHistory.size > 0) yield* historyRows(db, shards, bounds, (shard) => inHistory.has(shard))
  for (const shard of wanted) {
    if (shardSpace(shard) !== SPACES.history) yield* rowsBehind(db, rowPrefix(shard), bounds, () => shard)
  }
}

/** Of claimed history shards, in key order; behind `after`, when it is given. */
export function scanClaimed(
  db: LevelReads,
  shards: LevelShards,
  bounds: KeyBounds,
  after?: RowRef,
): AsyncGenerator<ShardRow[], void, undefined> {
  return historyRows(db, shards, bounds, (shard) => shards.isClaimed(shard), after)
}

function historyRows(
  db: LevelReads,
  { historyCount }: LevelShards,
  bounds: KeyBounds,
  isWanted: (shard: ShardId) => boolean,
  after?: RowRef,
): AsyncGenerator<ShardRow[], void, undefined> {
  const shardOf = (hash: number): ShardId | undefined => {
    const shard = shardOfHash(hash, historyCount)
    return isWanted(shard) ? shard : undefined
  }
  return rowsBehind(db, rowPrefix(0), bounds, shardOf, after)
}

/** `shardOf` gives nothing for a row that is not wanted. */
async function* rowsBehind(
  db: LevelReads,
  prefix: string,
  bounds: KeyBounds,
  shardOf: (hash: number) => ShardId | undefined,
  after?: RowRef,
): AsyncGenerator<ShardRow[], void, undefined> {
  const within = rowBounds(prefix, bounds)
  const gte = after === undefined ? within.gte : `${prefix}${after.key}${u32(after.hash)}\0`
  for await (const page of db.pages({ gte, lt: within.lt })) {
    const rows: ShardRow[] = []
    for (const [stored, value] of page) {
      const hash = hashOfRow(stored)
      const shard = shardOf(hash)
      if (shard === undefined) continue
      const key = keyOfRow(stored, prefix.length)
      if (isWithin(key, bounds)) rows.push({ shard, key, hash, value })
    }
    if (rows.length > 0) yield rows
  }
}

/** Copies of many small byte values: each that the binding gave is an allocation of its own, several times its size. */
class Slab {
  #bytes = Buffer.alloc(0)
  #at = 0

  keep(bytes: Uint8Array): Uint8Array {
    if (this.#at + bytes.length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#at = 0
    }
    const from = this.#at
    this.#bytes.set(bytes, from)
    this.#at += bytes.length
    return this.#bytes.subarray(from, this.#at)
  }
}
