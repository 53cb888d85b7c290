/**
 * LevelDB's tables (`.ldb`): blocks of rows, a filter, an index, a footer that says where these are; each block has a CRC.
 *
 * LevelDB does not look at these CRCs unless it is asked to, and the binding has no way to ask: damage in a key, or in a
 * filter, hides a row. Tables never change, so they can be checked beside an open store.
 */
import { readFile } from 'node:fs/promises'
import { ByteReader } from './byte-reader.js'
import { crc32c, maskedCrc } from './crc32c.js'
import { uncompress } from './snappy.js'

const FOOTER_BYTES = 48
const MAGIC = '57fb808b247547db'
const MAGIC_BYTES = 8
/** Behind each block: how it is compressed, and a CRC over both. */
const TRAILER_BYTES = 5
const COUNT_BYTES = 4
const SNAPPY = 1

/** What is wrong with a table; undefined: nothing. Rejects with what the file system says. */
export async function checkTableFile(path: string, wantedBytes: number): Promise<string | undefined> {
  const file = await readFile(path)
  if (file.length !== wantedBytes) return `it has ${file.length} bytes, where ${wantedBytes} were written`
  try {
    checkBlocks(file)
    return undefined
  } catch (error) {
    if (error instanceof RangeError) return error.message
    throw error
  }
}

/** Throws a RangeError that says what is wrong. */
function checkBlocks(file: Buffer): void {
  const footerAt = file.length - FOOTER_BYTES
  if (footerAt < 0 || file.toString('hex', file.length - MAGIC_BYTES) !== MAGIC)
    throw new RangeError('it does not end as a table does')
  const footer = new ByteReader(file, footerAt, file.length - MAGIC_BYTES)
  const metaIndex = blockAt(file, footer, 'the index of its filters')
  const index = blockAt(file, footer, 'its index')
  for (const value of valuesOf(metaIndex)) blockAt(file, new ByteReader(value), 'a filter')
  for (const value of valuesOf(index)) blockAt(file, new ByteReader(value), 'a block of rows')
}

/** The block that the next two numbers say where it is. */
function blockAt(file: Buffer, handle: ByteReader, what: string): Uint8Array {
  const at = handle.varint()
  const bytes = handle.varint()
  const typeAt = at + bytes
  if (typeAt + TRAILER_BYTES > file.length) throw new RangeError(`${what} is to be at byte ${at}, outside of it`)
  if (maskedCrc(crc32c(file, at, typeAt + 1)) !== file.readUInt32LE(typeAt + 1))
    throw new RangeError(`${what}, from byte ${at} to byte ${typeAt + TRAILER_BYTES}, has another CRC than its bytes`)
  return file.subarray(at, typeAt + 1)
}

/** Values of the entries of a block, its type behind it: [shared key bytes, other key bytes, value bytes, key, value]…, restarts. */
function* valuesOf(block: Uint8Array): IterableIterator<Uint8Array> {
  const stored = block.subarray(0, -1)
  const content = block.at(-1) === SNAPPY ? uncompress(stored) : stored
  const countAt = content.length - COUNT_BYTES
  const restarts = new ByteReader(content, Math.max(0, countAt)).number(COUNT_BYTES)
  const entries = new ByteReader(content, 0, countAt - restarts * COUNT_BYTES)
  while (!entries.isAtEnd) {
    entries.varint()
    const keyBytes = entries.varint()
    const valueBytes = entries.varint()
    entries.take(keyBytes)
    yield entries.take(valueBytes)
  }
}
