/**
 * The composition root: makes every part of a loom, opens it, and takes it down in the opposite order.
 *
 * Invariant: nothing is opened before everything that was given has been checked, and nothing is left on the event loop
 * when `close` has resolved.
 */
import { durationMs, type Duration } from './base/duration.js'
import { LoomError } from './base/errors.js'
import type { Random } from './base/random.js'
import { loomAdmin, shardTotals, type LoomAdmin, type LoomStats } from './client/admin.js'
import type { ActivityHandle, ActivityIds } from './client/activity-handle.js'
import { CheckedService } from './client/checked-service.js'
import { Client } from './client/client.js'
import type { StartedHandle, WorkflowHandle } from './client/handle.js'
import { hooksOf } from './client/interceptors.js'
import { Observers } from './client/observers.js'
import { checkNames } from './client/known-names.js'
import { checkedLoomOptions, type CheckedLoomOptions, type LoomOptions } from './client/loom-options.js'
import { requestIdSource } from './client/request-ids.js'
import type { SignalWithStartOptions, StartOptions } from './client/start-options.js'
import { History } from './history/history.js'
import { recordActivityTaskHeartbeat } from './history/verbs/activity-verbs.js'
import { Matching } from './matching/matching.js'
import type { HistoryEvent } from './protocol/event.js'
import type { ExecutionRef } from './protocol/ids.js'
import type { BacklogEntry } from './protocol/matching.js'
import type { HistoryService } from './protocol/services.js'
import { ShardController } from './shard/controller.js'
import { ActivityWorker } from './worker/activity-worker.js'
import { DeferredLog } from './worker/deferred-log.js'
import { WorkflowWorker } from './worker/workflow-worker.js'
import type { SignalNames, Workflow, WorkflowResult } from './workflow/definition.js'
import { STEP_PREFIX } from './workflow/steps.js'
import { Train } from './workflow/train.js'

/** Name and version, as histories show it. */
const SDK = 'shardloom/0.1.0'
const DEFAULT_GRACE_MS = 10_000
const INCARNATION_BYTES = 16
/** Of a commit: a turn may bring as much in its commands as in what caused them, and rows have their own weight. */
const TURNS_SHARE = 3 / 8

/** How a loom is closed. */
export interface CloseOptions {
  /** How long running activities have before their signals are aborted: ms, or a text such as '30 s'. Default 10 s. */
  readonly graceMs?: Duration | undefined
}

const CLOSE_OPTIONS: readonly (keyof CloseOptions)[] = ['graceMs']

/**
 * Opens a loom: durable workflows in this process. Resolves when it takes calls.
 *
 * Rejects, with nothing held, with LOOM_INVALID_ARGUMENT (the message names the option), LOOM_MEDIUM_BUSY (another process
 * or loom has the store), LOOM_STORE_MISMATCH (it was made with another `shardCount`), LOOM_CORRUPT or LOOM_UNAVAILABLE.
 */
export async function openLoom(options: LoomOptions): Promise<Loom> {
  const parts = compose(checkedLoomOptions(options))
  try {
    await parts.controller.open()
  } catch (error) {
    parts.history.close(closedError())
    throw error
  }
  const loom = new Loom(parts)
  parts.observers.opened(() => loom.admin.stats())
  return loom
}

interface LoomParts {
  readonly options: CheckedLoomOptions
  readonly controller: ShardController
  readonly history: History
  readonly service: HistoryService
  readonly matching: Matching
  readonly workflowWorker: WorkflowWorker
  readonly activityWorker: ActivityWorker
  readonly client: Client
  readonly observers: Observers
}

/** An open loom: starts executions, finds them, and runs what its workers can. Made by `openLoom`. */
export class Loom {
  readonly #parts: LoomParts
  #closing: Promise<void> | undefined
  #closedBy: LoomError | undefined
  /** For operators. */
  readonly admin: LoomAdmin

  /** @internal */
  constructor(parts: LoomParts) {
    this.#parts = parts
    this.admin = loomAdmin({
      deadLetters: parts.history.deadLetters,
      knownShards: () => parts.controller.knownShards(),
      stats: () => this.#stats(),
      closedBy: () => this.#closedBy,
    })
  }

