/**
 * The fence and the last durable commit of each shard, so that no commit reads before it writes.
 *
 * Invariant: a shard that this opening has not claimed, or has released, accepts no commit.
 *
 * History shards are numbered from 0 and claimed all at once, up to 131,072 of them: they cost 13 bytes each, in arrays.
 */
import { assert } from '../base/assert.js'
import { MAX_SHARDS_PER_SPACE, type Fence, type ShardId } from './medium.js'

/** `again`: the last commit, sent once more. */
export type Verdict = 'next' | 'again' | 'fenced'

/** Epoch of a shard that accepts no commit. */
export const UNCLAIMED = 0

export class LevelShards {
  readonly historyCount: number
  readonly #incarnation: string
  /** Slots of the shards of other spaces, behind those of history. */
  readonly #slots = new Map<ShardId, number>()
  /** Epoch of the claim; 0: `UNCLAIMED`. */
  #epochs: Uint32Array
  /** Last durable sequence number. */
  #seqs: Float64Array
  /** 1: it was committed under the present claim. */
  #committed: Uint8Array

  constructor(historyCount: number, incarnation: string) {
    this.historyCount = historyCount
    this.#incarnation = incarnation
    this.#epochs = new Uint32Array(historyCount)
    this.#seqs = new Float64Array(historyCount)
    this.#committed = new Uint8Array(historyCount)
  }

  claim(shard: ShardId, epoch: number): void {
    const slot = this.#slotFor(shard)
    this.#epochs[slot] = epoch
    this.#seqs[slot] = 0
    this.#committed[slot] = 0
  }

  /** What the head of a shard just claimed says. */
  resume(shard: ShardId, seq: number): void {
    this.#seqs[this.#slotOf(shard)!] = seq
  }

  isClaimed(shard: ShardId): boolean {
    const slot = this.#slotOf(shard)
    return slot !== undefined && this.#epochs[slot]! > 0
  }

  judge(shard: ShardId, fence: Fence, seq: number): Verdict {
    const slot = this.#slotOf(shard)
    if (slot === undefined || !this.#holds(slot, fence)) return 'fenced'
    const last = this.#seqs[slot]!
    if (seq === last + 1) return 'next'
    return seq === last && this.#committed[slot] === 1 ? 'again' : 'fenced'
  }

  committed(shard: ShardId, seq: number): void {
    const slot = this.#slotOf(shard)!
    this.#seqs[slot] = seq
    this.#committed[slot] = 1
  }

  release(shard: ShardId, fence: Fence): void {
    const slot = this.#slotOf(shard)
    if (slot !== undefined && this.#holds(slot, fence)) this.#epochs[slot] = 0
  }

  /** Claimed shards outside of history, in no order. */
  *claimedElsewhere(): IterableIterator<ShardId> {
    for (const [shard, slot] of this.#slots) if (this.#epochs[slot]! > 0) yield shard
  }

  #holds(slot: number, fence: Fence): boolean {
    return this.#epochs[slot] === fence.epoch && fence.epoch > 0 && fence.incarnation === this.#incarnation
  }

  #slotOf(shard: ShardId): number | undefined {
    return shard < this.historyCount ? shard : this.#slots.get(shard)
  }

  #slotFor(shard: ShardId): number {
    const known = this.#slotOf(shard)
    if (known !== undefined) return known
    assert(shard >= MAX_SHARDS_PER_SPACE, `shard ${shard}: history has ${this.historyCount}`)
    const slot = this.historyCount + this.#slots.size
    if (slot === this.#epochs.length) this.#grow(2 * slot + 16)
    this.#slots.set(shard, slot)
    return slot
  }

  #grow(length: number): void {
    const [epochs, seqs, committed] = [this.#epochs, this.#seqs, this.#committed]
    this.#epochs = new Uint32Array(length)
    this.#seqs = new Float64Array(length)
    this.#committed = new Uint8Array(length)
    this.#epochs.set(epochs)
    this.#seqs.set(seqs)
    this.#committed.set(committed)
  }
}
