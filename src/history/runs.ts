/** Executions by run: from the cache, or read back, once however many ask. */
import type { HistoryEvent } from '../protocol/event.js'
import { uuidKey } from '../base/uuid.js'
import type { Shard } from '../shard/shard.js'
import type { HistoryContext } from './context.js'
import { Execution } from './execution.js'
import { loadRun, noSuchRun, readEvents } from './loader.js'
import type { Breather, RunAddress } from './loader.js'
import type { TaskRef } from './rows.js'

export class Runs {
  readonly #context: HistoryContext
  /** By run id: being read back, and for which opening of its shard. */
  readonly #loading = new Map<string, { readonly shard: Shard; readonly execution: Promise<Execution> }>()
  /** Events of those that were read back in this turn of the event loop: whoever asked for one often wants them next. */
  readonly #justRead = new Map<Execution, readonly HistoryEvent[]>()

  /** Read back from rows: for metrics. */
  readCount = 0

  constructor(context: HistoryContext) {
    this.#context = context
  }

  find(ref: TaskRef, hash: number): Promise<Execution> {
    const cached = this.#context.cache.run(ref.runId)
    if (cached !== undefined) return sameRun(cached, ref)
    const loading = this.#loading.get(ref.runId)
    // What was begun under a shard that is lost by now fails: nobody else is to share that.
    if (loading !== undefined && loading.shard.closedBy === undefined)
      return loading.execution.then((execution) => sameRun(execution, ref))
    return this.#begin(ref, hash)
  }

  async #begin(ref: TaskRef, hash: number): Promise<Execution> {
    const { runId } = ref
    const shard = this.#context.shardOfHash(hash)
    const execution = this.#load(ref, hash, shard)
    const loading = { shard, execution }
    this.#loading.set(runId, loading)
    try {
      return await execution
    } finally {
      if (this.#loading.get(runId) === loading) this.#loading.delete(runId)
    }
  }

  async #load(ref: TaskRef, hash: number, shard: Shard): Promise<Execution> {
    const { host, medium, cache } = this.#context
    const { namespaceId, workflowId, runId, runKey } = ref
    this.readCount++
    const loaded = await loadRun(medium, this.#address(ref, hash), this.#breather())
    // The shard may have been lost, and even opened again, while this read; or the loom was closed: then this throws.
    if (this.#context.shardOfHash(hash) !== shard) throw shard.closedBy!
    if (loaded === undefined || loaded.state.started?.attributes.workflowId !== workflowId)
      throw noSuchRun(workflowId, runId)
    const { state } = loaded
    const execution = new Execution(
      host,
      shard,
      { namespaceId, namespaceKey: uuidKey(namespaceId), workflowId, runId, runKey, hash },
      state,
    )
    execution.resume(loaded)
    execution.isCountedStalled = state.stall !== undefined
    if (state.closed !== undefined) execution.retentionKey = loaded.items.get(state.closed.eventId)?.keys[0]
    else execution.items.resume(new Set(state.activities?.keys() ?? []), loaded.items, loaded.bufferedKeys)
    if (state.closed === undefined) cache.add(execution)
    if (loaded.events !== undefined) this.#keepForNow(execution, loaded.events)
    return execution
  }

  /** What is staged is awaited first: the medium then has it all. */
  async readDurable(execution: Execution): Promise<readonly HistoryEvent[]> {
    await execution.settled()
    const justRead = this.#eventsOf(execution)
    if (justRead !== undefined) return justRead
    const events: HistoryEvent[] = []
    for await (const page of this.readEvents(execution)) for (const event of page) events.push(event)
    return events
  }

  /** Durable events, page by page. Rejects with LOOM_NOT_FOUND when the run is deleted meanwhile. */
  async *readEvents(execution: Execution): AsyncGenerator<readonly HistoryEvent[]> {
    const justRead = this.#eventsOf(execution)
    if (justRead !== undefined) return yield justRead
    let isThere = execution.isOpen || execution.isClosing
    for await (const page of readEvents(
      this.#context.medium,
      this.#address(execution, execution.hash),
      this.#breather(),
    )) {
      isThere = true
      yield page
    }
    if (!isThere) throw noSuchRun(execution.workflowId, execution.runId)
  }

  /** It is deleted: what was read of it, or is being read, is of before. */
  forget(runId: string): void {
    this.#loading.delete(runId)
    if (this.#justRead.size === 0) return
    for (const execution of this.#justRead.keys()) if (execution.runId === runId) this.#justRead.delete(execution)
  }

  async waitClosed(execution: Execution): Promise<HistoryEvent> {
    const { closed } = execution.state
    if (closed === undefined) return await this.#context.waiters.slotOf(execution).wait()
    // Its close may be staged only.
    await execution.settled()
    return closed
  }

  #keepForNow(execution: Execution, events: readonly HistoryEvent[]): void {
    if (this.#justRead.size === 0) this.#context.clock.soon(() => this.#justRead.clear())
    this.#justRead.set(execution, events)
  }

  /** Undefined unless they are all that it has, but for the turn being made. */
  #eventsOf(execution: Execution): readonly HistoryEvent[] | undefined {
    const events = this.#justRead.get(execution)
    const count = execution.state.nextEventId - 1 - execution.turn.events.length
    return events?.length === count ? events : undefined
  }

  #address({ workflowId, runId, runKey }: TaskRef, hash: number): RunAddress {
    return { workflowId, runId, runKey, shardId: this.#context.shardOfHash(hash).id, hash }
  }

  /** A long history is rebuilt in slices, so that nobody else waits for it. */
  #breather(): Breather {
    const { clock, settings } = this.#context
    let sliceEndMs = clock.monotonicMs() + settings.rebuildSliceMs
    return () => {
      if (clock.monotonicMs() < sliceEndMs) return undefined
      return new Promise((resolve) =>
        clock.soon(() => {
          sliceEndMs = clock.monotonicMs() + settings.rebuildSliceMs
          resolve()
        }),
      )
    }
  }
}

/** A run id alone does not say whose run it is. */
async function sameRun(execution: Execution, { namespaceId, workflowId, runId }: TaskRef): Promise<Execution> {
  if (execution.workflowId === workflowId && execution.namespaceId === namespaceId) return execution
  throw noSuchRun(workflowId, runId)
}
