/**
 * LevelDB, as much of it as level's medium needs; the only file that knows the binding.
 *
 * Invariant: an error of the disk is a `MediumBrokenError`, bytes that LevelDB itself finds damaged are a
 * `CorruptError`; both after the fact, since LevelDB looks at few of its own checksums.
 */
import { Level } from 'level'
import { LoomError } from '../base/errors.js'
import { CorruptError, MediumBrokenError } from './errors.js'
import { MAX_STORED_KEY_BYTES, type Bounds } from './level-keys.js'

export interface LevelDatabaseOptions {
  readonly writeBufferBytes: number
  readonly blockCacheBytes: number
  /** false: a commit is told as durable before it is. For tests and measurements only. */
  readonly sync: boolean
}

/** What one atomic write does, in this order. `LevelDatabase.write` takes it; otherwise it is closed. */
export interface LevelBatch {
  put(key: string, value: Uint8Array): unknown
  del(key: string): unknown
  close(): Promise<void>
}

export type LevelEntry = [key: string, value: Uint8Array]

export interface PageOptions extends Bounds {
  readonly reverse?: boolean
  /** At most so many entries in all. */
  readonly limit?: number
  /** How many to read at a time, where fewer than a page are wanted. */
  readonly pageEntries?: number
  /** Values are undefined then, whatever their type says. */
  readonly keysOnly?: boolean
}

const PAGE_ENTRIES = 1000
/** What LevelDB may read ahead for one page; its own 16 kB would cut pages short. */
const PAGE_BYTES = 512 * 1024

/** What can be read: as it is, or as it was at one instant. */
export interface LevelReads {
  /** Entries in key order, as of now: what is written later does not show. */
  pages(options: PageOptions): AsyncGenerator<LevelEntry[], void, undefined>
  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>
}

type Database = Level<string, Uint8Array>
type ChainedBatch = ReturnType<typeof newBatch>
type Snapshot = ReturnType<Database['snapshot']>

export class LevelDatabase implements LevelReads {
  readonly #directory: string
  readonly #db: Database
  readonly #writeOptions: { readonly sync: boolean }

  private constructor(directory: string, db: Database, sync: boolean) {
    this.#directory = directory
    this.#db = db
    this.#writeOptions = { sync }
  }

  /** Rejects with LOOM_MEDIUM_BUSY, LOOM_CORRUPT or LOOM_UNAVAILABLE, and then holds nothing. */
  static async open(directory: string, options: LevelDatabaseOptions): Promise<LevelDatabase> {
    const db = new Level<string, Uint8Array>(directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      writeBufferSize: options.writeBufferBytes,
      cacheSize: options.blockCacheBytes,
    })
    try {
      await db.open()
    } catch (error) {
      throw openingFailed(directory, error)
    }
    // classic-level 3.0.0 keeps one buffer for the keys of getSync, sized by the first of them. A longer key that ends in
    // half a two-byte character it takes for one that fits, and looks the shortened key up: an existing row is not found.
    db.getSync('\xff'.repeat(MAX_STORED_KEY_BYTES / 2))
    return new LevelDatabase(directory, db, options.sync)
  }

  begin(): LevelBatch {
    return newBatch(this.#db)
  }

  /** Makes all of it durable; when it rejects, nobody knows. */
  async write(batch: LevelBatch): Promise<void> {
    try {
      await (batch as ChainedBatch).write(this.#writeOptions)
    } catch (error) {
      this.#fail('write', error)
    }
  }

  getSync(key: string): Uint8Array | undefined {
    try {
      return this.#db.getSync(key)
    } catch (error) {
      return this.#fail('read', error)
    }
  }

  getMany(keys: string[], snapshot?: Snapshot): Promise<(Uint8Array | undefined)[]> {
    // The binding is quicker without options.
    const values = snapshot === undefined ? this.#db.getMany(keys) : this.#db.getMany(keys, { snapshot })
    return values.catch((error: unknown) => this.#fail('read', error))
  }

  /** All of its reads are as of now. LevelDB keeps what they may ask for until it is closed. */
  snapshot(): LevelReads & { close(): Promise<void> } {
    const snapshot = this.#newSnapshot()
    return {
      pages: (options) => this.pages(options, snapshot),
      getMany: (keys) => this.getMany(keys, snapshot),
      close: () => snapshot.close(),
    }
  }

  async *pages(options: PageOptions, snapshot?: Snapshot): AsyncGenerator<LevelEntry[], void, undefined> {
    const pageEntries = Math.min(options.pageEntries ?? PAGE_ENTRIES, PAGE_ENTRIES)
    const iterator = this.#db.iterator({
      gte: options.gte,
      lt: options.lt,
      reverse: options.reverse ?? false,
      values: options.keysOnly !== true,
      limit: options.limit ?? -1,
      highWaterMarkBytes: PAGE_BYTES,
      snapshot,
    })
    // While a page is worked on, another thread reads the next: where all of a range is read, as by a scan of a store.
    const readsAhead = options.pageEntries === undefined
    let ahead: Promise<LevelEntry[]> | undefined
    try {
      for (;;) {
        const page = await (ahead ?? iterator.nextv(pageEntries))
        if (page.length === 0) return
        if (readsAhead) (ahead = iterator.nextv(pageEntries)).catch(() => {})
        yield page
      }
    } catch (error) {
      this.#fail('read', error)
    } finally {
      await iterator.close()
    }
  }

  #newSnapshot(): Snapshot {
    try {
      return this.#db.snapshot()
    } catch (error) {
      return this.#fail('read', error)
    }
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #fail(what: 'read' | 'write', error: unknown): never {
    if (error instanceof LoomError) throw error
    const cause = causeOf(error)
    if (codeOf(cause) === 'LEVEL_CORRUPTION')
      throw new CorruptError(`${this.#directory}: ${cause.message}`, { cause: error })
    if (this.#db.status !== 'open') throw new LoomError('LOOM_CLOSED', `${this.#directory} is closed`, { cause: error })
    throw new MediumBrokenError(`${this.#directory}: a ${what} failed: ${cause.message}`, { cause: error })
  }
}

// Chained: five times cheaper on the main thread than an array of operations.
function newBatch(db: Database) {
  return db.batch()
}

function openingFailed(directory: string, error: unknown): LoomError {
  const cause = causeOf(error)
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return new LoomError('LOOM_MEDIUM_BUSY', `${directory} is open in another process`, { cause: error })
  }
  if (codeOf(cause) === 'LEVEL_CORRUPTION') return new CorruptError(`${directory}: ${cause.message}`, { cause: error })
  return new LoomError('LOOM_UNAVAILABLE', `${directory} cannot be opened: ${cause.message}`, { cause: error })
}

/** The binding's own error, which tells the reason. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error))
  return error.cause instanceof Error ? error.cause : error
}

function codeOf(error: Error): unknown {
  return (error as { readonly code?: unknown }).code
}
