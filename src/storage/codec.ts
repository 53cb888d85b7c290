/**
 * The value of a row: a format byte, the CRC32 of all the rest, and a positional array in msgpack.
 *
 *     [format 1][crc32, little endian][msgpack of one array]
 *
 * Invariant: what `encodeRow` accepts, `decodeRow` gives back; any other bytes are a `CorruptError` that names the
 * row. A format once written is read for ever: its golden bytes are in test/storage/fixtures.
 */
import { assert } from '../base/assert.js'
import { crc32 } from './crc32.js'
import { CorruptError } from './errors.js'
import { MsgpackReader } from './msgpack-reader.js'
import { MsgpackWriter } from './msgpack-writer.js'

export { crc32 } from './crc32.js'

/** What `encodeRow` writes. */
export const ROW_FORMAT = 1
/** No row is bigger, and none that claims to be is read. */
export const MAX_ROW_BYTES = 64 * 1024 * 1024

const HEADER_BYTES = 5
const CRC_OF_HEADER = crc32(Uint8Array.of(ROW_FORMAT, 0, 0, 0, 0))

const writer = new MsgpackWriter()

/**
 * Elements are null, booleans, numbers (whole ones exact to 2^53), text, `Uint8Array`s, and arrays of these;
 * `undefined` comes back as null. An object is a mistake of ours: it throws and writes nothing.
 */
export function encodeRow(value: readonly unknown[]): Uint8Array {
  writer.begin(HEADER_BYTES)
  writer.write(value)
  const row = writer.end()
  assert(row.length <= MAX_ROW_BYTES, `a row of ${row.length} bytes is over ${MAX_ROW_BYTES}`)
  row[0] = ROW_FORMAT
  // Taken while the four bytes of the CRC are zero.
  row.writeUInt32LE(crc32(row), 1)
  return row
}

/** `what` names the row in the error. Byte values are views into `bytes`, which must not change any more. */
export function decodeRow(bytes: Uint8Array, what: string): unknown[] {
  const row = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (row.length <= HEADER_BYTES || row.length > MAX_ROW_BYTES) throw corrupt(what, `${row.length} bytes`)
  if (row[0] !== ROW_FORMAT) throw corrupt(what, `row format ${row[0]}, where ${ROW_FORMAT} is the newest known`)
  const crc = row.readUInt32LE(1)
  const actual = crc32(row.subarray(HEADER_BYTES), CRC_OF_HEADER)
  if (crc !== actual) throw corrupt(what, `its CRC is ${crc}, that of its bytes ${actual}`)
  const value = readValue(row, what)
  if (!Array.isArray(value)) throw corrupt(what, 'not an array')
  return value
}

function readValue(row: Buffer, what: string): unknown {
  try {
    return new MsgpackReader(row, HEADER_BYTES).readAll()
  } catch (cause) {
    throw new CorruptError(`${what}: not a row`, { cause })
  }
}

function corrupt(what: string, why: string): CorruptError {
  return new CorruptError(`${what}: ${why}`)
}