  /** Of the namespace that this loom was opened for: a UUID. */
  get namespaceId(): string {
    return this.#parts.options.namespaceId
  }

  /** The verbs as plain data: what clients and workers of other processes speak, through whatever carries it. */
  get service(): HistoryService {
    return this.#parts.service
  }

  /**
   * Starts an execution; resolves when it is durable. `workflow` is a definition, or the name of one.
   *
   * Rejects with LOOM_INVALID_ARGUMENT when something given does not fit, and then nothing was written, and with
   * LOOM_ALREADY_EXISTS when the policies of `options` refuse the id.
   */
  start<W extends Workflow = Workflow>(workflow: W | string, options: StartOptions<W>): Promise<StartedHandle<W>> {
    return this.#parts.client.start(workflow, options)
  }

  /**
   * Signals the open execution of the id, as it is; where none is open it starts one whose history begins with the signal.
   * Resolves when that is durable. Rejects as `start` does, and when the signal does not fit.
   */
  signalWithStart<W extends Workflow, K extends SignalNames<W>>(
    workflow: W | string,
    options: SignalWithStartOptions<W, K>,
  ): Promise<StartedHandle<W>> {
    return this.#parts.client.signalWithStart(workflow, options)
  }

  /** Starts an execution and waits for its result: rejects as `start` and `result()` do. */
  execute<W extends Workflow = Workflow>(workflow: W | string, options: StartOptions<W>): Promise<WorkflowResult<W>> {
    return this.#parts.client.execute(workflow, options)
  }

  /**
   * A handle of an execution that was started somewhere, some time; of its current run unless `runId` is given. With its
   * definition first the handle is typed, and checks what is sent and received. Asks nothing of the store.
   */
  handle(workflowId: string, runId?: string): WorkflowHandle
  handle<W extends Workflow>(workflow: W, workflowId: string, runId?: string): WorkflowHandle<W>
  handle(first: string | Workflow, second?: string, third?: string): WorkflowHandle {
    const { client } = this.#parts
    return typeof first === 'string' ? client.handle(first, second) : client.handle(first, second as string, third)
  }

  /**
   * A handle of an activity that has not ended, to answer it from outside of its function. Asks nothing of the store.
   */
  activity(ids: ActivityIds): ActivityHandle {
    return this.#parts.client.activity(ids)
  }

