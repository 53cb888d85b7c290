/** What operators ask of a loom: its shards, its dead letters, its numbers. */
import type { LoomError } from '../base/errors.js'
import type { DeadLetter } from '../history/dead-letters.js'
import { TASK_KINDS, type Shard } from '../shard/shard.js'

/** A shard that this host has, and what waits in it. A shard that was never written to is not listed. */
export interface ShardDescription {
  /** Its index in the ring, from 0. */
  readonly shard: number
  /** Raised each time that somebody claims the shard. */
  readonly epoch: number
  /** Attempts of activities that run in this process. */
  readonly attemptCount: number
  /** Timers, time-outs and waits before the next attempt. */
  readonly timerCount: number
  /** Tasks that wait for a worker. */
  readonly backlogCount: number
  readonly deadLetterCount: number
}

/** Numbers of one host, since it was opened. */
export interface LoomStats {
  /** Commits. */
  readonly flushCount: number
  /** Rows that were written by them. */
  readonly rowCount: number
  /** Turns of executions in them: one writes its rows in one commit. */
  readonly turnCount: number
  /** Commits that were refused because another host had claimed their shard. */
  readonly fencedCount: number
  /** Executions that were found in memory when they were needed. */
  readonly executionHitCount: number
  /** Executions that had to be read back. */
  readonly executionReadCount: number
  /** Open executions whose code cannot go on. */
  readonly stalledCount: number
  /** Timers, time-outs and waits before the next attempt, of all shards of this host. */
  readonly timerCount: number
  /** Tasks that wait for a worker. */
  readonly backlogCount: number
  /** Tasks of queues that were given up. */
  readonly deadLetterCount: number
  /** Executions in memory. */
  readonly executionCount: number
  /** Those of them whose code is in memory, too. */
  readonly codeCount: number
  /** Runs that were deleted, by retention or on request. */
  readonly deletedRunCount: number
  /** Attempts that are running. */
  readonly runningActivityCount: number
}

/** Tasks of a shard's queues that were given up after `maxTaskAttempts` failures. */
export interface DeadLetterAdmin {
  /** In the order of their shards. */
  list(): Promise<readonly DeadLetter[]>
  /** Its task is tried again; durable when it resolves. False when there is no such letter. */
  retry(id: number): Promise<boolean>
  /** It is forgotten, and its task with it. False when there is no such letter. */
  purge(id: number): Promise<boolean>
}

/** What operators ask. */
export interface LoomAdmin {
  readonly deadLetters: DeadLetterAdmin
  readonly shards: {
    /** Those that this host has, in the order of their index. */
    list(): readonly ShardDescription[]
  }
  /** Its numbers now; also after it was closed. */
  stats(): LoomStats
}

export interface AdminParts {
  readonly deadLetters: DeadLetterAdmin
  readonly knownShards: () => readonly Shard[]
  readonly stats: () => LoomStats
  /** Why nothing is answered any more, if so. */
  readonly closedBy: () => LoomError | undefined
}

export function loomAdmin({ deadLetters, knownShards, stats, closedBy }: AdminParts): LoomAdmin {
  const checkOpen = (): void => {
    const error = closedBy()
    if (error !== undefined) throw error
  }
  return {
    deadLetters: {
      list: async () => {
        checkOpen()
        return await deadLetters.list()
      },
      retry: async (id) => {
        checkOpen()
        return await deadLetters.retry(id)
      },
      purge: async (id) => {
        checkOpen()
        return await deadLetters.purge(id)
      },
    },
    shards: {
      list: () => {
        checkOpen()
        return knownShards()
          .map(describe)
          .sort((a, b) => a.shard - b.shard)
      },
    },
    stats,
  }
}

/** What the shards of a host count, together. */
export function shardTotals(
  shards: readonly Shard[],
): Pick<LoomStats, 'stalledCount' | 'timerCount' | 'backlogCount' | 'deadLetterCount'> {
  const totals = { stalledCount: 0, timerCount: 0, backlogCount: 0, deadLetterCount: 0 }
  for (const shard of shards) {
    totals.stalledCount += shard.stalledCount
    totals.timerCount += shard.pendingOf(TASK_KINDS.timer)
    totals.backlogCount += shard.pendingOf(TASK_KINDS.backlog)
    totals.deadLetterCount += shard.letterCount
  }
  return totals
}

function describe(shard: Shard): ShardDescription {
  return {
    shard: shard.index,
    epoch: shard.fence.epoch,
    attemptCount: shard.pendingOf(TASK_KINDS.attempt),
    timerCount: shard.pendingOf(TASK_KINDS.timer),
    backlogCount: shard.pendingOf(TASK_KINDS.backlog),
    deadLetterCount: shard.letterCount,
  }
}
