/**
 * What a host does with shards that have become its own: reads their task rows, counts them against the heads, and takes up
 * the work that they name.
 *
 * Proportional to what is pending: a parked execution has no row here, and is not read.
 */
import { isLoomError } from '../base/errors.js'
import { u8 } from '../base/bytes.js'
import { loseActivity } from '../machine/activity-end.js'
import type { BacklogEntry } from '../protocol/services.js'
import { readBacklogKey } from '../queue/task-keys.js'
import { TASK_KINDS } from '../shard/shard.js'
import { CorruptError } from '../storage/errors.js'
import type { Medium, Row, ShardId } from '../storage/medium.js'
import type { HistoryContext } from './context.js'
import { readBacklogRow } from './backlog-row.js'
import type { DueTasks } from './due-tasks.js'
import type { DueEntry } from './due.js'
import { TIMER_TYPES } from './due.js'
import { decodeActivityProgress } from './progress-codec.js'
import { decodeTask } from './rows.js'
import type { TaskRef } from './rows.js'
import { arrayOf } from './value-codec.js'

/** Attempts whose host is gone, taken up at once. */
const MAX_LOST_IN_FLIGHT = 256
const COUNTED = [TASK_KINDS.attempt, TASK_KINDS.timer, TASK_KINDS.backlog, TASK_KINDS.buffered, TASK_KINDS.deadLetter]

interface LostAttempt {
  readonly ref: TaskRef
  readonly hash: number
  readonly scheduledEventId: number
  readonly attempt: number
  readonly stamp: number
}

export interface RecoveryParts {
  readonly context: HistoryContext
  readonly medium: Medium
  readonly dueTasks: DueTasks
  /** What the heads count, by shard and kind. */
  readonly pendingAtClaim: ReadonlyMap<ShardId, readonly number[]>
}

export interface Recovered {
  /** Takes up the work; the shards are open by then. */
  start(): void
}

/** Rejects with LOOM_CORRUPT when the rows are not those that the heads count. */
export async function recover(parts: RecoveryParts, shards: readonly ShardId[] | 'claimed'): Promise<Recovered> {
  const lost: LostAttempt[] = []
  const due: DueEntry[] = []
  const backlog: BacklogEntry[] = []
  const counts = new Map<ShardId, number[]>()
  const horizonMs = parts.dueTasks.startLookingAhead()
  const bounds = { gte: u8(TASK_KINDS.attempt), lt: u8(TASK_KINDS.deadLetter + 1) }
  for await (const rows of parts.medium.scanAll(shards, bounds)) {
    for (const row of rows) {
      const kind = row.key.charCodeAt(0)
      const ofShard = counts.get(row.shard) ?? []
      ofShard[kind] = (ofShard[kind] ?? 0) + 1
      counts.set(row.shard, ofShard)
      if (kind === TASK_KINDS.attempt) lost.push(lostAttempt(row))
      else if (kind === TASK_KINDS.timer) keepIfDue(parts, due, row, horizonMs)
      else if (kind === TASK_KINDS.backlog) {
        const { kind: queue, taskQueue } = readBacklogKey(row.key)
        backlog.push(readBacklogRow(row, queue, taskQueue))
      }
    }
  }
  checkCounts(parts.pendingAtClaim, counts)
  return { start: () => takeUp(parts, lost, due, backlog) }
}

function lostAttempt(row: Row): LostAttempt {
  const { ref, rest } = decodeTask(row.value, 'open attempt')
  const { attempt, stamp } = decodeActivityProgress(arrayOf(rest[1], 'progress'))
  return { ref, hash: row.hash, scheduledEventId: rest[0] as number, attempt, stamp }
}

function keepIfDue({ dueTasks, context }: RecoveryParts, due: DueEntry[], row: Row, horizonMs: number): void {
  const entry = dueTasks.entryOf(row)
  // Stalled code may have been mended: then it is tried at once.
  if (entry.dueAtMs <= horizonMs || entry.type === TIMER_TYPES.stall)
    due.push(entry.type === TIMER_TYPES.stall ? entry.dueNow(context.clock.nowMs()) : entry)
}

/** LevelDB drops what it cannot read without a word: the heads know how much there was. */
function checkCounts(
  wanted: ReadonlyMap<ShardId, readonly number[]>,
  found: ReadonlyMap<ShardId, readonly number[]>,
): void {
  for (const shard of new Set([...wanted.keys(), ...found.keys()])) {
    for (const kind of COUNTED) {
      const counted = wanted.get(shard)?.[kind] ?? 0
      const there = found.get(shard)?.[kind] ?? 0
      if (counted !== there)
        throw new CorruptError(`shard ${shard}: its head counts ${counted} rows of kind ${kind}, there are ${there}`)
    }
  }
}

function takeUp(
  { context, dueTasks }: RecoveryParts,
  lost: readonly LostAttempt[],
  due: readonly DueEntry[],
  backlog: BacklogEntry[],
): void {
  for (const entry of due) context.host.wheel.add(entry)
  backlog.sort((a, b) => a.taskId - b.taskId)
  for (const entry of backlog) context.matching.add(entry)
  dueTasks.lookOn()
  void failLost(context, lost)
}

/** They do not wait for their time-outs: the worker is lost, and the retry policy decides. */
async function failLost(context: HistoryContext, lost: readonly LostAttempt[]): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    for (;;) {
      const attempt = lost[next++]
      if (attempt === undefined) return
      await failOne(context, attempt)
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_LOST_IN_FLIGHT, lost.length) }, one))
}

async function failOne(context: HistoryContext, attempt: LostAttempt): Promise<void> {
  try {
    const execution = await context.findRun(attempt.ref, attempt.hash)
    await execution.cause((turn) => loseActivity(turn, attempt), 0)
  } catch (error) {
    if (
      isLoomError(error, 'LOOM_NOT_FOUND') ||
      isLoomError(error, 'LOOM_EXECUTION_CLOSED') ||
      isLoomError(error, 'LOOM_CLOSED')
    )
      return
    const { workflowId, runId } = attempt.ref
    context.logger.error({ error, workflowId, runId }, 'an attempt whose host is gone could not be failed')
  }
}
