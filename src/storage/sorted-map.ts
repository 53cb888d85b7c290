/**
 * A map whose keys can be read in order, for the memory medium.
 *
 * Invariant: the blocks, one after the other, hold every key once and ascending; none is empty, and none is longer than
 * `MAX_BLOCK`, so that a put or delete moves few.
 */
const MAX_BLOCK = 512

export class SortedMap<V> {
  readonly #values = new Map<string, V>()
  readonly #blocks: string[][] = []

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#insert(key)
    this.#values.set(key, value)
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return
    const at = this.#blockOf(key)
    const block = this.#blocks[at]!
    block.splice(lowerBound(block, key), 1)
    if (block.length === 0) this.#blocks.splice(at, 1)
  }

  /** From `gte` up to, not including, `lt`. Must not be changed while it is read. */
  *ascending(gte: string, lt: string): IterableIterator<V> {
    for (let at = this.#blockOf(gte); at < this.#blocks.length; at++) {
      const block = this.#blocks[at]!
      for (let i = lowerBound(block, gte); i < block.length; i++) {
        if (block[i]! >= lt) return
        yield this.#values.get(block[i]!)!
      }
    }
  }

  /** The same range, from its end. */
  *descending(gte: string, lt: string): IterableIterator<V> {
    for (let at = Math.min(this.#blockOf(lt), this.#blocks.length - 1); at >= 0; at--) {
      const block = this.#blocks[at]!
      for (let i = lowerBound(block, lt) - 1; i >= 0; i--) {
        if (block[i]! < gte) return
        yield this.#values.get(block[i]!)!
      }
    }
  }

  #insert(key: string): void {
    // Behind all others it goes to the last block.
    const at = Math.min(this.#blockOf(key), Math.max(0, this.#blocks.length - 1))
    const block = this.#blocks[at]
    if (block === undefined) return void this.#blocks.push([key])
    block.splice(lowerBound(block, key), 0, key)
    if (block.length > MAX_BLOCK) this.#blocks.splice(at + 1, 0, block.splice(MAX_BLOCK / 2))
  }

  /** The first block that ends at or behind `key`; their number when none does. */
  #blockOf(key: string): number {
    let [low, high] = [0, this.#blocks.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#blocks[middle]!.at(-1)! < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lowerBound(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keys[middle]! < key) low = middle + 1
    else high = middle
  }
  return low
}
