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
/** Of the running CRC in a chained row: behind the array's length and the tag. */
const CHAIN_AT = HEADER_BYTES + 2
const CRC_OF_HEADER = crc32(Uint8Array.of(ROW_FORMAT, 0, 0, 0, 0))

const writer = new MsgpackWriter()

/**
 * Elements are null, booleans, numbers (whole ones exact to 2^53), text, `Uint8Array`s, and arrays of these;
 * `undefined` comes back as null. An object is a mistake of ours: it throws and writes nothing.
 */
export function encodeRow(value: readonly unknown[]): Uint8Array {
  writer.begin(HEADER_BYTES)
  writer.write(value)
  return sealRow(writer.end())
}

/** Begins a row whose one array the caller writes himself: no other row is written before this one has ended. */
export function beginRow(): MsgpackWriter {
  writer.begin(HEADER_BYTES)
  return writer
}

export function endRow(): Uint8Array {
  return sealRow(writer.end())
}

/**
 * Ends a row of [running CRC, …, last element], begun with `beginArray` and `writeUint32`. The CRC of the last element,
 * which begins at `lastElementAt`, goes on from `crcBefore`, is put in front, and returned.
 */
export function endChainedRow(lastElementAt: number, crcBefore: number): { value: Uint8Array; runningCrc: number } {
  const row = writer.end()
  const runningCrc = chained(row.subarray(lastElementAt), crcBefore)
  row.writeUInt32BE(runningCrc, CHAIN_AT)
  return { value: sealRow(row), runningCrc }
}

function sealRow(row: Buffer): Buffer {
  assert(row.length <= MAX_ROW_BYTES, `a row of ${row.length} bytes is over ${MAX_ROW_BYTES}`)
  row[0] = ROW_FORMAT
  // Taken while the four bytes of the CRC are zero.
  row.writeUInt32LE(crc32(row), 1)
  return row
}

const chain = Buffer.alloc(4)

function chained(bytes: Uint8Array, crcBefore: number): number {
  chain.writeUInt32LE(crcBefore, 0)
  return crc32(bytes, crc32(chain))
}

/** As `decodeRow`, for a row that does not continue another when its running CRC does not go on from `crcBefore`. */
export function decodeChainedRow(bytes: Uint8Array, crcBefore: number, what: string): unknown[] {
  const reader = checkedReader(bytes, what)
  const value = readArray(reader, what)
  if (chained(bytes.subarray(reader.lastElementAt), crcBefore) !== value[0])
    throw corrupt(what, 'a row before it is missing or another')
  return value
}

/** `what` names the row in the error. Byte values are views into `bytes`, which must not change any more. */
export function decodeRow(bytes: Uint8Array, what: string): unknown[] {
  return readArray(checkedReader(bytes, what), what)
}

function checkedReader(bytes: Uint8Array, what: string): MsgpackReader {
  const row = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (row.length <= HEADER_BYTES || row.length > MAX_ROW_BYTES) throw corrupt(what, `${row.length} bytes`)
  if (row[0] !== ROW_FORMAT) throw corrupt(what, `row format ${row[0]}, where ${ROW_FORMAT} is the newest known`)
  const crc = row.readUInt32LE(1)
  const actual = crc32(row.subarray(HEADER_BYTES), CRC_OF_HEADER)
  if (crc !== actual) throw corrupt(what, `its CRC is ${crc}, that of its bytes ${actual}`)
  return new MsgpackReader(row, HEADER_BYTES)
}

function readArray(reader: MsgpackReader, what: string): unknown[] {
  let value: unknown
  try {
    value = reader.readAll()
  } catch (cause) {
    throw new CorruptError(`${what}: not a row`, { cause })
  }
  if (!Array.isArray(value)) throw corrupt(what, 'not an array')
  return value
}

function corrupt(what: string, why: string): CorruptError {
  return new CorruptError(`${what}: ${why}`)
}
