/** Tasks that were given up: kept in rows of their own until somebody retries or purges them. */
import { isLoomError } from '../base/errors.js'
import { deadLetterKey, keyTaskId, timerKey } from '../queue/task-keys.js'
import { TASK_KINDS } from '../shard/shard.js'
import type { Key, Row } from '../storage/medium.js'
import { u8 } from '../base/bytes.js'
import type { HistoryContext } from './context.js'
import { DueEntry } from './due.js'
import { decodeTask, encodeTask } from './rows.js'

/** A task of a queue that was given up. */
export interface DeadLetter {
  /** What `retry` and `purge` take. */
  readonly id: number
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId: string
  readonly reason: string
  readonly dueAtMs: number
}

export class DeadLetters {
  readonly #context: HistoryContext

  constructor(context: HistoryContext) {
    this.#context = context
  }

  /** The task's row becomes a dead letter, in one commit. */
  add(entry: DueEntry, key: Key, error: unknown): void {
    const { host, logger } = this.#context
    try {
      const shard = this.#context.shardOfHash(entry.hash)
      const taskId = host.nextTaskId()
      const reason = error instanceof Error ? error.message : String(error)
      const fields = [entry.type, entry.itemId, entry.attempt, entry.stamp, entry.name, entry.dueAtMs, reason]
      shard.putTask(deadLetterKey(taskId), entry.hash, taskId, encodeTask(entry, fields))
      shard.removeTask(key, entry.hash)
      host.staged(shard)
    } catch (problem) {
      // The row stands: the next owner of the shard meets it.
      if (isLoomError(problem))
        logger.warn({ error: problem, workflowId: entry.workflowId }, 'a dead letter was not written')
      else throw problem
    }
  }

  async list(): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = []
    for (const row of await this.#rows()) {
      const { ref, rest } = decodeTask(row.value, 'dead letter')
      const { namespaceId, workflowId, runId } = ref
      letters.push({
        id: keyTaskId(row.key),
        namespaceId,
        workflowId,
        runId,
        reason: rest[6] as string,
        dueAtMs: rest[5] as number,
      })
    }
    return letters
  }

  /** Its task is tried again. False when there is no such letter. */
  async retry(id: number): Promise<boolean> {
    return await this.#take(id, true)
  }

  /** It is forgotten, and its task with it. False when there is no such letter. */
  async purge(id: number): Promise<boolean> {
    return await this.#take(id, false)
  }

  async #take(id: number, isRetried: boolean): Promise<boolean> {
    const row = (await this.#rows()).find((one) => keyTaskId(one.key) === id)
    if (row === undefined) return false
    const { host } = this.#context
    const shard = this.#context.shardOfHash(row.hash)
    const { ref, rest } = decodeTask(row.value, 'dead letter')
    const [type, itemId, attempt, stamp, name, dueAtMs] = rest as [number, number, number, number, string, number]
    shard.removeTask(row.key, row.hash)
    if (isRetried) {
      const taskId = host.nextTaskId()
      shard.putTask(timerKey(dueAtMs, taskId), row.hash, taskId, encodeTask(ref, [type, itemId, attempt, stamp, name]))
      host.wheel.add(
        new DueEntry({ ...ref, hash: row.hash, host }, type, itemId, { dueAtMs, attempt, stamp }, taskId, name),
      )
    }
    await new Promise<void>((resolve, reject) => {
      shard.stage().turns.push({ durable: resolve, failed: reject })
      host.staged(shard)
    })
    return true
  }

  async #rows(): Promise<readonly Row[]> {
    const found: Row[] = []
    const bounds = { gte: u8(TASK_KINDS.deadLetter), lt: u8(TASK_KINDS.deadLetter + 1) }
    for await (const rows of this.#context.medium.scanAll('claimed', bounds)) found.push(...rows)
    return found
  }
}
