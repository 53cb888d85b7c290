/** LevelDB's MANIFEST: a log of which tables there are. Each record adds some and takes some out. */
import { ByteReader } from './byte-reader.js'

/** Tags of what a record says; the numbers are LevelDB's. */
const TEXT = 1
const NUMBERS: readonly number[] = [2, 3, 4, 9]
const COMPACTED_TO = 5
const TABLE_OUT = 6
const TABLE_IN = 7

/** Bytes of each table that the records before have left, by its number. Throws a RangeError for what is no such record. */
export class LiveTables {
  readonly #bytesOf = new Map<number, number>()

  get bytesOf(): ReadonlyMap<number, number> {
    return this.#bytesOf
  }

  /** A table that moves down a level is taken out and put in by one record, in this order. */
  apply(record: Uint8Array): void {
    const reader = new ByteReader(record)
    const added: (readonly [table: number, bytes: number])[] = []
    while (!reader.isAtEnd) {
      const tag = reader.varint()
      if (tag === TEXT) skipText(reader)
      else if (NUMBERS.includes(tag)) reader.varint()
      else if (tag === COMPACTED_TO) {
        reader.varint()
        skipText(reader)
      } else if (tag === TABLE_OUT) {
        reader.varint()
        this.#bytesOf.delete(reader.varint())
      } else if (tag === TABLE_IN) added.push(tableOf(reader))
      else throw new RangeError(`a record of the MANIFEST says ${tag}`)
    }
    for (const [table, bytes] of added) this.#bytesOf.set(table, bytes)
  }
}

/** Level, number, bytes, first and last key. */
function tableOf(reader: ByteReader): readonly [table: number, bytes: number] {
  reader.varint()
  const table = reader.varint()
  const bytes = reader.varint()
  skipText(reader)
  skipText(reader)
  return [table, bytes]
}

function skipText(reader: ByteReader): void {
  reader.take(reader.varint())
}
