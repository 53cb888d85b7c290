/**
 * Tasks that were given up: each is told by a letter, a row of its own, until somebody retries or purges it.
 *
 * Invariant: the row of the task stands as long as its run names it, since the run deletes it when it ends; the letter goes
 * with it. While a task has a letter, purged or not, it is on no wheel.
 */
import { u8 } from '../base/bytes.js'
import { isLoomError } from '../base/errors.js'
import { deadLetterKey, keyTaskId } from '../queue/task-keys.js'
import { TASK_KINDS } from '../shard/shard.js'
import type { Shard } from '../shard/shard.js'
import type { Row } from '../storage/medium.js'
import type { HistoryContext } from './context.js'
import { DueEntry } from './due.js'
import { decodeTask, encodeTask } from './rows.js'
import type { TaskRef } from './rows.js'

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

/** What a letter's row says of its task. */
interface LetterFields {
  readonly type: number
  readonly itemId: number
  readonly attempt: number
  readonly stamp: number
  readonly name: string
  readonly dueAtMs: number
  readonly reason: string
  readonly taskId: number
  readonly isPurged: boolean
}

const MAX_REASON_CHARS = 1000

export class DeadLetters {
  readonly #context: HistoryContext

  constructor(context: HistoryContext) {
    this.#context = context
  }

  /** Never throws: it is called where others wait to be told. */
  add(entry: DueEntry, error: unknown): void {
    const { host, logger } = this.#context
    let shard: Shard | undefined
    try {
      shard = this.#context.shardOfHash(entry.hash)
      const { order: taskId, type, itemId, attempt, stamp, name } = entry
      // It was on the wheel twice, or its run has ended it meanwhile.
      if (entry.isGone || shard.letterOf(taskId) !== undefined) return
      const letterId = host.nextTaskId()
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS)
      const { dueAtMs } = entry.inTime ?? entry
      const fields = { type, itemId, attempt, stamp, name, dueAtMs, reason, taskId, isPurged: false }
      const letter = { key: deadLetterKey(letterId), isPurged: false }
      shard.putLetter(taskId, letter, letterId, entry.hash, encodeLetter(entry, fields))
      host.staged(shard)
    } catch (problem) {
      // The task's row stands: the next owner of the shard meets it.
      const { workflowId } = entry
      logger.warn({ error: problem, workflowId }, 'a dead letter was not written')
      if (shard !== undefined && !isLoomError(problem)) host.failShard(shard, problem as Error)
    }
  }

  async list(): Promise<readonly DeadLetter[]> {
    const letters: DeadLetter[] = []
    for (const row of await this.#rows()) {
      const { ref, fields } = decodeLetter(row)
      const { namespaceId, workflowId, runId } = ref
      const { reason, dueAtMs } = fields
      if (!fields.isPurged) letters.push({ id: keyTaskId(row.key), namespaceId, workflowId, runId, reason, dueAtMs })
    }
    return letters
  }

  /** Its task is tried again. False when there is no such letter. */
  async retry(id: number): Promise<boolean> {
    const { host, clock } = this.#context
    const entry = await this.#take(id, (shard, row, { ref, fields }) => {
      const { type, itemId, taskId, name } = fields
      shard.dropLetter(taskId, row.hash)
      return new DueEntry({ ...ref, hash: row.hash, host }, type, itemId, fields, taskId, name)
    })
    if (entry !== undefined) host.wheel.add(entry.dueNow(clock.nowMs()))
    return entry !== undefined
  }

  /** It is forgotten, and its task with it. False when there is no such letter. */
  async purge(id: number): Promise<boolean> {
    const wasThere = await this.#take(id, (shard, row, { ref, fields }) => {
      const value = encodeLetter(ref, { ...fields, isPurged: true })
      shard.putLetter(fields.taskId, { key: row.key, isPurged: true }, id, row.hash, value)
      return true
    })
    return wasThere === true
  }

  /** Undefined when there is no such letter; else what `act` gave, once that is durable. */
  async #take<T>(
    id: number,
    act: (shard: Shard, row: Row, letter: ReturnType<typeof decodeLetter>) => T,
  ): Promise<T | undefined> {
    const row = (await this.#rows()).find(({ key }) => keyTaskId(key) === id)
    if (row === undefined) return undefined
    const letter = decodeLetter(row)
    const shard = this.#context.shardOfHash(row.hash)
    // Somebody else may have taken it, or its run has ended, while this read.
    const current = shard.letterOf(letter.fields.taskId)
    if (current?.key !== row.key || current.isPurged) return undefined
    shard.beginTurn(this.#context.settings.maxTurnBytes)
    const value = act(shard, row, letter)
    await new Promise<void>((resolve, reject) => {
      shard.stage().turns.push({ durable: resolve, failed: reject })
      this.#context.host.staged(shard)
    })
    return value
  }

  async #rows(): Promise<readonly Row[]> {
    const found: Row[] = []
    const bounds = { gte: u8(TASK_KINDS.deadLetter), lt: u8(TASK_KINDS.deadLetter + 1) }
    for await (const rows of this.#context.medium.scanAll('claimed', bounds)) found.push(...rows)
    return found
  }
}

function encodeLetter(ref: TaskRef, fields: LetterFields): Uint8Array {
  const { type, itemId, attempt, stamp, name, dueAtMs, reason, taskId, isPurged } = fields
  return encodeTask(ref, [type, itemId, attempt, stamp, name, dueAtMs, reason, taskId, isPurged])
}

export function decodeLetter(row: Row): { readonly ref: TaskRef; readonly fields: LetterFields } {
  const { ref, rest } = decodeTask(row.value, 'dead letter')
  const [type, itemId, attempt, stamp, name, dueAtMs, reason, taskId, isPurged] = rest as [
    number,
    number,
    number,
    number,
    string,
    number,
    string,
    number,
    boolean,
  ]
  return { ref, fields: { type, itemId, attempt, stamp, name, dueAtMs, reason, taskId, isPurged } }
}
