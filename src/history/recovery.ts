/**
 * What a host does with shards that have become its own: reads their task rows, counts them against the heads, and takes up
 * the work that they name.
 *
 * Proportional to what is pending: a parked execution has no row here, and is not read. Damage in one shard's rows is that
 * shard's alone.
 */
import { isLoomError, type LoomError } from '../base/errors.js'
import { u8 } from '../base/bytes.js'
import { loseActivity } from '../machine/activity-end.js'
import type { BacklogEntry } from '../protocol/matching.js'
import { keyTaskId, readBacklogKey } from '../queue/task-keys.js'
import { TASK_KINDS } from '../shard/shard.js'
import type { Letter } from '../shard/shard.js'
import { CorruptError } from '../storage/errors.js'
import type { Medium, Row, ShardId } from '../storage/medium.js'
import type { HistoryContext } from './context.js'
import { readBacklogRow } from './backlog-row.js'
import type { DueTasks } from './due-tasks.js'
import { decodeLetter } from './dead-letters.js'
import { DueEntry, TIMER_TYPES } from './due.js'
import { isShardGone } from './errors.js'
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
  /** When it times out, if it still runs here; 0: never. */
  readonly dueAtMs: number
  readonly taskId: number
}

interface FoundLetter {
  readonly hash: number
  readonly taskId: number
  readonly letter: Letter
}

/** What the task rows of one shard name. */
class Found {
  readonly attempts: LostAttempt[] = []
  readonly due: DueEntry[] = []
  readonly backlog: BacklogEntry[] = []
  readonly letters: FoundLetter[] = []
  /** Rows by kind. */
  readonly counts: number[] = new Array<number>(TASK_KINDS.deadLetter + 1).fill(0)
}

export interface RecoveryParts {
  readonly context: HistoryContext
  readonly medium: Medium
  readonly dueTasks: DueTasks
  /** What the heads count, by shard and kind. */
  readonly pendingAtClaim: ReadonlyMap<ShardId, readonly number[]>
  /** Shards whose heads are not readable: their rows mean nothing. */
  readonly damagedAtClaim: ReadonlyMap<ShardId, LoomError>
}

export interface Recovered {
  /** Shards whose rows cannot be read, or are not those that their heads count. Nothing of them is taken up. */
  readonly damaged: ReadonlyMap<ShardId, LoomError>
  /** Takes up the work; the shards are open by then. */
  start(): void
}

export async function recover(parts: RecoveryParts, shards: readonly ShardId[] | 'claimed'): Promise<Recovered> {
  const found = new Map<ShardId, Found>()
  const damaged = new Map<ShardId, LoomError>()
  const horizonMs = parts.dueTasks.startLookingAhead(shards === 'claimed')
  const bounds = { gte: u8(TASK_KINDS.attempt), lt: u8(TASK_KINDS.deadLetter + 1) }
  for await (const rows of parts.medium.scanAll(shards, bounds)) {
    for (const row of rows) {
      if (parts.damagedAtClaim.has(row.shard) || damaged.has(row.shard)) continue
      let ofShard = found.get(row.shard)
      if (ofShard === undefined) found.set(row.shard, (ofShard = new Found()))
      try {
        keep(parts, ofShard, row, horizonMs)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        damaged.set(row.shard, error)
      }
    }
  }
  checkCounts(parts.pendingAtClaim, found, damaged)
  for (const shard of damaged.keys()) found.delete(shard)
  return { damaged, start: () => takeUp(parts, [...found.values()]) }
}

function keep(parts: RecoveryParts, found: Found, row: Row, horizonMs: number): void {
  const kind = row.key.charCodeAt(0)
  found.counts[kind] = found.counts[kind]! + 1
  if (kind === TASK_KINDS.attempt) found.attempts.push(lostAttempt(row))
  else if (kind === TASK_KINDS.timer) keepIfDue(parts, found.due, row, horizonMs)
  else if (kind === TASK_KINDS.backlog) {
    const { kind: queue, taskQueue } = readBacklogKey(row.key)
    found.backlog.push(readBacklogRow(row, queue, taskQueue))
  } else if (kind === TASK_KINDS.deadLetter) {
    const { taskId, isPurged } = decodeLetter(row).fields
    found.letters.push({ hash: row.hash, taskId, letter: { key: row.key, isPurged } })
  }
}

function lostAttempt(row: Row): LostAttempt {
  const { ref, rest } = decodeTask(row.value, 'open attempt')
  const { attempt, stamp, dueAtMs } = decodeActivityProgress(arrayOf(rest[1], 'progress'))
  const scheduledEventId = rest[0] as number
  return { ref, hash: row.hash, scheduledEventId, attempt, stamp, dueAtMs, taskId: keyTaskId(row.key) }
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
  found: ReadonlyMap<ShardId, Found>,
  damaged: Map<ShardId, LoomError>,
): void {
  for (const shard of new Set([...wanted.keys(), ...found.keys()])) {
    for (const kind of COUNTED) {
      const counted = wanted.get(shard)?.[kind] ?? 0
      const there = found.get(shard)?.counts[kind] ?? 0
      if (counted === there || damaged.has(shard)) continue
      const message = `shard ${shard}: its head counts ${counted} rows of kind ${kind}, there are ${there}`
      damaged.set(shard, new CorruptError(message))
    }
  }
}

function takeUp({ context, dueTasks }: RecoveryParts, found: readonly Found[]): void {
  const { wheel } = context.host
  const backlog: BacklogEntry[] = []
  const lost: LostAttempt[] = []
  for (const { letters, due, backlog: waiting, attempts } of found) {
    const givenUp = new Set<number>()
    for (const { hash, taskId, letter } of letters) {
      context.shardOfHash(hash).keepLetter(taskId, letter)
      givenUp.add(taskId)
    }
    for (const entry of due) {
      if (entry.type === TIMER_TYPES.stall) context.shardOfHash(entry.hash).stalledCount++
      if (!givenUp.has(entry.order)) wheel.add(entry)
    }
    for (const entry of waiting) backlog.push(entry)
    for (const attempt of attempts) if (!goesOn(context, attempt)) lost.push(attempt)
  }
  backlog.sort((a, b) => a.taskId - b.taskId)
  for (const entry of backlog) context.matching.add(entry)
  dueTasks.lookOn()
  void failLost(context, lost)
}

/** A shard may be lost and claimed again while its attempts run here: they go on, and so does their time. */
function goesOn(context: HistoryContext, lost: LostAttempt): boolean {
  const { ref, hash, scheduledEventId, attempt, stamp, dueAtMs, taskId } = lost
  if (!context.attempts.isRunning({ ...ref, scheduledEventId, attempt, stamp, version: 0 })) return false
  const { host } = context
  if (dueAtMs > 0)
    host.wheel.add(
      new DueEntry({ ...ref, hash, host }, TIMER_TYPES.attempt, scheduledEventId, { dueAtMs, attempt, stamp }, taskId),
    )
  return true
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
    const isMoot = isLoomError(error, 'LOOM_NOT_FOUND') || isLoomError(error, 'LOOM_EXECUTION_CLOSED')
    if (isMoot || isShardGone(error)) return
    const { workflowId, runId } = attempt.ref
    context.logger.error({ error, workflowId, runId }, 'an attempt whose host is gone could not be failed')
  }
}
