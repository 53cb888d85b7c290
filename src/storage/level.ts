/**
 * The level medium: one process, one directory, LevelDB. The default, and what the figures of docs/ are measured on.
 *
 * Invariant: after a disk has failed once every call fails, until the owner closes the medium and makes another. LevelDB
 * itself never recovers from such an error while it is open.
 */
import { z } from 'zod'
import { assert } from '../base/assert.js'
import { LoomError } from '../base/errors.js'
import { checkOption } from './check-option.js'
import { MediumBrokenError } from './errors.js'
import type { LevelDatabaseOptions } from './level-database.js'
import { LevelStore, MAX_COMMIT_BYTES } from './level-store.js'
import type {
  CheckedFile,
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

/** How a LevelDB store is opened. */
export interface LevelOptions {
  /** Memory for what is in the log only; two of these at most, and that much is replayed at open. Default 16 MiB. */
  readonly writeBufferBytes?: number
  /** Memory for uncompressed blocks of the files. Default 8 MiB. */
  readonly blockCacheBytes?: number
  /**
   * @internal
   * false: a power loss takes commits that were acknowledged. Tests use it to see that they would notice.
   */
  readonly sync?: boolean
}

const DEFAULTS: LevelDatabaseOptions = {
  writeBufferBytes: 16 * 1024 * 1024,
  blockCacheBytes: 8 * 1024 * 1024,
  sync: true,
}

const SUPPORTS: Supports = {
  shared: false,
  remoteReads: false,
  lanes: 1,
  maxCommitBytes: MAX_COMMIT_BYTES,
  wake: 'none',
  minFlushMs: 0,
}

const MAX_BUFFER_BYTES = 1024 * 1024 * 1024
const bytes = z.number().int().min(1).max(MAX_BUFFER_BYTES).optional()
const pathSchema = z.string().min(1)
const optionsSchema = z.strictObject({ writeBufferBytes: bytes, blockCacheBytes: bytes, sync: z.boolean().optional() })

/**
 * A medium in a directory of its own, which is made when it is not there. Throws LOOM_INVALID_ARGUMENT, naming what is wrong:
 * `level options.writeBufferBytes: …`.
 */
export function level(path: string, options: LevelOptions = {}): MediumFactory {
  checkOption(pathSchema, path, 'level path')
  const {
    writeBufferBytes = DEFAULTS.writeBufferBytes,
    blockCacheBytes = DEFAULTS.blockCacheBytes,
    sync = DEFAULTS.sync,
  } = checkOption(optionsSchema, options, 'level options')
  const checked = { writeBufferBytes, blockCacheBytes, sync }
  return { create: (environment) => new LevelMedium(path, checked, environment) }
}

class LevelMedium implements Medium {
  readonly supports: Supports = SUPPORTS
  readonly name: string
  readonly #path: string
  readonly #options: LevelDatabaseOptions
  readonly #environment: MediumEnvironment
  #self: Owner | undefined = undefined
  #store: LevelStore | undefined = undefined
  #brokenBy: MediumBrokenError | undefined = undefined
  #closing: Promise<void> | undefined = undefined
  /** Settles, and never rejects, when no write is in flight or waiting. */
  #writes: Promise<unknown> = Promise.resolve()

  constructor(path: string, options: LevelDatabaseOptions, environment: MediumEnvironment) {
    this.name = `level(${path})`
    this.#path = path
    this.#options = options
    this.#environment = environment
  }

  unitOf(_shard: ShardId): number {
    return 0
  }

  async open(self: Owner, shape: StoreShape): Promise<void> {
    assert(this.#self === undefined && this.#closing === undefined, `${this.name} is opened once, first`)
    this.#self = self
    const opening = LevelStore.open(this.#path, this.#options, self, shape, this.#environment)
    // A close that comes meanwhile waits for it.
    this.#writes = opening.catch(() => {})
    this.#store = await opening
  }

  async heartbeat(info: Uint8Array): Promise<{ readonly validUntil: number; readonly members: readonly Member[] }> {
    this.#opened()
    return { validUntil: Infinity, members: [{ ...this.#self!, info }] }
  }

  async claim(
    shards: readonly ShardId[],
  ): Promise<{ readonly claimed: readonly Claimed[]; readonly held: readonly Held[] }> {
    return { claimed: [await this.#write((store) => store.claim(shards))], held: [] }
  }

  release(shards: readonly ShardId[], fence: Fence): Promise<void> {
    return this.#write(async (store) => store.release(shards, fence))
  }

  commit(batch: readonly ShardCommit[]): Promise<readonly Outcome[]> {
    return this.#write((store) => store.commit(batch))
  }

  post(messages: readonly Post[]): Promise<void> {
    return this.#write((store) => store.post(messages))
  }

  getMany(shard: ShardId, rows: readonly RowRef[]): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#read((store) => store.getMany(shard, rows))
  }

  getSync(shard: ShardId, row: RowRef): Uint8Array | undefined {
    try {
      return this.#opened().getSync(shard, row)
    } catch (error) {
      throw this.#noted(error)
    }
  }

  scan(shard: ShardId, hash: number, range: KeyRange): Promise<readonly Row[]> {
    return this.#read((store) => store.scan(shard, hash, range))
  }

  scanAll(
    shards: readonly ShardId[] | 'claimed',
    range: KeyBounds,
  ): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]> {
    return this.#pages((store) => store.scanAll(shards, range))
  }

  scanKind(kind: number): AsyncIterable<readonly (Row & { readonly shard: ShardId })[]> {
    return this.#pages((store) => store.scanKind(kind))
  }

  snapshot(): Promise<MediumSnapshot> {
    return this.#read(async (store) => store.snapshot())
  }

  checkFiles(): AsyncIterable<CheckedFile> {
    return this.#pages((store) => store.checkFiles())
  }

  inbox(shard: ShardId, limit: number): Promise<readonly (readonly [Key, Post])[]> {
    return this.#read((store) => store.inbox(shard, limit))
  }

  /** Nobody else is there. */
  wake(_hosts: readonly string[], _hint: Uint8Array): void {}

  onWake(_listener: (hint: Uint8Array) => void): () => void {
    return () => {}
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.then(() => this.#store?.close())
    return this.#closing
  }

  #opened(): LevelStore {
    if (this.#closing !== undefined) throw new LoomError('LOOM_CLOSED', `${this.name} is closed`)
    return this.#unbroken()
  }

  #unbroken(): LevelStore {
    if (this.#brokenBy !== undefined) {
      throw new MediumBrokenError(`${this.name} has failed and is to be closed`, { cause: this.#brokenBy })
    }
    assert(this.#store !== undefined, `${this.name} is opened first`)
    return this.#store
  }

  async #read<T>(read: (store: LevelStore) => Promise<T>): Promise<T> {
    try {
      return await read(this.#opened())
    } catch (error) {
      throw this.#noted(error)
    }
  }

  async *#pages<T>(read: (store: LevelStore) => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      yield* read(this.#opened())
    } catch (error) {
      throw this.#noted(error)
    }
  }

  /** After every write that was asked for before. A close waits for it too. */
  #write<T>(write: (store: LevelStore) => Promise<T>): Promise<T> {
    const before = this.#writes
    const mine = this.#read(async () => {
      await before
      return write(this.#unbroken())
    })
    this.#writes = mine.catch(() => {})
    return mine
  }

  /** The error, once it is known whether anything may follow it. */
  #noted(error: unknown): unknown {
    if (error instanceof MediumBrokenError) this.#brokenBy ??= error
    return error
  }
}
