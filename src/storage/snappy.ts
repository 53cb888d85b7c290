/**
 * Snappy, backwards: LevelDB compresses the blocks of its tables with it, those that tell where the others are included.
 *
 * Invariant: gives exactly as many bytes as the data announces, or throws a RangeError.
 */
import { ByteReader } from './byte-reader.js'

/** No block of a table is bigger: what claims to be is damaged. */
const MAX_BYTES = 256 * 1024 * 1024

export function uncompress(data: Uint8Array): Uint8Array {
  const reader = new ByteReader(data)
  const length = reader.varint()
  if (length > MAX_BYTES) throw new RangeError(`${length} bytes are announced`)
  const out = new Uint8Array(length)
  let at = 0
  while (!reader.isAtEnd) {
    const tag = reader.byte()
    at = (tag & 3) === 0 ? putLiteral(reader, tag >>> 2, out, at) : putCopy(reader, tag, out, at)
  }
  if (at !== length) throw new RangeError(`${length} bytes are announced, and there are ${at}`)
  return out
}

/** `size`: the upper six bits of the tag. Where they do not suffice the length follows. */
function putLiteral(reader: ByteReader, size: number, out: Uint8Array, at: number): number {
  const length = size < 60 ? size + 1 : reader.number(size - 59) + 1
  if (length > out.length - at) throw new RangeError('more bytes than are announced')
  out.set(reader.take(length), at)
  return at + length
}

/** Again what was given before: it may reach into itself, and then repeats. */
function putCopy(reader: ByteReader, tag: number, out: Uint8Array, at: number): number {
  const isShort = (tag & 3) === 1
  const length = isShort ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
  const back = isShort ? ((tag >>> 5) << 8) | reader.byte() : reader.number((tag & 3) === 2 ? 2 : 4)
  if (back === 0 || back > at || length > out.length - at) throw new RangeError('a copy from outside')
  for (let i = 0; i < length; i++) out[at + i] = out[at + i - back]!
  return at + length
}
