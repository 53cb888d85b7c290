/**
 * An open level store: what a `LevelMedium` does between its open and its close.
 *
 * Invariant: one write is in flight at a time (the caller sees to it), since LevelDB does not keep the order of writes that
 * run side by side: a later one could be durable and an earlier one gone.
 */
import { u32 } from '../base/bytes.js'
import { checkFiles, recordFiles } from './level-files.js'
import { writeClosed } from './level-closed.js'
import { LevelDatabase, type LevelBatch, type LevelDatabaseOptions } from './level-database.js'
import type { LevelFlushes } from './level-flushes.js'
import type { LevelInbox } from './level-inbox.js'
import { headKey, META_KEY, rowPrefix } from './level-keys.js'
import { encodeMeta, type StoreMeta } from './level-meta.js'
import { checkClosedFiles, makeDirectory, openParts, type OpenParts } from './level-opening.js'
import { holdDirectory } from './level-registry.js'
import { encodeHead, readHeads, scanClaimed, scanRange, scanShards, storedKeysOf, type ShardRow } from './level-scan.js'
import { LevelShards, UNCLAIMED } from './level-shards.js'
import { LevelSnapshot } from './level-snapshot.js'
import {
  SPACES,
  type CheckedFile,
  type Claimed,
  type Fence,
  type Key,
  type KeyBounds,
  type KeyRange,
  type MediumEnvironment,
  type MediumSnapshot,
  type Outcome,
  type Owner,
  type Post,
  type Row,
  type RowRef,
  type ShardCommit,
  type ShardId,
  type StoreShape,
} from './medium.js'

/** Keys and values of one commit call. It is one record of LevelDB's log, built in memory twice. */
export const MAX_COMMIT_BYTES = 8 * 1024 * 1024

const OK: Outcome = { ok: true }
const FENCED: Outcome = { ok: false, why: 'fenced' }
const TOO_LARGE: Outcome = { ok: false, why: 'too-large' }

export class LevelStore {
  readonly #db: LevelDatabase
  readonly #directory: string
  readonly #environment: MediumEnvironment
  readonly #self: Owner
  readonly #releaseDirectory: () => void
  readonly #shards: LevelShards
  readonly #flushes: LevelFlushes
  readonly #inbox: LevelInbox
  #meta: StoreMeta
  /** The log ends as the last write left it. */
  #isSound = true

  private constructor(parts: OpenParts, self: Owner, releaseDirectory: () => void) {
    this.#db = parts.db
    this.#directory = parts.directory
    this.#environment = parts.environment
    this.#meta = parts.meta
    this.#flushes = parts.flushes
    this.#inbox = parts.inbox
    this.#shards = new LevelShards(parts.meta.spaces.get(SPACES.history) ?? 0, self.incarnation)
    this.#self = self
    this.#releaseDirectory = releaseDirectory
  }

  static async open(
    path: string,
    options: LevelDatabaseOptions,
    self: Owner,
    shape: StoreShape,
    environment: MediumEnvironment,
  ): Promise<LevelStore> {
    const directory = await makeDirectory(path)
    const release = await holdDirectory(directory)
    try {
      const closed = await checkClosedFiles(directory, environment.logger)
      const db = await LevelDatabase.open(directory, options)
      try {
        const parts = await openParts({ db, directory, environment }, options, shape, closed)
        const store = new LevelStore(parts, self, release)
        // Tells at once whether the disk takes writes.
        await store.#raiseEpoch()
        return store
      } catch (error) {
        await db.close()
        throw error
      }
    } catch (error) {
      release()
      throw error
    }
  }

