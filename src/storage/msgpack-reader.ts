/**
 * Reads what `MsgpackWriter` writes, from bytes that nobody vouches for.
 *
 * Invariant: anything else is refused (maps, extensions, 64-bit integers, deep nesting, lengths beyond the end), and
 * nothing is allocated that the bytes at hand could not hold.
 */
import { MAX_DEPTH, SHORT_TEXT } from './msgpack-writer.js'

/** Reads one value; what is wrong is a `RangeError` that says where. Bytes are views into the source, not copies. */
export class MsgpackReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Where the last element of the outermost array begins, once all is read. */
  lastElementAt = 0

  /** The one value that fills the source to its end. */
  readAll(): unknown {
    const value = this.#read(0)
    if (this.#at !== this.#bytes.length) throw this.#wrong('more bytes than the value has')
    return value
  }

  #read(depth: number): unknown {
    const tag = this.#readUint8()
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    if (tag >= 0xc0) return this.#readTagged(tag, depth)
    if (tag >= 0xa0) return this.#readText(tag & 0x1f)
    if (tag >= 0x90) return this.#readArray(tag & 0x0f, depth)
    throw this.#wrong('a map')
  }

  #readTagged(tag: number, depth: number): unknown {
    switch (tag) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#readBytes(this.#readUint8())
      case 0xc5:
        return this.#readBytes(this.#readUint16())
      case 0xc6:
        return this.#readBytes(this.#readUint32())
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#take(8))
      case 0xcc:
        return this.#readUint8()
      case 0xcd:
        return this.#readUint16()
      case 0xce:
        return this.#readUint32()
      case 0xd0:
        return (this.#readUint8() << 24) >> 24
      case 0xd1:
        return (this.#readUint16() << 16) >> 16
      case 0xd2:
        return this.#readUint32() | 0
      case 0xd9:
        return this.#readText(this.#readUint8())
      case 0xda:
        return this.#readText(this.#readUint16())
      case 0xdb:
        return this.#readText(this.#readUint32())
      case 0xdc:
        return this.#readArray(this.#readUint16(), depth)
      case 0xdd:
        return this.#readArray(this.#readUint32(), depth)
      default:
        throw this.#wrong(`tag 0x${tag.toString(16)}`)
    }
  }

  #readArray(length: number, depth: number): unknown[] {
    if (depth === MAX_DEPTH) throw this.#wrong(`nested deeper than ${MAX_DEPTH}`)
    // An element takes a byte at least: a length that lies must not allocate.
    if (length > this.#bytes.length - this.#at) throw this.#wrong('an array longer than the bytes')
    const values = new Array<unknown>(length)
    for (let i = 0; i < length; i++) {
      if (depth === 0) this.lastElementAt = this.#at
      values[i] = this.#read(depth + 1)
    }
    return values
  }

  #readText(byteLength: number): string {
    const from = this.#take(byteLength)
    return byteLength <= SHORT_TEXT ? this.#readShortText(from) : this.#bytes.toString('utf8', from, this.#at)
  }

  #readShortText(from: number): string {
    const bytes = this.#bytes
    const to = this.#at
    let text = ''
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!
      if (byte > 0x7f) return bytes.toString('utf8', from, to)
      text += String.fromCharCode(byte)
    }
    return text
  }

  #readBytes(byteLength: number): Buffer {
    const from = this.#take(byteLength)
    return this.#bytes.subarray(from, this.#at)
  }

  #readUint8(): number {
    return this.#bytes[this.#take(1)]!
  }

  #readUint16(): number {
    const at = this.#take(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  #readUint32(): number {
    const bytes = this.#bytes
    const at = this.#take(4)
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }

  /** Where the next bytes begin. */
  #take(byteCount: number): number {
    const at = this.#at
    if (byteCount > this.#bytes.length - at) throw this.#wrong('fewer bytes than announced')
    this.#at = at + byteCount
    return at
  }

  #wrong(what: string): RangeError {
    return new RangeError(`${what}, at byte ${this.#at} of ${this.#bytes.length}`)
  }
}
