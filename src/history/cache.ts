/**
 * Executions in memory: by run, and the current run of each workflow id.
 *
 * Invariant: one object an execution at most. What is pinned (something of it is in flight) is never evicted, so the bound
 * may be passed by what is in flight.
 */
import type { Execution } from './execution.js'

/** How many executions are looked at for one to evict, before the bound is passed for now. */
const EVICTION_TRIES = 64

export class ExecutionCache {
  readonly #limit: number
  readonly #onEvict: (execution: Execution) => void
  /** By run id, the longest unused first. */
  readonly #byRun = new Map<string, Execution>()
  /** By namespace id, then workflow id. */
  readonly #current = new Map<string, Map<string, Execution>>()

  constructor(limit: number, onEvict: (execution: Execution) => void) {
    this.#limit = limit
    this.#onEvict = onEvict
  }

  get size(): number {
    return this.#byRun.size
  }

  run(runId: string): Execution | undefined {
    const execution = this.#byRun.get(runId)
    if (execution !== undefined) execution.isRecent = true
    return execution
  }

  current(namespaceId: string, workflowId: string): Execution | undefined {
    const execution = this.#current.get(namespaceId)?.get(workflowId)
    if (execution !== undefined) execution.isRecent = true
    return execution
  }

  /** An open execution is the current run of its workflow id. */
  add(execution: Execution): void {
    this.#byRun.set(execution.runId, execution)
    let current = this.#current.get(execution.namespaceId)
    if (current === undefined) this.#current.set(execution.namespaceId, (current = new Map()))
    current.set(execution.workflowId, execution)
    if (this.#byRun.size > this.#limit) this.#evictOne()
  }

  remove(execution: Execution): void {
    this.#byRun.delete(execution.runId)
    const current = this.#current.get(execution.namespaceId)
    if (current?.get(execution.workflowId) === execution) current.delete(execution.workflowId)
  }

  values(): IterableIterator<Execution> {
    return this.#byRun.values()
  }

  #evictOne(): void {
    let tries = EVICTION_TRIES
    for (const execution of this.#byRun.values()) {
      if (tries-- === 0) return
      if (execution.isPinned || execution.isRecent) {
        execution.isRecent = false
        // To the end: it is looked at again when all others were.
        this.#byRun.delete(execution.runId)
        this.#byRun.set(execution.runId, execution)
        continue
      }
      this.remove(execution)
      this.#onEvict(execution)
      return
    }
  }
}
