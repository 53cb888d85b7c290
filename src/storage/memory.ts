/**
 * The memory medium: for tests and simulations, of one host or of several in one process. Nothing survives the process.
 *
 * Invariant: a commit is applied whole, in a later turn of the event loop than the call, and answered after it.
 */
import { z } from 'zod'
import { assert } from '../base/assert.js'
import type { Clock } from '../base/clock.js'
import { LoomError } from '../base/errors.js'
import { checkOption } from './check-option.js'
import type {
  Claimed,
  Fence,
  Held,
  Key,
  KeyBounds,
  KeyRange,
  Medium,
  MediumEnvironment,
  MediumFactory,
  MediumSnapshot,
  Member,
  Outcome,
  Owner,
  Post,
  Row,
  RowRef,
  ShardCommit,
  ShardId,
  StoreShape,
  Supports,
} from './medium.js'
import { MAX_SHARDS_PER_SPACE } from './medium.js'
import { MemorySnapshot } from './memory-snapshot.js'
import { MAX_COMMIT_BYTES, MemoryStore } from './memory-store.js'

/** How a store in memory is opened. */
export interface MemoryOptions {
  /** What the looms that are to meet have in common, see `memoryStore`. By default it is for one loom at a time. */
  readonly store?: MemoryStore
}

const SUPPORTS: Supports = {
  shared: true,
  remoteReads: true,
  lanes: 4,
  maxCommitBytes: MAX_COMMIT_BYTES,
  wake: 'push',
  minFlushMs: 0,
}

/** For one at a time: a lease that nobody else asks after is not renewed, day after day of a virtual clock. */
const SUPPORTS_ALONE: Supports = { ...SUPPORTS, shared: false, remoteReads: false, wake: 'none' }

const PAGE_ROWS = 1000

const optionsSchema = z.strictObject({
  store: z.instanceof(MemoryStore, { error: 'not a store: memoryStore() makes one' }).optional(),
})

/** A medium that keeps everything in memory. Throws LOOM_INVALID_ARGUMENT for a store that `memoryStore` did not make. */
export function memory(options: MemoryOptions = {}): MediumFactory {
  const { store } = checkOption(optionsSchema, options, 'memory options')
  if (store !== undefined) return { create: (environment) => new MemoryMedium(store, environment) }
  const own = memoryStore()
  const door: Door = { holder: undefined }
  return { create: (environment) => new MemoryMedium(own, environment, door) }
}

/** For several looms of this process: `const store = memoryStore()`, then `memory({ store })` for each. */
export function memoryStore(options: { readonly clock?: Clock } = {}): MemoryStore {
  return new MemoryStore(options.clock)
}

/** Of a store that one medium at a time may have open. */
interface Door {
  holder: { readonly isClosed: boolean } | undefined
}

class MemoryMedium implements Medium {
  readonly supports: Supports
  readonly name = 'memory'
  readonly #store: MemoryStore
  readonly #clock: Clock
  /** Undefined: others may have the store open, too. */
  readonly #door: Door | undefined
  #self: Owner | undefined = undefined
  #leaseMs = 0
  #isClosed = false
  readonly #inFlight = new Set<Promise<unknown>>()
  /** Ways to stop what listens. */
  readonly #listening = new Set<() => void>()

