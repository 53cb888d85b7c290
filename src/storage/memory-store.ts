/**
 * What several memory media of one process share: shards, members, and who listens for wakes.
 *
 * Invariant: each call is one step on the whole store; nothing waits within it.
 */
import { assert } from '../base/assert.js'
import { type Clock, systemClock } from '../base/clock.js'
import { LoomError } from '../base/errors.js'
import { shardOfHash } from './hash-shard.js'
import {
  MAX_SHARDS_PER_SPACE,
  type Claimed,
  type Fence,
  type Head,
  type Held,
  type Member,
  type Outcome,
  type Owner,
  type Post,
  type ShardCommit,
  type ShardId,
  type StoreShape,
} from './medium.js'
import { MemoryShard } from './memory-shard.js'

export const MAX_COMMIT_BYTES = 8 * 1024 * 1024

const OK: Outcome = { ok: true }
const FENCED: Outcome = { ok: false, why: 'fenced' }
const TOO_LARGE: Outcome = { ok: false, why: 'too-large' }

interface Lease {
  readonly owner: Owner
  readonly leaseMs: number
  expiresAtMs: number
  /** Of the last heartbeat; a host is a member from its first one on. */
  info: Uint8Array | undefined
}

interface Listener {
  readonly host: string
  hear(hint: Uint8Array): void
}

/** A store in the memory of this process, which any number of looms may open; it lives as long as it is referenced. */
export class MemoryStore {
  /** Decides which hosts are alive: the one given, or that of the first loom to open it. */
  #clock: Clock | undefined
  #historyCount: number | undefined = undefined
  readonly #shards = new Map<ShardId, MemoryShard>()
  /** By incarnation. */
  readonly #leases = new Map<string, Lease>()
  readonly #listeners = new Set<Listener>()
  #epoch = 0
  #postCount = 0

  constructor(clock?: Clock) {
    this.#clock = clock
  }

  open(self: Owner, shape: StoreShape, clock: Clock): void {
    const count = shape.spaces.history ?? 0
    const has = (this.#historyCount ??= count)
    if (has !== count) {
      const made = `memory store was made with ${has} history shards`
      throw new LoomError('LOOM_STORE_MISMATCH', `${made}, and cannot be opened with ${count}`)
    }
    this.#clock ??= clock
    this.#leases.set(self.incarnation, { owner: self, leaseMs: shape.leaseMs, expiresAtMs: 0, info: undefined })
    this.#renew(self)
  }

  /** All who had it open are gone. */
  endLeases(): void {
    this.#leases.clear()
  }

  heartbeat(self: Owner, info: Uint8Array): readonly Member[] {
    this.#renew(self).info = info
    const members: Member[] = []
    for (const { owner, info } of this.#leases.values()) {
      if (info !== undefined && this.#aliveForMs(owner) > 0) members.push({ ...owner, info })
    }
    return members
  }

  claim(self: Owner, shards: readonly ShardId[], validUntil: number): { claimed: Claimed[]; held: Held[] } {
    this.#renew(self)
    const epoch = ++this.#epoch
    const mine: ShardId[] = []
    const heads = new Map<ShardId, Head>()
    const others = new Map<Owner, ShardId[]>()
    for (const id of shards) {
      const shard = this.#shardOf(id)
      const { owner } = shard
      if (owner !== undefined && owner.incarnation !== self.incarnation && this.#aliveForMs(owner) > 0) {
        const ids = others.get(owner)
        if (ids === undefined) others.set(owner, [id])
        else ids.push(id)
        continue
      }
      shard.claim(self, epoch)
      mine.push(id)
      if (shard.head !== undefined) heads.set(id, shard.head)
    }
    const fence: Fence = { epoch, incarnation: self.incarnation }
    const held = [...others].map(([by, ids]): Held => ({ shards: ids, by, retryMs: this.#aliveForMs(by) }))
    return { claimed: mine.length === 0 ? [] : [{ shards: mine, fence, heads, validUntil }], held }
  }

  release(shards: readonly ShardId[], fence: Fence): void {
    for (const id of shards) this.#shards.get(id)?.release(fence)
  }

  commit(commits: readonly ShardCommit[]): readonly Outcome[] {
    const verdicts = commits.map(({ shard, fence, seq }) => this.#shards.get(shard)?.judge(fence, seq) ?? 'fenced')
    const next = commits.filter((_, i) => verdicts[i] === 'next')
    const fits = next.reduce((bytes, commit) => bytes + bytesOf(commit), 0) <= MAX_COMMIT_BYTES
    for (const commit of next) this.#check(commit)
    if (fits) for (const commit of next) this.#shardOf(commit.shard).apply(commit)
    return verdicts.map((verdict) => {
      if (verdict === 'next') return fits ? OK : TOO_LARGE
      return verdict === 'again' ? OK : FENCED
    })
  }

  post(messages: readonly Post[]): void {
    for (const message of messages) this.#shardOf(message.shard).post(++this.#postCount, message)
  }

  /** Undefined where nothing was ever written or claimed. */
  shard(id: ShardId): MemoryShard | undefined {
    return this.#shards.get(id)
  }

  claimedBy(self: Owner): ShardId[] {
    return [...this.#shards].filter(([, { owner }]) => owner?.incarnation === self.incarnation).map(([id]) => id)
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  wake(hosts: readonly string[], hint: Uint8Array): void {
    for (const listener of [...this.#listeners]) if (hosts.includes(listener.host)) listener.hear(hint)
  }

  #check(commit: ShardCommit): void {
    this.#shardOf(commit.shard).check(commit)
    if (commit.shard >= MAX_SHARDS_PER_SPACE) return
    for (const { hash } of commit.changes.values()) {
      const at = shardOfHash(hash, this.#historyCount!)
      assert(at === commit.shard, `hash ${hash} is of shard ${at}, and is written to shard ${commit.shard}`)
    }
  }

  #shardOf(id: ShardId): MemoryShard {
    let shard = this.#shards.get(id)
    if (shard === undefined) this.#shards.set(id, (shard = new MemoryShard()))
    return shard
  }

  #renew(self: Owner): Lease {
    const lease = this.#leases.get(self.incarnation)
    assert(lease !== undefined, `${self.host} has not opened the store`)
    lease.expiresAtMs = this.#nowMs() + lease.leaseMs
    return lease
  }

  /** Until its lease is over; 0 or less: it is dead, unless it comes back before somebody claims what it had. */
  #aliveForMs({ incarnation }: Owner): number {
    return (this.#leases.get(incarnation)?.expiresAtMs ?? 0) - this.#nowMs()
  }

  #nowMs(): number {
    return (this.#clock ?? systemClock).monotonicMs()
  }
}

function bytesOf({ changes }: ShardCommit): number {
  let bytes = 0
  for (const [key, { value }] of changes) bytes += key.length + (value?.length ?? 0)
  return bytes
}