  async claim(shards: readonly ShardId[]): Promise<Claimed> {
    await this.#raiseEpoch()
    const { heads, damaged } = await readHeads(this.#db, shards)
    const { epoch } = this.#meta
    for (const shard of shards) this.#shards.claim(shard, epoch)
    for (const [shard, { seq }] of heads) this.#shards.resume(shard, seq)
    // It takes no commit, which would go on from a head that nobody knows.
    for (const shard of damaged.keys()) this.#shards.claim(shard, UNCLAIMED)
    return { shards, fence: { epoch, incarnation: this.#self.incarnation }, heads, damaged, validUntil: Infinity }
  }

  release(shards: readonly ShardId[], fence: Fence): void {
    for (const shard of shards) this.#shards.release(shard, fence)
  }

  async commit(commits: readonly ShardCommit[]): Promise<readonly Outcome[]> {
    const verdicts = commits.map(({ shard, fence, seq }) => this.#shards.judge(shard, fence, seq))
    const next = commits.filter((_, i) => verdicts[i] === 'next')
    const isWritten = next.length === 0 || (await this.#flush(next))
    return verdicts.map((verdict) => {
      if (verdict === 'next') return isWritten ? OK : TOO_LARGE
      return verdict === 'again' ? OK : FENCED
    })
  }

  async post(messages: readonly Post[]): Promise<void> {
    const batch = this.#db.begin()
    let bytes = 0
    let rowCount = 0
    for (const message of messages) {
      if (!this.#inbox.stagePost(batch, message)) continue
      rowCount++
      bytes += message.bytes.length + message.id.length
    }
    if (rowCount === 0) return batch.close()
    this.#flushes.stage(batch, this.#meta.epoch, rowCount, bytes)
    await this.#write(batch)
  }

  inbox(shard: ShardId, limit: number): Promise<(readonly [Key, Post])[]> {
    return this.#inbox.read(this.#db, shard, limit)
  }

  getMany(shard: ShardId, rows: readonly RowRef[]): Promise<(Uint8Array | undefined)[]> {
    const prefix = rowPrefix(shard)
    return this.#db.getMany(rows.map(({ key, hash }) => prefix + key + u32(hash)))
  }

  getSync(shard: ShardId, { key, hash }: RowRef): Uint8Array | undefined {
    return this.#db.getSync(rowPrefix(shard) + key + u32(hash))
  }

  scan(shard: ShardId, hash: number, range: KeyRange): Promise<Row[]> {
    return scanRange(this.#db, shard, hash, range)
  }

  scanAll(shards: readonly ShardId[] | 'claimed', range: KeyBounds): AsyncGenerator<ShardRow[], void, undefined> {
    return scanShards(this.#db, this.#shards, shards, range)
  }

  scanKind(kind: number): AsyncGenerator<ShardRow[], void, undefined> {
    // Above the last kind, 0xff, is a character that no key has.
    return scanClaimed(this.#db, this.#shards, { gte: String.fromCharCode(kind), lt: String.fromCharCode(kind + 1) })
  }

  snapshot(): MediumSnapshot {
    return new LevelSnapshot(this.#db.snapshot(), this.#shards)
  }

  checkFiles(): AsyncGenerator<CheckedFile, void, undefined> {
    return checkFiles(this.#directory)
  }

  /** Nothing is being written. */
  async close(): Promise<void> {
    const names = await this.#recordFiles()
    await this.#db.close()
    // Not when the close failed: LevelDB has the files open still.
    this.#releaseDirectory()
    if (names === undefined) return
    try {
      await writeClosed(this.#directory, this.#flushes.last, names)
    } catch (error) {
      this.#notNoted(error)
    }
  }

  /** Undefined where nobody can say how they end. */
  async #recordFiles(): Promise<readonly string[] | undefined> {
    if (!this.#isSound) return undefined
    try {
      return await recordFiles(this.#directory)
    } catch (error) {
      this.#notNoted(error)
      return undefined
    }
  }

  #notNoted(error: unknown): void {
    const message = 'it was not noted how the store was closed: damage at the end of its log would not be noticed'
    this.#environment.logger.warn({ error, directory: this.#directory }, message)
  }

  async #write(batch: LevelBatch): Promise<void> {
    try {
      await this.#db.write(batch)
    } catch (error) {
      this.#isSound = false
      throw error
    }
  }

  async #raiseEpoch(): Promise<void> {
    const meta = { ...this.#meta, epoch: this.#meta.epoch + 1 }
    const batch = this.#db.begin()
    batch.put(META_KEY, encodeMeta(meta))
    await this.#write(batch)
    this.#meta = meta
  }

  /** All of it, or false and nothing: together they are too large. */
  async #flush(commits: readonly ShardCommit[]): Promise<boolean> {
    const cleared = await this.#findCleared(commits)
    const batch = this.#db.begin()
    for (const stored of cleared) batch.del(stored)
    let bytes = 0
    let rowCount = cleared.length
    for (const commit of commits) {
      bytes += this.#stage(batch, commit)
      rowCount += commit.changes.size + commit.consumed.length + 1
      if (bytes <= MAX_COMMIT_BYTES) continue
      await batch.close()
      return false
    }
    this.#flushes.stage(batch, this.#meta.epoch, rowCount, bytes)
    await this.#write(batch)
    for (const { shard, seq, consumed } of commits) {
      this.#shards.committed(shard, seq)
      this.#inbox.consumed(shard, consumed)
    }
    return true
  }

  /** Bytes of keys and values. The hot path: a row is two strings joined, and one call. */
  #stage(batch: LevelBatch, commit: ShardCommit): number {
    const prefix = rowPrefix(commit.shard)
    let bytes = 0
    commit.changes.forEach(({ hash, value }, key) => {
      const stored = prefix + key + u32(hash)
      bytes += key.length
      if (value === undefined) batch.del(stored)
      else {
        batch.put(stored, value)
        bytes += value.length
      }
    })
    if (commit.consumed.length > 0) this.#inbox.stageConsumed(batch, commit.shard, commit.consumed)
    batch.put(headKey(commit.shard), encodeHead(commit.seq, commit.head))
    return bytes
  }

  async #findCleared(commits: readonly ShardCommit[]): Promise<string[]> {
    const found: string[] = []
    for (const { shard, clears } of commits) {
      for (const clear of clears) for (const stored of await storedKeysOf(this.#db, shard, clear)) found.push(stored)
    }
    return found
  }
}
