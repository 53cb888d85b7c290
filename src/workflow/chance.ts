/**
 * Chance for workflow code: sfc32, seeded by the run id, so that a replay draws the same numbers.
 *
 * All 128 bits of the run id are the seed: of a shorter one two runs would soon draw the same UUIDs.
 */
import { hash32 } from '../base/hash.js'
import { isUuid } from '../base/uuid.js'

const WARM_UP_ROUNDS = 20

export class Chance {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(runId: string) {
    const [a, b, c, d] = seedOf(runId)
    this.#a = a
    this.#b = b
    this.#c = c
    this.#counter = d
    for (let i = 0; i < WARM_UP_ROUNDS; i++) this.#next()
  }

  /** In [0, 1), with 53 bits. */
  fraction(): number {
    const high = this.#next() >>> 5
    const low = this.#next() >>> 6
    return (high * 2 ** 26 + low) / 2 ** 53
  }

  /** A UUID, version 4. */
  uuid(): string {
    const hex = this.#hex() + this.#hex() + this.#hex() + this.#hex()
    const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]!
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`
  }

  #hex(): string {
    return this.#next().toString(16).padStart(8, '0')
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

function seedOf(runId: string): [number, number, number, number] {
  const word = (at: number): number =>
    isUuid(runId)
      ? Number.parseInt(runId.replaceAll('-', '').slice(at * 8, at * 8 + 8), 16) | 0
      : hash32(Buffer.from(`${at}${runId}`)) | 0
  return [word(0), word(1), word(2), word(3)]
}
