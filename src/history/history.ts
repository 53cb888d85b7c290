/**
 * The history of this host: executions in open shards, their turns, and the verbs that callers and workers use.
 *
 * Everything durable goes through the commit loop; everything else here may be lost at any time and is read back.
 */
import type { Clock } from '../base/clock.js'
import { LoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { Random } from '../base/random.js'
import { UuidV7Source } from '../base/uuid.js'
import { isSticky } from '../machine/sticky.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { MatchingService, TaskStarter } from '../protocol/matching.js'
import type { LocalActivityWorker, LocalWorkflowTask, LocalWorkflowWorker } from '../protocol/local-workers.js'
import type { Settings } from '../protocol/settings.js'
import { retentionKeyDue } from '../queue/task-keys.js'
import { Wheel } from '../queue/wheel.js'
import type { ShardController } from '../shard/controller.js'
import type { Shard } from '../shard/shard.js'
import type { Medium, ShardId } from '../storage/medium.js'
import { ExecutionCache } from './cache.js'
import type { HistoryContext, RunningAttempts } from './context.js'
import type { ExecutionHost, ExecutionView, StagedView } from './contract.js'
import { DeadLetters } from './dead-letters.js'
import { Deletions } from './deletions.js'
import { Dispatcher } from './dispatcher.js'
import type { DueEntry } from './due.js'
import { DueTasks } from './due-tasks.js'
import type { Execution } from './execution.js'
import { fillOpenIds } from './fill-open-ids.js'
import { LateEnds } from './late-ends.js'
import { LimitLog } from './limit-log.js'
import { OpenIds } from './open-ids.js'
import type { TurnRules } from '../machine/turn.js'
import type { SearchAttributeTypes } from '../protocol/search-attributes.js'
import { searchAttributeProblem } from './search-attributes.js'
import { recover } from './recovery.js'
import { Retention } from './retention.js'
import { currentRunKey, decodeCurrentRun, namespaceKey, type CurrentRun, type TaskRef } from './rows.js'
import { RemoteQueries } from './remote-queries.js'
import { Runs } from './runs.js'
import { HistoryVerbs } from './verbs/history-verbs.js'
import { Waiters } from './waiters.js'

export interface HistoryParts {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly settings: Settings
  /** That executions may have, beside those of the machinery. */
  readonly searchAttributes: SearchAttributeTypes
  readonly identity: string
  readonly sdk: string
  readonly controller: ShardController
  readonly matching: (starter: TaskStarter) => MatchingService
  readonly workflowWorker: LocalWorkflowWorker
  readonly activityWorker: LocalActivityWorker & RunningAttempts
  readonly newRequestId: () => string
  readonly onDue?: ((latenessMs: number) => void) | undefined
}

export class History implements ExecutionHost, HistoryContext {
  /** What callers and workers use. */
  readonly verbs: HistoryVerbs
  readonly clock: Clock
  readonly logger: Logger
  readonly limitLog: LimitLog
  readonly settings: Settings
  readonly rules: TurnRules
  readonly identity: string
  readonly sdk: string
  readonly wheel: Wheel
  readonly cache: ExecutionCache
  readonly waiters: Waiters = new Waiters()
  readonly openIds: OpenIds
  readonly runIds: UuidV7Source
  readonly matching: MatchingService
  readonly attempts: RunningAttempts
  readonly queries: LocalWorkflowWorker
  readonly remoteQueries: RemoteQueries
  readonly deadLetters: DeadLetters
  readonly onDue: ((latenessMs: number) => void) | undefined
  readonly #parts: HistoryParts
  readonly #dispatcher: Dispatcher
  readonly deletions: Deletions
  readonly #dueTasks: DueTasks
  readonly #retention: Retention
  readonly #runs: Runs
  readonly #lateEnds: LateEnds = new LateEnds(this)
  /** Why verbs are refused. */
  #closedBy: LoomError | undefined = undefined
  /** Nothing is staged any more. */
  #isClosed = false

  constructor(parts: HistoryParts) {
    this.#parts = parts
    this.clock = parts.clock
    this.logger = parts.logger
    this.limitLog = new LimitLog(parts)
    this.settings = parts.settings
    this.rules = turnRules(parts)
    this.identity = parts.identity
    this.sdk = parts.sdk
    this.onDue = parts.onDue
    this.attempts = parts.activityWorker
    this.queries = parts.workflowWorker
    this.remoteQueries = new RemoteQueries(this, parts.newRequestId)
    this.runIds = new UuidV7Source(parts.random)
    this.openIds = new OpenIds(parts.settings.openIdFilterBytes)
    this.cache = new ExecutionCache(parts.settings.executionCacheCount, parts.clock, (execution) =>
      this.#evicted(execution),
    )
    this.deadLetters = new DeadLetters(this)
    this.#dueTasks = new DueTasks(this, this.deadLetters)
    this.#retention = new Retention(this)
    this.deletions = new Deletions({
      context: this,
      dueAtOnceMs: () => this.#retention.dueAtOnceMs(),
      onLeft: (run) => this.#retention.retryLater(run),
    })
    this.wheel = new Wheel(parts.clock, () => this.#dueTasks.flush())
    this.#runs = new Runs(this)
    this.#dispatcher = new Dispatcher({
      context: this,
      activityWorker: parts.activityWorker,
      incarnation: () => parts.controller.incarnation,
      newRequestId: parts.newRequestId,
    })
    this.matching = parts.matching(this.#dispatcher)
    this.verbs = new HistoryVerbs({ context: this, dispatcher: this.#dispatcher, newRequestId: parts.newRequestId })
  }

  get host(): ExecutionHost {
    return this
  }

  get medium(): Medium {
    return this.#parts.controller.medium
  }

  // ---- the life of the shards

  /** Called by the controller for shards that have become ours. What it gives back is called when they take calls. */
  async opened(medium: Medium, shards: readonly ShardId[] | 'claimed'): Promise<() => void> {
    const { controller } = this.#parts
    const pendingAtClaim = controller.takePendingAtClaim()
    const damagedAtClaim = controller.damaged
    const parts = { context: this, medium, dueTasks: this.#dueTasks, pendingAtClaim, damagedAtClaim }
    const recovered = await recover(parts, shards)
    for (const [shard, error] of recovered.damaged) controller.shardDamaged(shard, error)
    return () => {
      recovered.start()
      if (shards === 'claimed') void fillOpenIds(this, medium)
      this.#retention.opened()
      void this.#lateEnds.look()
    }
  }

  /** Nothing of this shard (undefined: of any) in memory may be used any more. */
  lost(shard: Shard | undefined, error: LoomError): void {
    if (shard === undefined) this.openIds.forget()
    this.#retention.lost()
    for (const execution of [...this.cache.values()]) {
      if (shard !== undefined && execution.shard !== shard) continue
      this.cache.remove(execution)
      this.waiters.keep(execution, (run) => this.verbs.waitClosed(run))
      execution.abandon(error)
    }
  }

  /** The store will not be opened again: nobody waits for what cannot come. */
  failed(error: LoomError): void {
    this.waiters.failAll(error)
  }

  /** Verbs are refused from now on; what is under way goes on. */
  refuseCalls(error: LoomError): void {
    this.#closedBy = error
    this.#lateEnds.close()
  }

  /** No turn is made any more; those that wait for an end hear that the loom is closed. */
  close(error: LoomError): void {
    this.refuseCalls(error)
    this.#isClosed = true
    this.#dueTasks.close()
    this.#retention.close()
    this.wheel.close()
    for (const execution of [...this.cache.values()]) {
      this.cache.remove(execution)
      execution.closedSlot?.fail(error)
      execution.abandon(error)
    }
    this.waiters.failAll(error)
    this.remoteQueries.close(error)
  }

  // ---- what executions ask of their host

  nextTaskId(): number {
    return this.#parts.controller.nextTaskId()
  }

  retentionDueMs(closed: HistoryEvent, isDoomed: boolean): number | undefined {
    return isDoomed ? this.#retention.dueAtOnceMs() : this.#retention.dueMs(closed.eventTimeMs)
  }

  acceptsCode(execution: ExecutionView): boolean {
    const { taskQueue, workflowType } = execution.state.started!.attributes
    return this.acceptsType(execution.namespaceId, taskQueue, workflowType)
  }

  acceptsType(namespaceId: string, taskQueue: string, workflowType: string): boolean {
    return this.#parts.workflowWorker.accepts(namespaceId, taskQueue, workflowType)
  }

  workflowQueueOf({ namespaceId, state }: ExecutionView): string {
    const { workflowTask, workflowTaskProgress, started } = state
    if (workflowTask !== undefined && isSticky(workflowTask) && workflowTaskProgress === undefined) {
      const { taskQueue } = workflowTask
      if (this.matching.isPolled('workflow', namespaceId, taskQueue)) return taskQueue
    }
    return started!.attributes.taskQueue
  }

  wakeCode(task: LocalWorkflowTask): void {
    this.#parts.workflowWorker.wake(task)
  }

  dropCode(code: unknown): void {
    this.#parts.workflowWorker.evicted(code)
  }

  fingerprint(workflowType: string): string {
    return this.#parts.workflowWorker.fingerprint(workflowType)
  }

  dispatch(execution: ExecutionView, staged: StagedView): void {
    const { tasks } = execution.turn
    for (let i = 0; i < tasks.length; i++) this.#dispatcher.dispatch(execution, staged, tasks[i]!)
  }

  staged(shard: Shard): void {
    this.#parts.controller.touch(shard)
  }

  turnDurable(staged: StagedView): void {
    if (staged.due !== undefined) this.#dueTasks.arm(staged.due)
    if (staged.closing !== undefined) this.#closedDurably(staged.execution as Execution)
  }

  #closedDurably(execution: Execution): void {
    this.cache.closed(execution)
    this.openIds.remove(execution.hash, execution.workflowId.length)
    this.waiters.closed(execution)
    this.remoteQueries.closed(execution)
    execution.dropCode()
    if (execution.retentionKey !== undefined) this.#retention.wake(retentionKeyDue(execution.retentionKey))
  }

  #evicted(execution: Execution): void {
    this.waiters.keep(execution, (run) => this.verbs.waitClosed(run))
    execution.leave()
  }

  gatherDue(entry: DueEntry): void {
    this.#dueTasks.gather(entry)
  }

  failShard(shard: Shard, error: Error): void {
    this.logger.error({ error, shard: shard.id }, 'an assertion failed: the shard is closed and read back')
    this.#parts.controller.failShard(
      shard,
      new LoomError('LOOM_UNAVAILABLE', 'the shard met a mistake of ours and is read back', { cause: error }),
    )
  }

  readDurable(execution: ExecutionView): Promise<readonly HistoryEvent[]> {
    return this.#runs.readDurable(execution as Execution)
  }

  // ---- what the verbs work with

  /** Executions that were found in memory, and that were read back. */
  get cacheStats(): { readonly executionHitCount: number; readonly executionReadCount: number } {
    return { executionHitCount: this.cache.hitCount, executionReadCount: this.#runs.readCount }
  }

  get refusal(): LoomError | undefined {
    return this.#closedBy
  }

  shardOfHash(hash: number): Shard {
    if (this.#isClosed) throw this.#closedBy!
    return this.#parts.controller.shardOfHash(hash)
  }

  findRun(ref: TaskRef, hash: number): Promise<Execution> {
    return this.#runs.find(ref, hash)
  }

  async readCurrentRun(namespaceId: string, workflowId: string, hash: number): Promise<CurrentRun | undefined> {
    const row = { key: currentRunKey(namespaceKey(namespaceId), workflowId), hash }
    const { medium } = this
    const shard = this.shardOfHash(hash)
    const bytes =
      medium.getSync === undefined
        ? await this.cache.readCurrent(namespaceId, workflowId, async () => (await medium.getMany(shard.id, [row]))[0])
        : medium.getSync(shard.id, row)
    return bytes === undefined ? undefined : decodeCurrentRun(bytes, workflowId)
  }

  forgetRun({ runId, workflowId }: TaskRef): void {
    this.cache.forget({ runId, workflowId })
    this.#runs.forget(runId)
  }

  runClosed(execution: Execution): Promise<HistoryEvent> {
    return this.#runs.waitClosed(execution)
  }

  readEvents(execution: Execution): AsyncGenerator<readonly HistoryEvent[]> {
    return this.#runs.readEvents(execution)
  }
}

function turnRules({ settings, searchAttributes }: HistoryParts): TurnRules {
  return {
    ...settings,
    searchAttributeProblem: (given, all) => searchAttributeProblem(given, all, searchAttributes, settings),
  }
}
