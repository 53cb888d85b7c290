/**
 * A medium that tells when it breaks, whatever call notices: reads and claims break it as much as commits do.
 *
 * Commits are not watched: the loop that sends them tells itself, when it has told their turns.
 */
import { isLoomError, type LoomError } from '../base/errors.js'
import { MediumBrokenError } from '../storage/errors.js'
import type { CheckedFile, Fence, KeyBounds, KeyRange, Medium, MediumSnapshot, Owner, Post } from '../storage/medium.js'
import type { RowRef, ShardCommit, ShardId, StoreShape, Supports } from '../storage/medium.js'

type Answer<K extends 'heartbeat' | 'claim' | 'commit' | 'getMany' | 'scan' | 'inbox'> = ReturnType<Medium[K]>

export class WatchedMedium implements Medium {
  readonly supports: Supports
  readonly name: string
  readonly getSync?: (shard: ShardId, row: RowRef) => Uint8Array | undefined
  readonly checkFiles?: () => AsyncIterable<CheckedFile>
  readonly #medium: Medium
  readonly #onBroken: (error: MediumBrokenError) => void
  /** Why it was closed, when nobody closed the loom. */
  #brokenBy: LoomError | undefined = undefined

  constructor(medium: Medium, onBroken: (error: MediumBrokenError) => void) {
    this.#medium = medium
    this.#onBroken = onBroken
    this.supports = medium.supports
    this.name = medium.name
    if (medium.checkFiles !== undefined) this.checkFiles = () => this.#watchedPages(() => this.#medium.checkFiles!())
    if (medium.getSync === undefined) return
    this.getSync = (shard, row) => {
      try {
        return this.#medium.getSync!(shard, row)
      } catch (error) {
        throw this.#noted(error)
      }
    }
  }

  unitOf(shard: ShardId): number {
    return this.#medium.unitOf(shard)
  }

  open(self: Owner, shape: StoreShape): Promise<void> {
    return this.#medium.open(self, shape)
  }

  heartbeat(info: Uint8Array): Answer<'heartbeat'> {
    return this.#watched(this.#medium.heartbeat(info))
  }

  claim(shards: readonly ShardId[]): Answer<'claim'> {
    return this.#watched(this.#medium.claim(shards))
  }

  release(shards: readonly ShardId[], fence: Fence): Promise<void> {
    return this.#watched(this.#medium.release(shards, fence))
  }

  commit(batch: readonly ShardCommit[]): Answer<'commit'> {
    return this.#medium.commit(batch)
  }

  getMany(shard: ShardId, rows: readonly RowRef[]): Answer<'getMany'> {
    return this.#watched(this.#medium.getMany(shard, rows))
  }

  scan(shard: ShardId, hash: number, range: KeyRange): Answer<'scan'> {
    return this.#watched(this.#medium.scan(shard, hash, range))
  }

  scanAll(shards: readonly ShardId[] | 'claimed', range: KeyBounds): ReturnType<Medium['scanAll']> {
    return this.#watchedPages(() => this.#medium.scanAll(shards, range))
  }

  scanKind(kind: number): ReturnType<Medium['scanKind']> {
    return this.#watchedPages(() => this.#medium.scanKind(kind))
  }

  async snapshot(): Promise<MediumSnapshot> {
    const snapshot = await this.#watched(this.#medium.snapshot())
    return {
      heads: (shards) => this.#watched(snapshot.heads(shards)),
      getMany: (shard, rows) => this.#watched(snapshot.getMany(shard, rows)),
      scan: (shard, hash, range) => this.#watched(snapshot.scan(shard, hash, range)),
      scanAll: (shards, range) => this.#watchedPages(() => snapshot.scanAll(shards, range)),
      scanKeyed: (range, after) => this.#watchedPages(() => snapshot.scanKeyed(range, after)),
      close: () => snapshot.close(),
    }
  }

  post(messages: readonly Post[]): Promise<void> {
    return this.#watched(this.#medium.post(messages))
  }

  inbox(shard: ShardId, limit: number): Answer<'inbox'> {
    return this.#watched(this.#medium.inbox(shard, limit))
  }

  wake(hosts: readonly string[], hint: Uint8Array): void {
    this.#medium.wake(hosts, hint)
  }

  onWake(listener: (hint: Uint8Array) => void): () => void {
    return this.#medium.onWake(listener)
  }

  close(): Promise<void> {
    return this.#medium.close()
  }

  /** Another is made in its place. Who still reads from this one is told to come again, and not that the loom is closed. */
  closeBroken(error: LoomError): Promise<void> {
    this.#brokenBy = error
    return this.#medium.close()
  }

  async #watched<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer
    } catch (error) {
      throw this.#noted(error)
    }
  }

  async *#watchedPages<T>(read: () => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      yield* read()
    } catch (error) {
      throw this.#noted(error)
    }
  }

  #noted(error: unknown): unknown {
    if (error instanceof MediumBrokenError) this.#onBroken(error)
    if (this.#brokenBy === undefined || !isLoomError(error, 'LOOM_CLOSED')) return error
    return new MediumBrokenError(`${this.name} has failed and is opened again`, { cause: this.#brokenBy })
  }
}
