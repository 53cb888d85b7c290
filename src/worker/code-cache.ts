/**
 * The sticky codes in memory. Second chance: the oldest that was not used since it was last looked at leaves.
 *
 * Invariant: code with an open task stays, so the bound may be passed by what is at work.
 */
import type { StickyCode } from './sticky-code.js'

/** How many are looked at for one to evict, before the bound is passed for now. */
const EVICTION_TRIES = 64

export class CodeCache {
  readonly #limit: number
  /** The longest unused first. */
  readonly #codes = new Set<StickyCode>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#codes.size
  }

  add(code: StickyCode): void {
    this.#codes.add(code)
  }

  remove(code: StickyCode): void {
    this.#codes.delete(code)
  }

  /** Evicts while there are too many. */
  trim(): void {
    let tries = EVICTION_TRIES
    for (const code of this.#codes) {
      if (this.#codes.size <= this.#limit || tries-- === 0) return
      this.#codes.delete(code)
      if (code.isAtWork || code.isRecent) {
        code.isRecent = false
        // To the end: it is looked at again when all others were.
        this.#codes.add(code)
      } else code.leave()
    }
  }
}
