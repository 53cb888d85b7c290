/**
 * Run ids: UUIDv7, ascending within a host, in two forms of the same 16 bytes: the text that people see and
 * the latin1 string that keys are made of.
 */
import type { Random } from './random.js'

export interface RunIdPair {
  /** Canonical text, 36 characters. */
  readonly text: string
  /** The 16 bytes, one character each. */
  readonly key: string
}

const POOL_BYTES = 8192

/** Makes ids that ascend even within one millisecond and when the clock steps back. */
export class UuidV7Source {
  readonly #random: Random
  readonly #pool: Buffer = Buffer.allocUnsafe(POOL_BYTES)
  readonly #id: Buffer = Buffer.allocUnsafe(16)
  #at = POOL_BYTES
  #lastMs = 0
  #countInMs = 0

  constructor(random: Random) {
    this.#random = random
  }

  next(nowMs: number): RunIdPair {
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs
      this.#countInMs = 0
    } else if (++this.#countInMs === 4096) {
      this.#lastMs++
      this.#countInMs = 0
    }
    if (this.#at === POOL_BYTES) {
      this.#random.fill(this.#pool)
      this.#at = 0
    }
    const id = this.#id
    id.writeUIntBE(this.#lastMs, 0, 6)
    id[6] = 0x70 | (this.#countInMs >>> 8)
    id[7] = this.#countInMs & 255
    this.#pool.copy(id, 8, this.#at, this.#at + 8)
    this.#at += 8
    id[8] = (id[8]! & 0x3f) | 0x80
    return { text: uuidOfHex(id.hexSlice(0, 16)), key: id.latin1Slice(0, 16) }
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The 16 bytes of a canonical UUID, one character each. */
export function uuidKey(text: string): string {
  return Buffer.from(text.replaceAll('-', ''), 'hex').latin1Slice()
}

/** The inverse of `uuidKey`. */
export function uuidText(key: string): string {
  return uuidOfHex(Buffer.from(key, 'latin1').hexSlice(0, 16))
}

function uuidOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
