/**
 * One numbered row for each flush, so that a flush that is gone is noticed.
 *
 * LevelDB replays its log at open, and passes over what is damaged in silence: whole flushes that were acknowledged
 * vanish, and later ones stay. Their rows vanish with them and leave a hole among the numbers.
 *
 * Invariant: the rows of all flushes that a log may still hold are kept, those of two write buffers; each row names the
 * oldest one that was kept beside it. Flushes lost at the very end leave no hole: nothing tells them from a torn tail, unless it was noted how the store was closed.
 */
import { decodeRow, encodeRow } from './codec.js'
import { CorruptError } from './errors.js'
import type { LevelBatch, LevelDatabase } from './level-database.js'
import { FLUSH_BOUNDS, flushKey } from './level-keys.js'

/** However small the flushes are. */
const MAX_KEPT = 65_536
/** What a flush adds to LevelDB's memory beside its keys and values, at least. */
const OVERHEAD_BYTES = 64

export class LevelFlushes {
  readonly #keepBytes: number
  /** Bytes of each flush whose row is kept, from number `#oldest` on. The first `#dropped` are deleted already. */
  #sizes: number[] = []
  #dropped = 0
  #oldest = 1
  #keptBytes = 0

  constructor(writeBufferBytes: number) {
    this.#keepBytes = 2 * writeBufferBytes
  }

  /** Number of the last one; 0: there was none. */
  get last(): number {
    return this.#oldest + this.#sizes.length - this.#dropped - 1
  }

  /**
   * Reads the rows there are; a hole among them is a `CorruptError`, and so is a last one before `atLeast`, or of a claim that
   * the store does not know of.
   */
  async open(db: LevelDatabase, where: string, epoch: number, atLeast: number): Promise<void> {
    let previous: number | undefined
    let oldestKept = 0
    let newestEpoch = 0
    for await (const page of db.pages(FLUSH_BOUNDS)) {
      for (const [key, value] of page) {
        const [ofEpoch, seq, , bytes, oldest] = decodeRow(value, `${where}: flush row`) as number[]
        if (key !== flushKey(seq!)) throw new CorruptError(`${where}: flush row ${seq} stands at the place of another`)
        if (previous === undefined) this.#oldest = seq!
        else if (seq !== previous + 1) throw hole(where, previous + 1, seq! - 1)
        previous = seq!
        oldestKept = oldest!
        newestEpoch = ofEpoch!
        this.#sizes.push(bytes!)
        this.#keptBytes += bytes!
      }
    }
    if (previous !== undefined && oldestKept < this.#oldest) throw hole(where, oldestKept, this.#oldest - 1)
    if (this.last < atLeast) throw hole(where, this.last + 1, atLeast)
    if (newestEpoch > epoch)
      throw new CorruptError(`${where}: its row is of claim ${epoch}, and flush ${this.last} of claim ${newestEpoch}`)
  }

  /** Adds the row of this flush to it, and takes out those that no log holds any more. */
  stage(batch: LevelBatch, epoch: number, rowCount: number, rowBytes: number): void {
    const seq = this.#oldest + this.#sizes.length - this.#dropped
    const bytes = rowBytes + OVERHEAD_BYTES
    this.#sizes.push(bytes)
    this.#keptBytes += bytes
    while (this.#isOldestSuperfluous()) {
      batch.del(flushKey(this.#oldest++))
      this.#keptBytes -= this.#sizes[this.#dropped++]!
    }
    if (this.#dropped > MAX_KEPT) this.#forgetDropped()
    batch.put(flushKey(seq), encodeRow([epoch, seq, rowCount, bytes, this.#oldest]))
  }

  #isOldestSuperfluous(): boolean {
    const kept = this.#sizes.length - this.#dropped
    if (kept === 1) return false
    return kept > MAX_KEPT || this.#keptBytes - this.#sizes[this.#dropped]! >= this.#keepBytes
  }

  #forgetDropped(): void {
    this.#sizes = this.#sizes.slice(this.#dropped)
    this.#dropped = 0
  }
}

function hole(where: string, first: number, last: number): CorruptError {
  return new CorruptError(`${where}: flushes ${first} to ${last} were written and are not there`)
}
