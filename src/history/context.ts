/** What the verbs of history work with. */
import type { Clock } from '../base/clock.js'
import type { LoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { UuidV7Source } from '../base/uuid.js'
import type { MatchingService } from '../protocol/matching.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import type { LocalWorkflowWorker } from '../protocol/local-workers.js'
import type { Settings } from '../protocol/settings.js'
import type { Shard } from '../shard/shard.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { Medium } from '../storage/medium.js'
import type { ExecutionCache } from './cache.js'
import type { ExecutionHost } from './contract.js'
import type { Execution } from './execution.js'
import type { OpenIds } from './open-ids.js'
import type { ClosedRun } from './retention-row.js'
import type { CurrentRun, TaskRef } from './rows.js'
import type { RemoteQueries } from './remote-queries.js'
import type { Waiters } from './waiters.js'

/** What goes on in this process, whatever became of the shard that it is of. */
export interface RunningAttempts {
  /** Does an activity worker of this process run that attempt, and will its end be told? */
  isRunning(token: ActivityTaskToken): boolean
}

/** Takes closed runs away. */
export interface RunDeletions {
  /** Resolves when nobody finds the run any more; the rest of a long history goes in the background. */
  delete(run: ClosedRun): Promise<void>
  /** Resolves when no row of it is left, or the rest is to be tried again. */
  deleteWhole(run: ClosedRun): Promise<void>
  /**
   * Stages all of a run in the commit that gathers on its shard. 'long': that takes reading first. 'later': the run that
   * follows it is on its way to the medium.
   */
  stageShort(run: ClosedRun, shard: Shard): 'staged' | 'long' | 'later'
  /** What `stageShort` staged is durable. */
  hidden(run: ClosedRun): void
}

export interface HistoryContext {
  readonly host: ExecutionHost
  /** Why verbs are refused; undefined while they are not. */
  readonly refusal: LoomError | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: Settings
  readonly cache: ExecutionCache
  readonly waiters: Waiters
  readonly openIds: OpenIds
  readonly deletions: RunDeletions
  readonly runIds: UuidV7Source
  readonly matching: MatchingService
  readonly medium: Medium
  /** Told how late what is due was handled, ms; undefined: nobody asks. */
  readonly onDue: ((latenessMs: number) => void) | undefined
  acceptsType(namespaceId: string, taskQueue: string, workflowType: string): boolean
  readonly attempts: RunningAttempts
  readonly queries: Pick<LocalWorkflowWorker, 'query'>
  readonly remoteQueries: RemoteQueries
  /** Throws LOOM_UNAVAILABLE while it is not open, LOOM_CORRUPT when it cannot be, LOOM_CLOSED when the loom is. */
  shardOfHash(hash: number): Shard
  /** From the cache, or read back and kept there when it is open. Rejects with LOOM_NOT_FOUND. */
  findRun(ref: TaskRef, hash: number): Promise<Execution>
  /** The current run of a workflow id, as its row says; undefined when there never was one. */
  readCurrentRun(namespaceId: string, workflowId: string, hash: number): Promise<CurrentRun | undefined>
  /** It is deleted: nobody is to find it in memory. */
  forgetRun(ref: TaskRef): void
  /** The closing event of a run, now or later. */
  runClosed(execution: Execution): Promise<HistoryEvent>
  /** Events of a run, durable ones only, from the medium. */
  readEvents(execution: Execution): AsyncGenerator<readonly HistoryEvent[]>
}
