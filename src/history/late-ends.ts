/** Runs that ended while their shard was gone, and that somebody waits for: looked for when shards are opened. */
import { isLoomError } from '../base/errors.js'
import { uuidKey } from '../base/uuid.js'
import { Again } from './again.js'
import type { HistoryContext } from './context.js'
import type { AwaitedRun } from './waiters.js'

export class LateEnds {
  readonly #context: HistoryContext
  #isClosed = false
  /** What could not be read back is looked for once more. */
  #next: Again | undefined = undefined

  constructor(context: HistoryContext) {
    this.#context = context
  }

  /** Those who wait are told, or wait on. Never rejects. */
  async look(): Promise<void> {
    const { waiters } = this.#context
    for (const run of waiters.awaited()) {
      try {
        const execution = await this.#context.findRun({ ...run, runKey: uuidKey(run.runId) }, run.hash)
        // One that is being closed just now is told when that is durable.
        if (execution.state.closed !== undefined && !execution.isClosing) waiters.closed(execution)
      } catch (error) {
        this.#failed(run, error)
      }
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #failed(run: AwaitedRun, error: unknown): void {
    const { workflowId, runId } = run
    if (this.#isClosed) return
    const { logger, waiters, clock, settings, host } = this.#context
    logger.warn({ error, workflowId, runId }, 'a run that somebody waits for could not be read back yet')
    if (isLoomError(error) && !error.retryable) return waiters.failed(run, error)
    if (this.#next !== undefined) host.wheel.remove(this.#next)
    this.#next = new Again(clock.nowMs() + settings.dueRetryInitialMs, () => void this.look())
    host.wheel.add(this.#next)
  }
}
