/** Runs that are deleted in one go: one turn of each shard that they are of. */
import type { LoomError } from '../base/errors.js'
import type { Shard, StagedTurn } from '../shard/shard.js'
import type { HistoryContext } from './context.js'
import type { ClosedRun } from './retention-row.js'

/** Besides its history: its retention row, and the row of the current run. */
const OTHER_ROWS = 2

export class DeletedSlice implements StagedTurn {
  readonly runs: ClosedRun[] = []
  /** Runs that take commits of their own. */
  readonly longer: ClosedRun[] = []
  rowCount = 0
  readonly #context: HistoryContext
  /** The last one: runs come shard by shard. */
  #shard: Shard | undefined = undefined
  #hasJoined = false
  /** Shards whose commit has not come back. */
  #waitingCount = 0
  #error: LoomError | undefined = undefined
  #settle: (() => void) | undefined = undefined

  constructor(context: HistoryContext) {
    this.#context = context
  }

  /** The shard of a run that may be staged next. Throws when it is not open, or damaged. */
  open(hash: number): Shard {
    const shard = this.#context.shardOfHash(hash)
    if (shard === this.#shard) return shard
    this.#shard = shard
    this.#hasJoined = false
    shard.beginTurn(this.#context.settings.maxTurnBytes)
    return shard
  }

  /** Its rows are staged on that shard. */
  add(run: ClosedRun, shard: Shard): void {
    this.runs.push(run)
    this.rowCount += (run.rowIds?.length ?? 0) + OTHER_ROWS
    if (this.#hasJoined) return
    this.#hasJoined = true
    this.#waitingCount++
    shard.stage().turns.push(this)
    this.#context.host.staged(shard)
  }

  /** Resolves when all of it is durable; rejects when a part of it is not written. */
  async settled(): Promise<void> {
    if (this.#waitingCount > 0) await new Promise<void>((resolve) => (this.#settle = resolve))
    if (this.#error !== undefined) throw this.#error
  }

  durable(): void {
    if (--this.#waitingCount === 0) this.#settle?.()
  }

  failed(error: LoomError): void {
    this.#error ??= error
    this.durable()
  }
}
