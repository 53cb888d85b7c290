/**
 * The timer queue of a host: what the wheel says is due becomes turns, and timers far ahead are read when their time comes near.
 *
 * Each task may run twice and asks the state whether it still means something; its row is deleted by the commit that makes
 * it moot. A task that keeps failing goes to the dead letters, so that it holds nobody up.
 */
import { backoffMs } from '../base/backoff.js'
import { isLoomError } from '../base/errors.js'
import { retryActivity } from '../machine/activity-attempt.js'
import { timeoutActivity } from '../machine/activity-end.js'
import { timeoutStickyTask } from '../machine/sticky.js'
import type { LiveTurn } from '../machine/machine.js'
import { fireTimers } from '../machine/timer.js'
import { retryStalledWorkflowTask } from '../machine/local-workflow-task.js'
import { timeoutRun } from '../machine/run-timeout.js'
import { endFirstTaskWait, timeoutWorkflowTask, workflowTaskBackoffOver } from '../machine/workflow-task.js'
import { keyTaskId, timerKey, timerKeyDue } from '../queue/task-keys.js'
import { WheelEntry } from '../queue/wheel.js'
import type { Row } from '../storage/medium.js'
import type { HistoryContext } from './context.js'
import type { DeadLetters } from './dead-letters.js'
import { DueEntry, TIMER_TYPES } from './due.js'
import { isShardGone } from './errors.js'
import type { Execution } from './execution.js'
import { decodeTask } from './rows.js'

export class DueTasks {
  readonly #context: HistoryContext
  readonly #deadLetters: DeadLetters
  /** What the wheel gave since it last stood still. */
  #gathered: DueEntry[] = []
  /** Timers due up to here are in memory, or were, or are being read. */
  #horizonMs = 0
  /** Those due up to here were read. Behind `#horizonMs` while a window is read, and until it could be. */
  #readUpToMs = 0
  /** How often the whole store was opened: what was being read before that counts no more. */
  #openings = 0
  /** Windows that could not be read, one after the other. */
  #failedLooks = 0
  /** On the wheel: one, however often shards were opened. */
  #nextLook: WheelEntry | undefined = undefined
  #isClosed = false

  constructor(context: HistoryContext, deadLetters: DeadLetters) {
    this.#context = context
    this.#deadLetters = deadLetters
  }

  gather(entry: DueEntry): void {
    this.#gathered.push(entry)
  }

  /** The wheel has stopped: what is due of one execution becomes one turn. */
  flush(): void {
    const gathered = this.#gathered
    if (gathered.length === 0) return
    this.#gathered = []
    const { onDue, clock } = this.#context
    // The wheel gives them in their order: the first is the latest.
    if (onDue !== undefined) onDue(Math.max(0, clock.nowMs() - gathered[0]!.dueAtMs))
    const byRun = new Map<string, DueEntry[]>()
    for (const entry of gathered) {
      const entries = byRun.get(entry.runId)
      if (entries === undefined) byRun.set(entry.runId, [entry])
      else entries.push(entry)
    }
    for (const entries of byRun.values()) this.#handle(entries, 1)
  }

  close(): void {
    this.#isClosed = true
    this.#gathered = []
  }

  // ---- one execution's due tasks

