/** What is owed to the code before its next cause: kept signals for a new handler, a condition that came true. */
/** Nothing owed; never written to. */
const NONE = Object.freeze<never[]>([]) as never[]

export class OwedWindows {
  #owed: (() => void)[] = NONE
  /** Those before it are done. */
  #from = 0

  get isEmpty(): boolean {
    return this.#from === this.#owed.length
  }

  /** Does `fn` in a window of its own, after all that is owed already. */
  add(fn: () => void): void {
    if (this.#owed === NONE) this.#owed = [fn]
    else this.#owed.push(fn)
  }

  /** Takes it off first: it may owe more. */
  payOne(): void {
    const fn = this.#owed[this.#from++]!
    if (this.isEmpty) this.clear()
    fn()
  }

  clear(): void {
    this.#owed = NONE
    this.#from = 0
  }
}