  /**
   * Closes the loom: refuses new calls, waits for running activities, aborts the signals of those that take longer than
   * `graceMs`, writes what ended, and gives the store back. It does not wait for workflows: they go on where the store
   * is opened next, and so do activities that did not end. Those who wait for a result get LOOM_CLOSED. A second call
   * gives the promise of the first.
   */
  close(options: CloseOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    let graceMs: number
    try {
      checkNames(options, CLOSE_OPTIONS, 'options')
      graceMs = durationMs(options.graceMs ?? DEFAULT_GRACE_MS, 'options.graceMs')
    } catch (error) {
      return Promise.reject(error)
    }
    return (this.#closing = this.#close(graceMs))
  }

  /** `await using loom = await openLoom(…)` */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(graceMs: number): Promise<void> {
    const { history, matching, controller, workflowWorker, activityWorker } = this.#parts
    const error = (this.#closedBy = closedError())
    history.refuseCalls(error)
    matching.close()
    await Promise.all([workflowWorker.drain(graceMs), activityWorker.drain(graceMs)])
    await controller.idle()
    history.close(error)
    await controller.close()
    this.#parts.observers.closed()
  }

  #stats(): LoomStats {
    const { controller, history, workflowWorker, activityWorker } = this.#parts
    return {
      ...controller.stats,
      ...history.cacheStats,
      ...shardTotals(controller.knownShards()),
      executionCount: history.cache.size,
      codeCount: workflowWorker.codeCount,
      deletedRunCount: history.deletions.deletedCount,
      runningActivityCount: activityWorker.runningCount,
    }
  }
}

function compose(options: CheckedLoomOptions): LoomParts {
  const { clock, random, namespaceId, taskQueues, workflows, activities, identity, converter } = options
  // What the medium takes in one commit is known when it is there.
  const settings = { ...options.settings }
  const train = new Train({ clock })
  // Between two windows of workflow code nothing of the application may run.
  const logger = new DeferredLog(options.logger, train)
  const newRequestId = requestIdSource(random)
  const hooks = hooksOf(options.interceptors)
  const observers = new Observers(hooks.host, options.logger)
  const workflowWorker = new WorkflowWorker({
    namespaceId,
    taskQueues: new Set(taskQueues.keys()),
    workflows,
    codeCacheCount: settings.codeCacheCount,
    converter,
    train,
    clock,
    logger,
    hooks: hooks.workflow,
    readHistory: (execution) => readHistory(history.verbs, execution),
  })
  const activityWorker = new ActivityWorker({
    namespaceId,
    taskQueues,
    activities,
    hasWorkflows: workflows.size > 0,
    steps: workflowWorker,
    converter,
    clock,
    logger: options.logger,
    hooks: hooks.activity,
    // Past the door, which is shut while the last attempts end.
    heartbeatSink: (request) => recordActivityTaskHeartbeat(history, request),
  })
  const controller: ShardController = new ShardController({
    mediumFactory: options.medium,
    shardCount: options.shardCount,
    host: identity,
    newIncarnation: () => hexOf(random),
    clock,
    random,
    logger,
    leaseMs: settings.leaseMs,
    openTimeoutMs: settings.openTimeoutMs,
    reopenInitialMs: settings.reopenInitialMs,
    reopenMaximumMs: settings.reopenMaximumMs,
    afterRound: (fn) => train.afterRound(fn),
    onOpened: (medium, shards) => {
      settings.maxTurnBytes = Math.min(settings.maxTurnBytes, medium.supports.maxCommitBytes * TURNS_SHARE)
      return history.opened(medium, shards)
    },
    onLost: (shard, error) => history.lost(shard, error),
    onFailed: (error) => history.failed(error),
    onCommitted: observers.committed,
  })
  let matching!: Matching
  const history: History = new History({
    clock,
    random,
    logger,
    settings,
    searchAttributes: options.searchAttributes,
    identity,
    sdk: `${SDK} node/${process.versions.node}`,
    controller,
    matching: (starter) =>
      (matching = new Matching({ clock, logger, settings, starter, newRequestId, isKnownHere: knownTypes(options) })),
    workflowWorker,
    activityWorker,
    newRequestId,
    onDue: observers.due,
  })
  const client = new Client({
    service: history.verbs,
    namespaceId,
    identity,
    taskQueue: options.defaultTaskQueue,
    converter,
    workflows,
    hooks: hooks.client,
    nowMs: () => clock.nowMs(),
    newRequestId,
    workflowTypeOf: (target) => history.verbs.workflowTypeOf(target),
  })
  const service = new CheckedService(history.verbs)
  return { options, controller, history, service, matching, workflowWorker, activityWorker, client, observers }
}

async function readHistory(service: HistoryService, execution: ExecutionRef): Promise<readonly HistoryEvent[]> {
  const all: HistoryEvent[] = []
  for (let next: number | undefined = 1; next !== undefined;) {
    const { events, nextEventId }: Awaited<ReturnType<HistoryService['getHistory']>> = await service.getHistory(
      execution,
      next,
      Number.MAX_SAFE_INTEGER,
    )
    all.push(...events)
    next = nextEventId
  }
  return all
}

/** Tells tasks that a worker of this loom can run. One that has no workers leaves them all to others. */
function knownTypes(options: CheckedLoomOptions): (entry: BacklogEntry) => boolean {
  const { namespaceId, taskQueues, workflows, activities } = options
  return ({ kind, namespaceId: of, taskQueue, taskType }) => {
    if (taskQueues.size === 0 || of !== namespaceId) return true
    if (!taskQueues.has(taskQueue)) return false
    if (kind === 'workflow') return workflows.has(taskType)
    return activities.has(taskType) || (workflows.size > 0 && taskType.startsWith(STEP_PREFIX))
  }
}

function hexOf(random: Random): string {
  const bytes = Buffer.alloc(INCARNATION_BYTES)
  random.fill(bytes)
  return bytes.toString('hex')
}

function closedError(): LoomError {
  return new LoomError('LOOM_CLOSED', 'the loom is closed')
}
