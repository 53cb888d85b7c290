/**
 * A map that usually has one entry or two, of which there are many: a flat array while entries are few, a Map when they
 * are not. An empty Map takes 200 bytes, and each execution would have seven.
 *
 * Invariant: one of the two holds all entries. Iteration is in the order of insertion, over the entries that are there
 * when it begins; `forEach` is for bodies that leave the map alone.
 */
const MAX_FEW = 8

export class FewMap<K, V> implements ReadonlyMap<K, V> {
  /** key, value, key, value, … */
  #few: unknown[] | undefined = undefined
  #many: Map<K, V> | undefined = undefined

  get size(): number {
    if (this.#many !== undefined) return this.#many.size
    return this.#few === undefined ? 0 : this.#few.length >> 1
  }

  get(key: K): V | undefined {
    if (this.#many !== undefined) return this.#many.get(key)
    const at = this.#indexOf(key)
    return at === -1 ? undefined : (this.#few![at + 1] as V)
  }

  has(key: K): boolean {
    return this.#many === undefined ? this.#indexOf(key) !== -1 : this.#many.has(key)
  }

  set(key: K, value: V): void {
    if (this.#many !== undefined) {
      this.#many.set(key, value)
      return
    }
    const few = this.#few
    if (few === undefined) {
      // Not pushed: the first push reserves 17 places.
      this.#few = [key, value]
      return
    }
    const at = this.#indexOf(key)
    if (at !== -1) few[at + 1] = value
    else if (few.length < 2 * MAX_FEW) few.push(key, value)
    else {
      this.#few = undefined
      this.#many = new Map<K, V>(pairs(few)).set(key, value)
    }
  }

  delete(key: K): boolean {
    if (this.#many !== undefined) return this.#many.delete(key)
    const at = this.#indexOf(key)
    if (at === -1) return false
    const few = this.#few!
    few.copyWithin(at, at + 2)
    few.length -= 2
    return true
  }

  forEach(each: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    if (this.#many !== undefined) return this.#many.forEach((value, key) => each(value, key, this))
    const few = this.#few
    if (few === undefined) return
    for (let at = 0; at < few.length; at += 2) each(few[at + 1] as V, few[at] as K, this)
  }

  *entries(): MapIterator<[K, V]> {
    if (this.#many !== undefined) yield* this.#many
    else if (this.#few !== undefined) yield* pairs<K, V>(this.#few.slice())
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  #indexOf(key: K): number {
    const few = this.#few
    if (few !== undefined) for (let at = 0; at < few.length; at += 2) if (few[at] === key) return at
    return -1
  }
}

function* pairs<K, V>(flat: readonly unknown[]): Generator<[K, V]> {
  for (let at = 0; at < flat.length; at += 2) yield [flat[at] as K, flat[at + 1] as V]
}
