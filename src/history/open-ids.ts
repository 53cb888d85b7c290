/**
 * A counting filter of open workflow ids: "surely not open" spares the start of a fresh id its read, which grows with the store.
 *
 * Until it is filled after open it knows nothing, and says so. A counter that is full stays full: it may say "perhaps" of an
 * id that is not open, never "no" of one that is.
 */
import { LoomError } from '../base/errors.js'

const FULL = 255

export class OpenIds {
  readonly #counters: Uint8Array
  readonly #mask: number
  #isFilled = false
  #opening = 0

  /** `bytes` is cut to a power of two, at least 1,024. */
  constructor(bytes: number) {
    if (!(bytes >= 1)) throw new LoomError('LOOM_INVALID_ARGUMENT', `settings.openIdFilterBytes: ${bytes}`)
    const size = 2 ** Math.max(10, Math.floor(Math.log2(bytes)))
    this.#counters = new Uint8Array(size)
    this.#mask = size - 1
  }

  get isFilled(): boolean {
    return this.#isFilled
  }

  /** Which opening of the store it is filled for: a fill that began for another one says nothing. */
  get opening(): number {
    return this.#opening
  }

  /** Every id that was open has been added. */
  filled(opening: number): void {
    if (opening === this.#opening) this.#isFilled = true
  }

  /** The store is opened again: it knows nothing. */
  forget(): void {
    this.#opening++
    this.#isFilled = false
    this.#counters.fill(0)
  }

  /** `hash` is the ring's, `length` of the workflow id: two ids of one hash mostly differ in it. */
  isSurelyNotOpen(hash: number, length: number): boolean {
    return (
      this.#isFilled && (this.#counters[this.#first(hash)] === 0 || this.#counters[this.#second(hash, length)] === 0)
    )
  }

  add(hash: number, length: number): void {
    this.#change(this.#first(hash), 1)
    this.#change(this.#second(hash, length), 1)
  }

  /** Nothing while it is being filled: an id that was not added yet must not take away another's count. */
  remove(hash: number, length: number): void {
    if (!this.#isFilled) return
    this.#change(this.#first(hash), -1)
    this.#change(this.#second(hash, length), -1)
  }

  #change(at: number, by: number): void {
    const now = this.#counters[at]!
    if (now !== FULL && now + by >= 0) this.#counters[at] = now + by
  }

  #first(hash: number): number {
    return (Math.imul(hash, 0x9e3779b1) >>> 4) & this.#mask
  }

  #second(hash: number, length: number): number {
    return (Math.imul(hash ^ Math.imul(length, 0x85ebca6b), 0xc2b2ae35) >>> 5) & this.#mask
  }
}
