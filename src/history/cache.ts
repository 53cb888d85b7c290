/**
 * Executions in memory: by run, and the current run of each workflow id.
 *
 * Invariant: one object an execution at most. What is pinned (something of it is in flight) is never evicted, so the bound
 * may be passed by what is in flight. Eviction has a turn of the event loop to itself: whoever has just found an execution
 * uses it in the same turn, and is not left with one that is gone.
 */
import type { Clock } from '../base/clock.js'
import { nextRunIdOf } from '../machine/next-run.js'
import type { Execution } from './execution.js'

/** Reads of the row of one workflow id's current run, under way. */
interface CurrentReads {
  readerCount: number
  /** Runs of the id that have left memory meanwhile: what is read may be of before that. */
  leftCount: number
}

/** How many executions are looked at beside those that are too many, before the bound is passed for now. */
const EVICTION_TRIES = 64

export class ExecutionCache {
  readonly #limit: number
  readonly #clock: Pick<Clock, 'soon'>
  readonly #onEvict: (execution: Execution) => void
  /** By run id, the longest unused first. */
  readonly #byRun = new Map<string, Execution>()
  /** By namespace id, then workflow id. */
  readonly #current = new Map<string, Map<string, Execution>>()
  /** Closed in this turn of the event loop, by workflow id: whoever was told of the last turn may ask next how it ended. */
  readonly #justClosed = new Map<string, Execution>()
  /** By namespace and workflow id. Empty where rows are read at once. */
  readonly #reads = new Map<string, CurrentReads>()
  #isEvicting = false
  /** How often an execution was found here: for metrics. */
  hitCount = 0

  constructor(limit: number, clock: Pick<Clock, 'soon'>, onEvict: (execution: Execution) => void) {
    this.#limit = limit
    this.#clock = clock
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#byRun.size
  }

  run(runId: string): Execution | undefined {
    const execution = this.#byRun.get(runId)
    if (execution !== undefined) {
      execution.isRecent = true
      this.hitCount++
    }
    return execution
  }

  current(namespaceId: string, workflowId: string): Execution | undefined {
    const execution = this.#current.get(namespaceId)?.get(workflowId)
    if (execution !== undefined) {
      execution.isRecent = true
      this.hitCount++
    }
    return execution
  }

  /** An open execution is the current run of its workflow id. */
  add(execution: Execution): void {
    this.#byRun.set(execution.runId, execution)
    let current = this.#current.get(execution.namespaceId)
    if (current === undefined) this.#current.set(execution.namespaceId, (current = new Map()))
    current.set(execution.workflowId, execution)
    this.trim()
  }

  /** Evicts in the next turn of the event loop, if there are too many. Also for whoever is pinned no longer. */
  trim(): void {
    if (this.#byRun.size <= this.#limit || this.#isEvicting) return
    this.#isEvicting = true
    this.#clock.soon(this.#evict)
  }

  remove(execution: Execution): void {
    this.#byRun.delete(execution.runId)
    const current = this.#current.get(execution.namespaceId)
    if (current?.get(execution.workflowId) === execution) current.delete(execution.workflowId)
    if (this.#reads.size === 0) return
    const reads = this.#reads.get(readName(execution.namespaceId, execution.workflowId))
    if (reads !== undefined) reads.leftCount++
  }

  /** Reads the row of the current run of an id, again as long as a run of it leaves while it is read. */
  async readCurrent<T>(namespaceId: string, workflowId: string, readRow: () => Promise<T>): Promise<T> {
    const name = readName(namespaceId, workflowId)
    let reads = this.#reads.get(name)
    if (reads === undefined) this.#reads.set(name, (reads = { readerCount: 0, leftCount: 0 }))
    reads.readerCount++
    try {
      for (;;) {
        const { leftCount } = reads
        const row = await readRow()
        if (reads.leftCount === leftCount) return row
      }
    } finally {
      if (--reads.readerCount === 0) this.#reads.delete(name)
    }
  }

  /** Its last turn is durable. Those whose end is awaited already need not be found once more. */
  closed(execution: Execution): void {
    this.remove(execution)
    if (execution.closedSlot?.isAwaited === true) return
    if (this.#justClosed.size === 0) this.#clock.soon(() => this.#justClosed.clear())
    this.#justClosed.set(execution.workflowId, execution)
  }

  /** The run that is named, or the latest of the id, when it closed in this turn of the event loop. */
  justClosed(namespaceId: string, workflowId: string, runId: string | undefined): Execution | undefined {
    if (this.#justClosed.size === 0) return undefined
    const execution = this.#justClosed.get(workflowId)
    if (execution === undefined || execution.namespaceId !== namespaceId) return undefined
    if (runId !== undefined) return execution.runId === runId ? execution : undefined
    // One that was followed by another is not the latest, also where that one has left memory already.
    return nextRunIdOf(execution.state.closed) === undefined ? execution : undefined
  }

  /** A run that was closed, and deleted. */
  forget({ runId, workflowId }: { readonly runId: string; readonly workflowId: string }): void {
    if (this.#justClosed.get(workflowId)?.runId === runId) this.#justClosed.delete(workflowId)
  }

  values(): IterableIterator<Execution> {
    return this.#byRun.values()
  }

  readonly #evict = (): void => {
    this.#isEvicting = false
    let tries = this.#byRun.size - this.#limit + EVICTION_TRIES
    for (const execution of this.#byRun.values()) {
      if (this.#byRun.size <= this.#limit || tries-- === 0) return
      if (execution.isPinned || execution.isRecent) {
        execution.isRecent = false
        // To the end: it is looked at again when all others were.
        this.#byRun.delete(execution.runId)
        this.#byRun.set(execution.runId, execution)
        continue
      }
      this.remove(execution)
      this.#onEvict(execution)
    }
  }
}

function readName(namespaceId: string, workflowId: string): string {
  return `${namespaceId}/${workflowId}`
}