  constructor(store: MemoryStore, environment: MediumEnvironment, door?: Door) {
    this.supports = door === undefined ? SUPPORTS : SUPPORTS_ALONE
    this.#store = store
    this.#clock = environment.clock
    this.#door = door
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  unitOf(shard: ShardId): number {
    return shard
  }

  async open(self: Owner, shape: StoreShape): Promise<void> {
    assert(this.#self === undefined && !this.#isClosed, 'a medium is opened once, first')
    if (this.#door !== undefined) this.#checkIsFree(this.#door)
    this.#store.open(self, shape, this.#clock)
    if (this.#door !== undefined) this.#door.holder = this
    this.#self = self
    this.#leaseMs = shape.leaseMs
  }

  async heartbeat(info: Uint8Array): Promise<{ readonly validUntil: number; readonly members: readonly Member[] }> {
    const self = this.#opened()
    return { validUntil: this.#validUntil(), members: this.#store.heartbeat(self, info) }
  }

  async claim(
    shards: readonly ShardId[],
  ): Promise<{ readonly claimed: readonly Claimed[]; readonly held: readonly Held[] }> {
    return this.#store.claim(this.#opened(), shards, this.#validUntil())
  }

  async release(shards: readonly ShardId[], fence: Fence): Promise<void> {
    this.#opened()
    this.#store.release(shards, fence)
  }

  commit(batch: readonly ShardCommit[]): Promise<readonly Outcome[]> {
    return this.#later(() => this.#store.commit(batch))
  }

  async getMany(shard: ShardId, rows: readonly RowRef[]): Promise<readonly (Uint8Array | undefined)[]> {
    return rows.map((row) => this.getSync(shard, row))
  }

  getSync(shard: ShardId, row: RowRef): Uint8Array | undefined {
    this.#opened()
    return this.#store.shard(shard)?.get(row)
  }

  async scan(shard: ShardId, hash: number, range: KeyRange): Promise<readonly Row[]> {
    this.#opened()
    return this.#store.shard(shard)?.scan(hash, range) ?? []
  }

  async *scanAll(
    shards: readonly ShardId[] | 'claimed',
    range: KeyBounds,
  ): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]> {
    const self = this.#opened()
    for (const shard of shards === 'claimed' ? this.#store.claimedBy(self) : shards)
      yield* pagesOf(shard, this.#store.shard(shard)?.rows(range))
  }

  async *scanKind(kind: number): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]> {
    const range = { gte: String.fromCharCode(kind), lt: String.fromCharCode(kind + 1) }
    for (const shard of this.#store.claimedBy(this.#opened())) {
      if (shard < MAX_SHARDS_PER_SPACE) yield* pagesOf(shard, this.#store.shard(shard)?.rowsInAnyOrder(range))
    }
  }

  async snapshot(): Promise<MediumSnapshot> {
    const claimed = this.#store.claimedBy(this.#opened())
    return new MemorySnapshot(claimed.map((id) => [id, this.#store.shard(id)!] as const))
  }

  post(messages: readonly Post[]): Promise<void> {
    return this.#later(() => this.#store.post(messages))
  }

  async inbox(shard: ShardId, limit: number): Promise<readonly (readonly [Key, Post])[]> {
    this.#opened()
    return this.#store.shard(shard)?.inbox(limit) ?? []
  }

  wake(hosts: readonly string[], hint: Uint8Array): void {
    if (this.#isClosed) return
    this.#clock.soon(() => this.#store.wake(hosts, hint))
  }

  onWake(listener: (hint: Uint8Array) => void): () => void {
    const stop = this.#store.listen({ host: this.#opened().host, hear: listener })
    this.#listening.add(stop)
    return stop
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const stop of this.#listening) stop()
    await Promise.allSettled(this.#inFlight)
  }

  #checkIsFree({ holder }: Door): void {
    if (holder?.isClosed === false) {
      throw new LoomError('LOOM_MEDIUM_BUSY', 'the store in memory is open: give both looms one made by memoryStore()')
    }
    this.#store.endLeases()
  }

  #validUntil(): number {
    return this.#door === undefined ? this.#clock.monotonicMs() + this.#leaseMs : Infinity
  }

  #opened(): Owner {
    if (this.#isClosed) throw new LoomError('LOOM_CLOSED', 'the memory medium is closed')
    assert(this.#self !== undefined, 'a medium is opened first')
    return this.#self
  }

  async #later<T>(step: () => T): Promise<T> {
    this.#opened()
    const done = new Promise<void>((resolve) => this.#clock.soon(resolve)).then(step)
    this.#inFlight.add(done)
    try {
      return await done
    } finally {
      this.#inFlight.delete(done)
    }
  }
}

function* pagesOf(shard: ShardId, rows: readonly Row[] = []): IterableIterator<(Row & { readonly shard: ShardId })[]> {
  for (let at = 0; at < rows.length; at += PAGE_ROWS) {
    yield rows.slice(at, at + PAGE_ROWS).map((row) => ({ ...row, shard }))
  }
}
