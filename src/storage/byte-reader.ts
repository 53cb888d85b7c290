/**
 * Reads what LevelDB wrote, one thing after the other.
 *
 * Invariant: whatever would lie outside of the bytes is a RangeError.
 */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.#bytes = bytes
    this.#at = from
    this.#end = to
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end
  }

  byte(): number {
    if (this.isAtEnd) throw new RangeError('the bytes end early')
    return this.#bytes[this.#at++]!
  }

  /** So many bytes, little endian. */
  number(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) value += this.byte() * 2 ** (8 * i)
    return value
  }

  /** Seven bits a byte, the low ones first. */
  varint(): number {
    let value = 0
    for (let scale = 1; scale <= Number.MAX_SAFE_INTEGER; scale *= 128) {
      const byte = this.byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new RangeError('a number of more than 53 bits')
  }

  /** A view of them. */
  take(count: number): Uint8Array {
    if (count > this.#end - this.#at) throw new RangeError(`${count} bytes are announced, and there are fewer`)
    const from = this.#at
    this.#at += count
    return this.#bytes.subarray(from, this.#at)
  }
}
