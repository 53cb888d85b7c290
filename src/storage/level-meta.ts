/**
 * What a level store was made with, in one row, and whether it is what somebody wants to open.
 *
 * Invariant: a store of a newer format, of another hash or of another count of history shards is refused before anything
 * else of it is read. The first element of the row is the format in every format.
 */
import { assert } from '../base/assert.js'
import { LoomError } from '../base/errors.js'
import { decodeRow, encodeRow } from './codec.js'
import { CorruptError } from './errors.js'
import { SPACES, type SpaceName, type StoreShape } from './medium.js'

/** What is written. Raised when rows change in a way that an older release cannot read. */
const STORE_FORMAT = 1
const HASH_NAME = 'murmur3-x86-32/0'

export interface StoreMeta {
  readonly storeId: string
  /** Of the last claim. */
  readonly epoch: number
  /** Shard count of each space that was ever opened. */
  readonly spaces: ReadonlyMap<number, number>
}

export function encodeMeta(meta: StoreMeta): Uint8Array {
  return encodeRow([STORE_FORMAT, HASH_NAME, meta.storeId, meta.epoch, [...meta.spaces]])
}

/** `where` is the store, for the error. */
export function decodeMeta(bytes: Uint8Array, where: string): StoreMeta {
  const [format, hashName, storeId, epoch, spaces] = decodeRow(bytes, `${where}: row of the store`)
  if (typeof format === 'number' && format > STORE_FORMAT) {
    throw mismatch(where, `is of format ${format}, and this release reads up to ${STORE_FORMAT}`)
  }
  if (hashName !== HASH_NAME) throw mismatch(where, `places by ${String(hashName)}, and this release by ${HASH_NAME}`)
  if (typeof storeId !== 'string' || typeof epoch !== 'number' || !Array.isArray(spaces)) {
    throw new CorruptError(`${where}: row of the store: not one`)
  }
  return { storeId, epoch, spaces: new Map(spaces as [number, number][]) }
}

export function newMeta(storeId: string, shape: StoreShape): StoreMeta {
  return { storeId, epoch: 0, spaces: countsOf(shape) }
}

/** The store's meta with the spaces that `shape` has more of; history never grows. */
export function fitMeta(meta: StoreMeta, shape: StoreShape, where: string): StoreMeta {
  const asked = countsOf(shape)
  const [has, wants] = [meta.spaces.get(SPACES.history), asked.get(SPACES.history)]
  if (has !== wants) {
    throw mismatch(where, `was made with ${has ?? 'no'} history shards, and cannot be opened with ${wants ?? 'none'}`)
  }
  const spaces = new Map(meta.spaces)
  for (const [space, count] of asked) spaces.set(space, Math.max(count, spaces.get(space) ?? 0))
  return { ...meta, spaces }
}

function countsOf(shape: StoreShape): Map<number, number> {
  const counts = new Map<number, number>()
  for (const [name, count] of Object.entries(shape.spaces)) {
    assert(Number.isSafeInteger(count) && count > 0, `a count of shards: ${name}: ${count}`)
    counts.set(SPACES[name as SpaceName], count)
  }
  return counts
}

function mismatch(where: string, what: string): LoomError {
  return new LoomError('LOOM_STORE_MISMATCH', `${where} ${what}`)
}
