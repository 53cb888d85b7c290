/** A memory store as it was at one instant: a copy of where the rows are, which are never changed in place. */
import type { Claimed, Head, Key, KeyBounds, KeyRange, MediumSnapshot, Row, RowRef, ShardId } from './medium.js'
import { FIRST_KEYED_KIND, MAX_SHARDS_PER_SPACE } from './medium.js'
import type { MemoryShard } from './memory-shard.js'

type ShardRow = Row & { readonly shard: ShardId }

interface CopiedShard {
  readonly head: Head | undefined
  /** In key order. */
  readonly rows: readonly Row[]
}

const PAGE_ROWS = 1000
const ALL_KEYS = { gte: '\0', lt: '\u0100' }

export class MemorySnapshot implements MediumSnapshot {
  readonly #shards = new Map<ShardId, CopiedShard>()

  constructor(shards: Iterable<readonly [ShardId, MemoryShard]>) {
    for (const [id, shard] of shards) this.#shards.set(id, { head: shard.head, rows: shard.rowsInAnyOrder(ALL_KEYS) })
  }

  async heads(shards: readonly ShardId[]): Promise<Pick<Claimed, 'heads' | 'damaged'>> {
    const heads = new Map<ShardId, Head>()
    for (const id of shards) {
      const head = this.#shards.get(id)?.head
      if (head !== undefined) heads.set(id, head)
    }
    return { heads }
  }

  async getMany(shard: ShardId, rows: readonly RowRef[]): Promise<readonly (Uint8Array | undefined)[]> {
    return rows.map(({ key, hash }) => {
      const row = this.#rowsOf(shard).at(this.#placeOf(shard, key))
      return row?.key === key && row.hash === hash ? row.value : undefined
    })
  }

  async scan(shard: ShardId, hash: number, { reverse = false, limit, ...bounds }: KeyRange): Promise<readonly Row[]> {
    const rows = this.#within(shard, bounds).filter((row) => row.hash === hash)
    return (reverse ? rows.reverse() : rows).slice(0, Math.max(0, limit))
  }

  async *scanAll(
    shards: readonly ShardId[] | 'claimed',
    range: KeyBounds,
  ): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]> {
    for (const shard of shards === 'claimed' ? this.#shards.keys() : shards)
      yield* pagesOf(this.#within(shard, range).map((row) => ({ ...row, shard })))
  }

  async *scanKeyed(range: KeyBounds, after?: RowRef): AsyncIterable<readonly ShardRow[]> {
    const found: ShardRow[] = []
    const gte = range.gte < String.fromCharCode(FIRST_KEYED_KIND) ? String.fromCharCode(FIRST_KEYED_KIND) : range.gte
    for (const shard of this.#shards.keys())
      if (shard < MAX_SHARDS_PER_SPACE)
        for (const row of this.#within(shard, { ...range, gte })) found.push({ ...row, shard })
    found.sort(compare)
    yield* pagesOf(after === undefined ? found : found.filter((row) => compare(row, after) > 0))
  }

  async close(): Promise<void> {
    this.#shards.clear()
  }

  #rowsOf(shard: ShardId): readonly Row[] {
    return this.#shards.get(shard)?.rows ?? []
  }

  #within(shard: ShardId, { gte, lt }: KeyBounds): Row[] {
    return this.#rowsOf(shard).slice(this.#placeOf(shard, gte), this.#placeOf(shard, lt))
  }

  /** Of the first row that is not before `key`. */
  #placeOf(shard: ShardId, key: Key): number {
    const rows = this.#rowsOf(shard)
    let [low, high] = [0, rows.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (rows[middle]!.key < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Of two that have one key only the hash differs. */
function compare(a: RowRef, b: RowRef): number {
  if (a.key === b.key) return a.hash - b.hash
  return a.key < b.key ? -1 : 1
}

function* pagesOf<T>(rows: readonly T[]): IterableIterator<readonly T[]> {
  for (let at = 0; at < rows.length; at += PAGE_ROWS) yield rows.slice(at, at + PAGE_ROWS)
}