  #handle(entries: readonly DueEntry[], attempt: number): void {
    const first = entries[0]!
    const execution = this.#context.cache.run(first.runId)
    if (execution === undefined) void this.#load(entries, attempt)
    else this.#submit(execution, entries, attempt)
  }

  async #load(entries: readonly DueEntry[], attempt: number): Promise<void> {
    const first = entries[0]!
    try {
      this.#submit(await this.#context.findRun(first, first.hash), entries, attempt)
    } catch (error) {
      this.#failed(entries, attempt, error)
    }
  }

  #submit(execution: Execution, entries: readonly DueEntry[], attempt: number): void {
    const decide = (turn: LiveTurn): void => {
      const timers = entries.filter(({ type }) => type === TIMER_TYPES.user)
      if (timers.length > 0)
        fireTimers(
          turn,
          timers.map(({ name, itemId }) => ({ timerId: name, startedEventId: itemId })),
        )
      for (const entry of entries) if (entry.type !== TIMER_TYPES.user) fire(turn, entry)
    }
    const failed = (error: Error): void => this.#failed(entries, attempt, error)
    // What closes the run waits for the end of an open task, as a terminate does.
    if (entries.some(({ type }) => type === TIMER_TYPES.run)) execution.transact(decide).catch(failed)
    else execution.submitCause({ decide, resolve: ignore, reject: failed })
  }

  #failed(entries: readonly DueEntry[], attempt: number, error: unknown): void {
    if (this.#isClosed || isLoomError(error, 'LOOM_NOT_FOUND') || isLoomError(error, 'LOOM_EXECUTION_CLOSED')) return
    if (isShardGone(error)) return
    const { logger, settings, host } = this.#context
    const { workflowId, runId } = entries[0]!
    if (attempt >= settings.maxTaskAttempts || isLoomError(error, 'LOOM_CORRUPT')) {
      logger.error(
        { error, workflowId, runId, attempt },
        'a task of the timer queue is given up and goes to the dead letters',
      )
      for (const entry of entries) this.#deadLetters.add(entry, error)
      return
    }
    logger.warn({ error, workflowId, runId, attempt }, 'a task of the timer queue failed and is tried again')
    const backoff = { initialMs: settings.dueRetryInitialMs, coefficient: 2, maximumMs: settings.dueRetryMaximumMs }
    const again = new Retry(Math.ceil(this.#context.clock.nowMs() + backoffMs(backoff, attempt)), () =>
      this.#handle(entries, attempt + 1),
    )
    host.wheel.add(again)
  }

  // ---- looking ahead

  /** A turn is durable: what of it is due soon goes on the wheel; the rest is read when its time comes near. */
  arm(entries: readonly DueEntry[]): void {
    const { wheel } = this.#context.host
    for (const entry of entries)
      if (!entry.isGone && (entry.dueAtMs <= this.#horizonMs || entry.type === TIMER_TYPES.attempt)) wheel.add(entry)
  }

  /**
   * How far a scan at open has to keep timers; called before it. Shards that are claimed again do not move the window: nobody
   * has read the timers of the others that far.
   */
  startLookingAhead(isWholeStore: boolean): number {
    const untilMs = this.#context.clock.nowMs() + this.#context.settings.timerLookAheadMs
    if (!isWholeStore) return Math.max(untilMs, this.#horizonMs)
    this.#openings++
    this.#failedLooks = 0
    return (this.#readUpToMs = this.#horizonMs = untilMs)
  }

  /** The shards are open: from now on the next window is read before the last has passed. */
  lookOn(): void {
    this.#lookAt(Math.floor(this.#horizonMs - this.#context.settings.timerLookAheadMs / 4))
  }

  #lookAt(atMs: number): void {
    const { wheel } = this.#context.host
    if (this.#nextLook !== undefined) wheel.remove(this.#nextLook)
    this.#nextLook = new Retry(atMs, () => void this.#readAhead())
    wheel.add(this.#nextLook)
  }

  async #readAhead(): Promise<void> {
    if (this.#isClosed) return
    const { clock, settings } = this.#context
    const opening = this.#openings
    const untilMs = Math.max(this.#horizonMs, clock.nowMs() + settings.timerLookAheadMs)
    // First, so that a timer made while this reads goes on the wheel by itself. Twice on the wheel is once too often, and moot.
    this.#horizonMs = untilMs
    try {
      await this.#readWindow(this.#readUpToMs, untilMs)
      if (this.#isClosed || opening !== this.#openings) return
      this.#readUpToMs = Math.max(this.#readUpToMs, untilMs)
      this.#failedLooks = 0
      this.lookOn()
    } catch (error) {
      if (!this.#isClosed && opening === this.#openings) this.#lookAgain(error)
    }
  }

  async #readWindow(afterMs: number, untilMs: number): Promise<void> {
    const { medium, host } = this.#context
    const bounds = { gte: timerKey(afterMs + 1, 0), lt: timerKey(untilMs + 1, 0) }
    for await (const rows of medium.scanAll('claimed', bounds)) {
      if (this.#isClosed) return
      for (const row of rows) if (this.#isWaiting(row)) host.wheel.add(this.entryOf(row))
    }
  }

  /** Its task was not given up. In a shard that is not open just now nobody knows, and it may be due twice. */
  #isWaiting(row: Row): boolean {
    try {
      return this.#context.shardOfHash(row.hash).letterOf(keyTaskId(row.key)) === undefined
    } catch (error) {
      return !isLoomError(error, 'LOOM_CORRUPT')
    }
  }

  /** The window stays to be read: a timer in it would not fire before the store is opened again. */
  #lookAgain(error: unknown): void {
    const { clock, settings, logger } = this.#context
    logger.warn({ error }, 'timers ahead could not be read; they are read again')
    const backoff = { initialMs: settings.dueRetryInitialMs, coefficient: 2, maximumMs: settings.dueRetryMaximumMs }
    this.#lookAt(Math.ceil(clock.nowMs() + backoffMs(backoff, ++this.#failedLooks)))
  }

  entryOf(row: Row): DueEntry {
    const { ref, rest } = decodeTask(row.value, 'timer')
    const [type, itemId, attempt, stamp, name] = rest as [number, number, number, number, string]
    const due = { dueAtMs: timerKeyDue(row.key), attempt, stamp }
    return new DueEntry(
      { ...ref, hash: row.hash, host: this.#context.host },
      type,
      itemId,
      due,
      keyTaskId(row.key),
      name,
    )
  }
}

/** The task means something only while the state says so. */
function fire(turn: LiveTurn, entry: DueEntry): void {
  const { itemId, attempt } = entry
  const { state } = turn
  switch (entry.type) {
    case TIMER_TYPES.activity:
    case TIMER_TYPES.attempt:
      return fireActivity(turn, entry)
    case TIMER_TYPES.workflowTask: {
      const progress = state.workflowTaskProgress
      if (progress?.isBackingOff === true) workflowTaskBackoffOver(turn, { scheduledEventId: itemId, attempt })
      else if (progress === undefined) timeoutStickyTask(turn, itemId)
      else timeoutWorkflowTask(turn, { scheduledEventId: itemId, startedEventId: progress.startedEventId, attempt })
      return
    }
    case TIMER_TYPES.firstTask:
      endFirstTaskWait(turn)
      return
    case TIMER_TYPES.run:
      timeoutRun(turn, entry.dueAtMs)
      return
    case TIMER_TYPES.stall:
      // Once at each open, too: what was mended may be in any file, and no fingerprint would show it.
      retryStalledWorkflowTask(turn)
      return
  }
}

/** The end of a back-off, or the earliest time-out of the phase that the attempt is in now. */
function fireActivity(turn: LiveTurn, { itemId: scheduledEventId, attempt, stamp, dueAtMs }: DueEntry): void {
  if (turn.state.activityProgress?.get(scheduledEventId)?.phase === 'backoff')
    retryActivity(turn, { scheduledEventId, attempt })
  else timeoutActivity(turn, { scheduledEventId, attempt, stamp, dueAtMs })
}

class Retry extends WheelEntry {
  readonly #act: () => void

  constructor(dueAtMs: number, act: () => void) {
    super(dueAtMs, 0)
    this.#act = act
  }

  fire(): void {
    this.#act()
  }
}

function ignore(): void {}
