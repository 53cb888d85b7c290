/**
 * The part of msgpack that rows are made of: null, booleans, numbers, text, bytes, and arrays of these.
 *
 * Invariant: what is written here `MsgpackReader` reads; anything else throws and writes nothing. The bytes are those
 * of msgpackr for the same value, byte for byte.
 *
 * Integers beyond 32 bits are doubles: exact up to 2^53. `undefined` becomes null, -0 becomes 0, a lone surrogate
 * becomes U+FFFD.
 */
import { isUint8Array } from 'node:util/types'
import { assert, InvariantError } from '../base/assert.js'

/** Arrays within arrays. */
export const MAX_DEPTH = 64

/** Rows are cut one after the other from pieces of this size: a row that is kept keeps its piece. */
const ARENA_BYTES = 16_384
/** With less left, a new piece is begun: rows seldom grow beyond it, so they are seldom copied. */
const ARENA_TAIL_BYTES = 1024
/** At or below this, a loop over the characters is faster than a call into Node. */
export const SHORT_TEXT = 24

/** Writes rows one at a time: `begin`, `write` one value, `end`. */
export class MsgpackWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(ARENA_BYTES)
  #view: DataView = viewOf(this.#bytes)
  #start = 0
  #at = 0

  /** Leaves `headerBytes` free in front, as zeros. What an earlier row left unfinished is overwritten. */
  begin(headerBytes: number): void {
    this.#at = this.#start
    if (this.#bytes.length - this.#at < ARENA_TAIL_BYTES) this.#turnTo(Buffer.allocUnsafeSlow(ARENA_BYTES), 0)
    const start = this.#start
    this.#at = start + headerBytes
    for (let i = start; i < this.#at; i++) this.#bytes[i] = 0
  }

  end(): Buffer {
    const row = this.#bytes.subarray(this.#start, this.#at)
    // A big row keeps its piece to itself: small rows behind it would keep all of it alive.
    this.#start = this.#bytes.length > ARENA_BYTES ? this.#bytes.length : this.#at
    return row
  }

  /** Bytes of this row so far. */
  get length(): number {
    return this.#at - this.#start
  }

  /** The next `length` values are the elements of one array. `write` bounds the depth only of what it writes itself. */
  beginArray(length: number): void {
    this.#reserve(5)
    if (length < 16) this.#bytes[this.#at++] = 0x90 | length
    else this.#writeLength(length, 0xdb)
  }

  /** Always in the form of 5 bytes, so that it may be overwritten: a tag, then the number, big endian. */
  writeUint32(value: number): void {
    this.#reserve(5)
    this.#bytes[this.#at] = 0xce
    this.#view.setUint32(this.#at + 1, value)
    this.#at += 5
  }

  /** `depth`: arrays that have begun and are not full. */
  write(value: unknown, depth = 0): void {
    if (typeof value === 'number') this.#writeNumber(value)
    else if (typeof value === 'string') this.#writeText(value)
    else if (value == null) this.#writeByte(0xc0)
    else if (typeof value === 'boolean') this.#writeByte(value ? 0xc3 : 0xc2)
    else if (Array.isArray(value)) this.#writeArray(value, depth)
    else if (value instanceof Uint8Array || isUint8Array(value)) this.writeBytes(value)
    else throw new InvariantError(`a row cannot hold this: ${typeof value}`)
  }

  #writeNumber(value: number): void {
    this.#reserve(9)
    const bytes = this.#bytes
    if (value >>> 0 === value) {
      if (value < 0x80) bytes[this.#at++] = value
      else this.#writeLength(value, 0xcc)
    } else if (value >> 0 === value) this.#writeNegative(value)
    else {
      bytes[this.#at++] = 0xcb
      this.#view.setFloat64(this.#at, value)
      this.#at += 8
    }
  }

  #writeNegative(value: number): void {
    if (value >= -0x20) this.#bytes[this.#at++] = value & 255
    else if (value >= -0x80) {
      this.#bytes[this.#at++] = 0xd0
      this.#bytes[this.#at++] = value & 255
    } else if (value >= -0x8000) {
      this.#bytes[this.#at++] = 0xd1
      this.#view.setInt16(this.#at, value)
      this.#at += 2
    } else {
      this.#bytes[this.#at++] = 0xd2
      this.#view.setInt32(this.#at, value)
      this.#at += 4
    }
  }

  #writeText(text: string): void {
    const { length } = text
    this.#reserve(3 * length + 5)
    if (length <= SHORT_TEXT && this.#writeAscii(text)) return
    const guess = headerOfText(length)
    const at = this.#at
    const byteLength = this.#bytes.write(text, at + guess)
    const header = headerOfText(byteLength)
    if (header !== guess) this.#bytes.copyWithin(at + header, at + guess, at + guess + byteLength)
    if (byteLength < 0x20) this.#bytes[this.#at++] = 0xa0 | byteLength
    else this.#writeLength(byteLength, 0xd9)
    this.#at += byteLength
  }

  /** Short text of ASCII, or nothing and false. */
  #writeAscii(text: string): boolean {
    const bytes = this.#bytes
    let to = this.#at
    bytes[to++] = 0xa0 | text.length
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[to++] = code
    }
    this.#at = to
    return true
  }

  writeBytes(value: Uint8Array): void {
    this.#reserve(value.length + 5)
    this.#writeLength(value.length, 0xc4)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  #writeArray(values: readonly unknown[], depth: number): void {
    assert(depth < MAX_DEPTH, `a row nests deeper than ${MAX_DEPTH}`)
    const { length } = values
    this.beginArray(length)
    for (let i = 0; i < length; i++) this.write(values[i], depth + 1)
  }

  /** 1, 2 or 4 bytes behind `tag`, `tag` + 1 or `tag` + 2; arrays, whose tag would be 0xdb, have no form of 1 byte. */
  #writeLength(length: number, tag: number): void {
    if (length < 0x100 && tag !== 0xdb) {
      this.#bytes[this.#at++] = tag
      this.#bytes[this.#at++] = length
    } else if (length < 0x10000) {
      this.#bytes[this.#at++] = tag + 1
      this.#bytes[this.#at++] = length >>> 8
      this.#bytes[this.#at++] = length & 255
    } else {
      this.#bytes[this.#at++] = tag + 2
      this.#view.setUint32(this.#at, length)
      this.#at += 4
    }
  }

  #writeByte(byte: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = byte
  }

  #reserve(byteCount: number): void {
    if (this.#at + byteCount > this.#bytes.length) this.#grow(byteCount)
  }

  #grow(byteCount: number): void {
    const used = this.#at - this.#start
    const grown = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, 2 * used, used + byteCount + ARENA_TAIL_BYTES))
    this.#bytes.copy(grown, 0, this.#start, this.#at)
    this.#turnTo(grown, used)
  }

  #turnTo(arena: Buffer, at: number): void {
    this.#bytes = arena
    this.#view = viewOf(arena)
    this.#start = 0
    this.#at = at
  }
}

function headerOfText(length: number): number {
  return length < 0x20 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
