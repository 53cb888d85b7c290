/**
 * What the storage alone could do: the rows of one execution after the other through a chained batch, values made
 * beforehand, no engine. While a flush is being written the next gathers, as the commit loop does it.
 */
import { Level } from 'level'
import { encodeHead } from '../src/storage/level-scan.js'
import { flushKey, headKey, rowPrefix } from '../src/storage/level-keys.js'
import { shardOfHash } from '../src/storage/hash-shard.js'
import { latenciesOf, rounded } from './figures.js'
import type { Ceiling, Jobs } from './job.js'
import { CopiedNames, type CommitShape, type RowShape } from './shape.js'
import { runLanes } from './lanes.js'
import { SHARDS } from './under-test.js'

const FLUSH_ROWS_KEPT = 1000
const FLUSH_ROW = Buffer.alloc(28, 7)

interface PremadeCommit {
  readonly rows: readonly (readonly [RowShape, Buffer | undefined])[]
  readonly head: Uint8Array
}

export async function runCeiling({ shape, unitsPerExecution, ...load }: Jobs['ceiling']): Promise<Ceiling> {
  const writer = await BareWriter.open(load.folder)
  const commits = shape.map(premade)
  const waitsMs: number[] = []
  const lanes = await runLanes(load, async () => {
    const names = new CopiedNames()
    for (const commit of commits) {
      const began = performance.now()
      await writer.commit(commit, names)
      waitsMs.push(performance.now() - began)
    }
  })
  await writer.close()
  return {
    perSecond: rounded(lanes.perSecond * unitsPerExecution),
    // The first waits are those of the warm-up.
    commit: latenciesOf(waitsMs.slice(-lanes.latenciesMs.length * commits.length)),
    execution: latenciesOf(lanes.latenciesMs),
  }
}

function premade({ rows, headBase64 }: CommitShape): PremadeCommit {
  const valueOf = ({ valueBase64 }: RowShape): Buffer | undefined =>
    valueBase64 === undefined ? undefined : Buffer.from(valueBase64, 'base64')
  return {
    rows: rows.map((row) => [row, valueOf(row)] as const),
    head: encodeHead(1, Buffer.from(headBase64, 'base64')),
  }
}

class BareWriter {
  readonly #db: Level<string, Uint8Array>
  readonly #prefix = rowPrefix(0)
  #rows = new Map<string, Uint8Array | undefined>()
  #waiting: (() => void)[] = []
  #isWriting = false
  #isArmed = false
  #flushCount = 0

  private constructor(db: Level<string, Uint8Array>) {
    this.#db = db
  }

  static async open(folder: string): Promise<BareWriter> {
    const db = new Level<string, Uint8Array>(folder, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      writeBufferSize: 16 * 1024 * 1024,
      cacheSize: 8 * 1024 * 1024,
    })
    await db.open()
    return new BareWriter(db)
  }

  /** Resolves when the rows are durable. */
  commit({ rows, head }: PremadeCommit, names: CopiedNames): Promise<void> {
    for (const [row, value] of rows) this.#rows.set(this.#prefix + names.keyOf(row), value)
    this.#rows.set(headKey(shardOfHash(names.hash, SHARDS)), head)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#isWriting || this.#isArmed) return
      this.#isArmed = true
      setImmediate(() => {
        this.#isArmed = false
        this.#flush()
      })
    })
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #flush(): void {
    if (this.#isWriting || this.#waiting.length === 0) return
    const [rows, waiting] = [this.#rows, this.#waiting]
    this.#rows = new Map()
    this.#waiting = []
    this.#isWriting = true
    void this.#write(rows).then(() => {
      this.#isWriting = false
      this.#flush()
      for (const resolve of waiting) resolve()
    })
  }

  #write(rows: ReadonlyMap<string, Uint8Array | undefined>): Promise<void> {
    const batch = this.#db.batch()
    for (const [key, value] of rows) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    const count = ++this.#flushCount
    batch.put(flushKey(count), FLUSH_ROW)
    if (count > FLUSH_ROWS_KEPT) batch.del(flushKey(count - FLUSH_ROWS_KEPT))
    return batch.write({ sync: true })
  }
}
