/** Those who wait for the end of a run that is not in memory, or may leave it: by run id. */
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { Execution } from './execution.js'
import { RunClosed } from './closed-slot.js'

export interface AwaitedRun {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId: string
  readonly hash: number
  readonly slot: RunClosed
}

export class Waiters {
  readonly #byRun = new Map<string, AwaitedRun>()

  get size(): number {
    return this.#byRun.size
  }

  /** The slot of an execution in memory: it finds its way back when the execution leaves. */
  slotOf(execution: Execution): RunClosed {
    return (execution.closedSlot ??= this.#byRun.get(execution.runId)?.slot ?? new RunClosed())
  }

  /** The execution leaves the cache and somebody may still ask, or has asked. */
  keep(execution: Execution, waitClosed: (run: ExecutionRef) => Promise<HistoryEvent>): void {
    const slot = execution.closedSlot
    if (slot === undefined) return
    const { namespaceId, workflowId, runId, hash } = execution
    if (!slot.isAwaited) return slot.leave(() => waitClosed({ namespaceId, workflowId, runId }))
    this.#byRun.set(runId, { namespaceId, workflowId, runId, hash, slot })
  }

  closed(execution: Execution): void {
    const { closed } = execution.state
    if (closed === undefined) return
    execution.closedSlot?.settle(closed)
    if (this.#byRun.size === 0) return
    this.#byRun.get(execution.runId)?.slot.settle(closed)
    this.#byRun.delete(execution.runId)
  }

  /** It will never be known how it ended: there is no such run, or it cannot be read. */
  failed({ runId, slot }: AwaitedRun, error: Error): void {
    slot.fail(error)
    this.#byRun.delete(runId)
  }

  awaited(): readonly AwaitedRun[] {
    return [...this.#byRun.values()]
  }

  failAll(error: Error): void {
    for (const { slot } of this.#byRun.values()) slot.fail(error)
    this.#byRun.clear()
  }
}
