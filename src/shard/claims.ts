/**
 * What a host holds of the shards that it claimed: fences, heads of shards that were not made yet, and which are damaged.
 *
 * Invariant: a shard that is damaged is never made; a shard without a head costs nothing.
 */
import { LoomError } from '../base/errors.js'
import { CorruptError } from '../storage/errors.js'
import type { Claimed, Fence, Head, ShardId } from '../storage/medium.js'
import { Shard, readHead } from './shard.js'

interface Held {
  readonly fence: Fence
  /** Heads that no shard was made of yet. */
  readonly heads: Map<ShardId, Head>
}

export class Claims {
  /** Of units that were claimed by themselves. */
  readonly #held = new Map<ShardId, Held>()
  #heldByAll: Held | undefined = undefined
  readonly #damaged = new Map<ShardId, LoomError>()
  /** How many rows of each kind the heads count, where there are any; until they are read back. */
  #pending = new Map<ShardId, readonly number[]>()
  /** Until when, in local monotonic ms, all of them are ours. */
  validUntil: number = Number.POSITIVE_INFINITY
  /** Above every id that the heads know of. */
  nextTaskId = 1

  get damaged(): ReadonlyMap<ShardId, LoomError> {
    return this.#damaged
  }

  /** Of the claim of all shards, when they were claimed at once. */
  get fenceOfAll(): Fence | undefined {
    return this.#heldByAll?.fence
  }

  /** Shards that have a head and were not made yet. */
  unmade(): IterableIterator<ShardId> {
    return (this.#heldByAll?.heads ?? new Map<ShardId, Head>()).keys()
  }

  add(claim: Claimed, isAll: boolean): void {
    const held: Held = { fence: claim.fence, heads: new Map(claim.heads) }
    if (isAll) this.#heldByAll = held
    else for (const id of claim.shards) this.#held.set(id, held)
    this.validUntil = Math.min(this.validUntil, claim.validUntil)
    if (this.#damaged.size > 0) for (const id of claim.shards) this.#damaged.delete(id)
    for (const [id, error] of claim.damaged ?? []) this.damage(id, error)
    for (const [id, head] of claim.heads) this.#read(id, head)
  }

  #read(id: ShardId, head: Head): void {
    try {
      const { nextTaskId, pending } = readHead(head, id)
      if (nextTaskId > this.nextTaskId) this.nextTaskId = nextTaskId
      if (pending.some((count) => count > 0)) this.#pending.set(id, pending)
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      this.damage(id, error)
    }
  }

  damage(id: ShardId, error: LoomError): void {
    this.#damaged.set(id, error)
    this.#heldByAll?.heads.delete(id)
    this.#held.get(id)?.heads.delete(id)
  }

  takePending(): ReadonlyMap<ShardId, readonly number[]> {
    const pending = this.#pending
    this.#pending = new Map()
    return pending
  }

  /** Throws LOOM_CORRUPT when it is damaged. */
  make(id: ShardId): Shard {
    const error = this.#damaged.get(id)
    if (error !== undefined) throw error
    const held = this.#held.get(id) ?? this.#heldByAll
    if (held === undefined) throw new LoomError('LOOM_UNAVAILABLE', `shard ${id} is being claimed`)
    const shard = new Shard(id, held.fence, held.heads.get(id))
    held.heads.delete(id)
    return shard
  }
}
