/**
 * LevelDB's log format, of which its logs and its MANIFEST are: records, cut into fragments within blocks of 32 KiB, each
 * fragment with a CRC.
 *
 * LevelDB takes whatever it cannot read for a torn end, and in a log passes over it. Here the two are told apart: one write is
 * in flight at a time, and synced before the next, so a record that stands behind damage proves that it is damage.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { crc32c, maskedCrc } from './crc32c.js'

const BLOCK_BYTES = 32 * 1024
const READ_BYTES = 32 * BLOCK_BYTES
const HEADER_BYTES = 7
const TYPE_AT = 6
const FULL = 1
const FIRST = 2
/** 3 is a fragment from the middle of a record. */
const LAST = 4

/** What a file of records looks like. */
export interface LogCheck {
  /** Behind the last record that is whole. */
  readonly endBytes: number
  /** Where the first thing that is none begins, and what it is; undefined: all of the file is records. */
  readonly broken: { readonly atBytes: number; readonly why: string } | undefined
  /** Whole records stand behind what is broken: that was no torn end. */
  readonly isDamaged: boolean
}

/** Reads all of it. `onRecord` gets each whole record, up to the first thing that is none; the bytes are its own. */
export async function checkLogFile(path: string, onRecord?: (record: Uint8Array) => void): Promise<LogCheck> {
  const file = await open(path)
  try {
    const walk = new LogWalk(onRecord)
    for await (const bytes of chunksOf(file)) {
      for (let at = 0; at < bytes.length; at += BLOCK_BYTES) walk.block(bytes.subarray(at, at + BLOCK_BYTES))
    }
    return walk.end()
  } finally {
    await file.close()
  }
}

/** Whole blocks but for the last. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; position += READ_BYTES) {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    let filled = 0
    while (filled < READ_BYTES) {
      const { bytesRead } = await file.read(buffer, filled, READ_BYTES - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    if (filled > 0) yield buffer.subarray(0, filled)
    if (filled < READ_BYTES) return
  }
}

class LogWalk {
  readonly #onRecord: ((record: Uint8Array) => void) | undefined
  /** Of the record that is being read; undefined between records. */
  #fragments: Uint8Array[] | undefined = undefined
  #recordAt = 0
  #blockAt = 0
  #endBytes = 0
  #broken: LogCheck['broken'] = undefined
  #isDamaged = false

  constructor(onRecord: ((record: Uint8Array) => void) | undefined) {
    this.#onRecord = onRecord
  }

  block(block: Buffer): void {
    let at = 0
    // Fewer bytes than a header has are padding, or the beginning of one that was never written.
    while (block.length - at >= HEADER_BYTES) {
      const length = fragmentLength(block, at)
      if (length === undefined) {
        this.#break(this.#blockAt + at, 'what begins there is no record')
        this.#isDamaged ||= hasBeginningBehind(block, at)
        break
      }
      this.#fragment(block[at + TYPE_AT]!, block.subarray(at + HEADER_BYTES, at + length), this.#blockAt + at)
      at += length
      if (this.#broken === undefined && this.#fragments === undefined) this.#endBytes = this.#blockAt + at
    }
    const isCut = block.length < BLOCK_BYTES && at < block.length
    if (isCut && this.#broken === undefined) this.#break(this.#blockAt + at, 'the file ends within a record')
    this.#blockAt += block.length
  }

  end(): LogCheck {
    if (this.#fragments !== undefined) this.#break(this.#recordAt, 'the record that begins there has no end')
    return { endBytes: this.#endBytes, broken: this.#broken, isDamaged: this.#isDamaged }
  }

  #fragment(type: number, bytes: Uint8Array, at: number): void {
    const begins = type === FULL || type === FIRST
    if (this.#broken !== undefined) {
      this.#isDamaged ||= begins
      return
    }
    if (begins) {
      if (this.#fragments !== undefined) {
        this.#break(this.#recordAt, 'the record that begins there has no end')
        this.#isDamaged = true
        return
      }
      this.#fragments = []
      this.#recordAt = at
    } else if (this.#fragments === undefined) return this.#break(at, 'a record goes on there that never began')
    this.#fragments.push(bytes)
    if (type !== FULL && type !== LAST) return
    const fragments = this.#fragments
    this.#fragments = undefined
    this.#onRecord?.(Buffer.concat(fragments))
  }

  #break(atBytes: number, why: string): void {
    this.#broken ??= { atBytes, why }
    this.#fragments = undefined
  }
}

/** Header and all; undefined where no whole fragment stands. */
function fragmentLength(block: Buffer, at: number): number | undefined {
  const type = block[at + TYPE_AT]!
  const length = HEADER_BYTES + block.readUInt16LE(at + 4)
  if (type < FULL || type > LAST || at + length > block.length) return undefined
  const isWhole = maskedCrc(crc32c(block, at + TYPE_AT, at + length)) === block.readUInt32LE(at)
  return isWhole ? length : undefined
}

/** Where a length is damaged nobody knows where the next record begins: each byte is tried. */
function hasBeginningBehind(block: Buffer, at: number): boolean {
  for (let next = at + 1; block.length - next >= HEADER_BYTES; next++) {
    const type = block[next + TYPE_AT]
    if ((type === FULL || type === FIRST) && fragmentLength(block, next) !== undefined) return true
  }
  return false
}
