/**
 * Gives work to whoever can do it: in the commit that made it, to a free slot of this process or to a poll that waits; else it
 * gets a backlog row, and matching hands it out later.
 *
 * Invariant: a worker hears of a task only when the commit that started it for him is durable.
 */
import type { NewTask, WorkflowTaskProgress } from '../machine/transition.js'
import { startActivity } from '../machine/activity-attempt.js'
import { startWorkflowTask, transientEvents } from '../machine/workflow-task-start.js'
import type { LiveTurn } from '../machine/machine.js'
import { progressBytes } from '../machine/weights.js'
import { isLoomError } from '../base/errors.js'
import type { BacklogEntry, TaskStarter, WaitingPoll } from '../protocol/matching.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import type { ActivityOutcome, LocalActivityTask, LocalActivityWorker } from '../protocol/local-workers.js'
import type { WorkflowTask } from '../protocol/worker-tasks.js'
import { readBacklogRow } from './backlog-row.js'
import { backlogBounds } from '../queue/task-keys.js'
import { Again } from './again.js'
import { endByOutcome } from './attempt-end.js'
import type { HistoryContext } from './context.js'
import type { Effect, ExecutionView, StagedView } from './contract.js'
import type { Execution } from './execution.js'
import { cutOutcome, outcomeBytes } from './limits.js'
import { WORKFLOW_TASK_ITEM } from './rows.js'
import { activityTask, activityToken, localTask, refOf } from './worker-tasks.js'

export interface DispatcherParts {
  readonly context: HistoryContext
  readonly activityWorker: LocalActivityWorker
  readonly incarnation: () => string
  readonly newRequestId: () => string
}

export class Dispatcher implements TaskStarter {
  readonly #parts: DispatcherParts

  constructor(parts: DispatcherParts) {
    this.#parts = parts
  }

  /** For each task of a turn that is being staged. */
  dispatch(execution: ExecutionView, staged: StagedView, task: NewTask): void {
    switch (task.type) {
      case 'DispatchActivityTask':
        if (execution.isOpen) this.#dispatchActivity(execution, staged, task.scheduledEventId, task.attempt)
        return
      case 'DispatchWorkflowTask':
        if (execution.isOpen) this.#dispatchWorkflowTask(execution, staged, task.scheduledEventId)
        return
      case 'CancelActivityTask': {
        const token = activityToken(execution, task.scheduledEventId, task.attempt, 0)
        staged.addEffect(effect(() => this.#parts.activityWorker.cancel(token, task.reason)))
        return
      }
      case 'StartNextRun':
        // Begun by the execution itself, behind its own rows.
        return
    }
  }

  // ---- in the commit that made it

  #dispatchActivity(execution: ExecutionView, staged: StagedView, scheduledEventId: number, attempt: number): void {
    const info = execution.state.activities?.get(scheduledEventId)
    if (info === undefined) return
    const { context, activityWorker, incarnation, newRequestId } = this.#parts
    const { namespaceId } = execution
    const { taskQueue, activityType } = info.attributes
    const stamp = execution.state.activityProgress?.get(scheduledEventId)?.stamp ?? 0
    const backlogged = context.matching.hasBacklog('activity', namespaceId, taskQueue)
    if (!backlogged && activityWorker.reserve(namespaceId, taskQueue, activityType)) {
      const taking = { attempt, stamp, identity: context.host.identity, requestId: '', incarnation: incarnation() }
      startActivity(execution.turn, scheduledEventId, taking)
      staged.addEffect(this.#localRun(execution, scheduledEventId))
      return
    }
    const poll = backlogged ? undefined : context.matching.takePoll('activity', namespaceId, taskQueue)
    if (poll === undefined) {
      staged.addEffect(
        this.#backlogged(execution, {
          kind: 'activity',
          taskQueue,
          taskType: activityType,
          scheduledEventId,
          attempt,
          stamp,
        }),
      )
      return
    }
    startActivity(execution.turn, scheduledEventId, {
      attempt,
      stamp,
      identity: poll.identity,
      requestId: newRequestId(),
      incarnation: '',
    })
    staged.addEffect({
      perform: () => {
        const answer = activityTask(execution, scheduledEventId)
        if (answer === undefined) context.matching.returnPoll('activity', namespaceId, taskQueue, poll)
        else poll.answer(answer)
      },
      takeBack: () => context.matching.returnPoll('activity', namespaceId, taskQueue, poll),
    })
  }

  #dispatchWorkflowTask(execution: ExecutionView, staged: StagedView, scheduledEventId: number): void {
    const { matching } = this.#parts.context
    const { namespaceId, state } = execution
    const { workflowType, taskQueue: normalTaskQueue } = state.started!.attributes
    const taskQueue = this.#parts.context.host.workflowQueueOf(execution)
    const attempt = state.workflowTaskProgress?.attempt ?? 1
    const poll = matching.takePoll('workflow', namespaceId, taskQueue)
    if (poll === undefined) {
      const entry = {
        kind: 'workflow',
        taskQueue,
        taskType: workflowType,
        scheduledEventId,
        attempt,
        stamp: 0,
      } as const
      staged.addEffect(this.#backlogged(execution, entry))
      return
    }
    const held = startWorkflowTask(execution.turn, this.#workflowTaking(execution, scheduledEventId, poll))
    const giveBack = (): void => matching.returnPoll('workflow', namespaceId, taskQueue, poll)
    if (held === undefined) return giveBack()
    const isDelta = taskQueue !== normalTaskQueue
    staged.addEffect({
      perform: () => void this.#answerWorkflowPoll(execution, held, poll, isDelta),
      takeBack: giveBack,
    })
  }

  #workflowTaking(
    execution: ExecutionView,
    scheduledEventId: number,
    poll: { readonly identity: string },
  ): Parameters<typeof startWorkflowTask>[1] {
    const requestId = this.#parts.newRequestId()
    return { scheduledEventId, identity: poll.identity, requestId, historySizeBytes: execution.sizeBytes }
  }

  /** The row was staged with the turn; memory learns of it when it is durable. */
  #backlogged(
    execution: ExecutionView,
    of: Omit<BacklogEntry, 'namespaceId' | 'workflowId' | 'runId' | 'hash' | 'taskId'>,
  ): Effect {
    const { namespaceId, workflowId, runId, hash } = execution
    return effect(() => {
      const taskId = execution.backlogTaskId(of.kind === 'workflow' ? WORKFLOW_TASK_ITEM : of.scheduledEventId)
      // Undefined: a turn that came after has ended it.
      if (taskId !== undefined)
        this.#parts.context.matching.add({ ...of, namespaceId, workflowId, runId, hash, taskId })
    })
  }

  // ---- local attempts

  #localRun(execution: ExecutionView, scheduledEventId: number): Effect {
    const { activityWorker } = this.#parts
    const { taskQueue, activityType } = execution.state.activities!.get(scheduledEventId)!.attributes
    const release = (): void => activityWorker.release(execution.namespaceId, taskQueue, activityType)
    return {
      perform: () => {
        const task = activityTask(execution, scheduledEventId)
        // Closed by a turn that came after it.
        if (task === undefined) release()
        else this.#run(execution, localTask(execution, task, taskQueue), taskQueue)
      },
      takeBack: release,
    }
  }

  #run(execution: ExecutionView, task: LocalActivityTask, taskQueue: string): void {
    const { activityWorker, context } = this.#parts
    activityWorker.run(task, (outcome) => {
      context.matching.slotFreed('activity', execution.namespaceId, taskQueue)
      if (execution.goneBy === undefined) this.#ended(execution, task.token, outcome)
      else void this.#endedAfterEviction(task.token, execution.hash, outcome)
    })
  }

  #ended(execution: ExecutionView, token: ActivityTaskToken, told: ActivityOutcome): void {
    const { identity, settings } = this.#parts.context.host
    const fitting = outcomeBytes(told, settings)
    const outcome = fitting === undefined ? cutOutcome(told, settings) : told
    const decide = (turn: LiveTurn): void => endByOutcome(turn, token, outcome, identity)
    const reject = (error: Error): void => this.#outcomeRefused(token, error)
    // What was kept of the attempt is written again.
    const bytes =
      (fitting ?? outcomeBytes(outcome, settings) ?? 0) +
      progressBytes(execution.state.activityProgress?.get(token.scheduledEventId))
    execution.submitCause({ decide, resolve: ignore, reject, bytes })
  }

  async #endedAfterEviction(token: ActivityTaskToken, hash: number, outcome: ActivityOutcome): Promise<void> {
    try {
      const execution = await this.#parts.context.findRun(refOf(token), hash)
      this.#ended(execution, token, outcome)
    } catch (error) {
      this.#outcomeRefused(token, error)
    }
  }

  /** It came too late, or its shard was lost: then the attempt is `WorkerLost` for whoever opens the shard again. */
  #outcomeRefused(token: ActivityTaskToken, error: unknown): void {
    if (isLoomError(error, 'LOOM_NOT_FOUND') || isLoomError(error, 'LOOM_EXECUTION_CLOSED')) return
    const { workflowId, runId, scheduledEventId, attempt } = token
    this.#parts.context.logger.warn(
      { error, workflowId, runId, scheduledEventId, attempt },
      'the outcome of an activity was not recorded',
    )
  }

  // ---- out of the backlog

  reserveLocal(entry: BacklogEntry): boolean {
    const { activityWorker, context } = this.#parts
    if (entry.kind === 'activity') return activityWorker.reserve(entry.namespaceId, entry.taskQueue, entry.taskType)
    return context.acceptsType(entry.namespaceId, entry.taskQueue, entry.taskType)
  }

  startLocal(entry: BacklogEntry): void {
    void this.#startLocal(entry)
  }

  async #startLocal(entry: BacklogEntry): Promise<void> {
    const { context, activityWorker, incarnation } = this.#parts
    let hasSlot = entry.kind === 'activity'
    const release = (): void => {
      if (hasSlot) activityWorker.release(entry.namespaceId, entry.taskQueue, entry.taskType)
      hasSlot = false
    }
    try {
      const execution = await context.findRun(refOf(entry), entry.hash)
      if (entry.kind === 'workflow') return await this.#openLocally(execution)
      await execution.transact((turn) => {
        const { attempt, stamp, scheduledEventId } = entry
        const taking = { attempt, stamp, identity: context.host.identity, requestId: '', incarnation: incarnation() }
        if (!execution.isOpen || !startActivity(turn, scheduledEventId, taking)) return release()
        execution.addEffect(this.#localRun(execution, scheduledEventId))
        // It is the attempt's from here on, and given back with it.
        hasSlot = false
      })
    } catch (error) {
      release()
      this.#startFailed(entry, error)
      if (!isLoomError(error, 'LOOM_NOT_FOUND'))
        context.logger.warn({ error, workflowId: entry.workflowId }, 'a task could not be started')
    }
  }

  /** Its row stands, and nobody else has it in memory: it is handed out again. */
  #startFailed(entry: BacklogEntry, error: unknown): void {
    if (!isLoomError(error) || !error.retryable) return
    const { host, clock, settings, matching } = this.#parts.context
    host.wheel.add(new Again(clock.nowMs() + settings.dueRetryInitialMs, () => matching.add(entry)))
  }

  /** The code of a workflow task that waited in the backlog is here after all. */
  async #openLocally(execution: Execution): Promise<void> {
    if (!execution.canOpenTask()) return
    if (this.#parts.context.host.acceptsCode(execution)) execution.openTaskNow()
  }

  async startForPoll(entry: BacklogEntry, poll: WaitingPoll): Promise<boolean> {
    try {
      return await this.#startForPoll(entry, poll)
    } catch (error) {
      this.#startFailed(entry, error)
      throw error
    }
  }

  async #startForPoll(entry: BacklogEntry, poll: WaitingPoll): Promise<boolean> {
    const { context } = this.#parts
    const execution = await context.findRun(refOf(entry), entry.hash).catch(notFoundIsUndefined)
    if (execution === undefined || !execution.isOpen) return false
    if (entry.kind === 'workflow') {
      const taking = this.#workflowTaking(execution, entry.scheduledEventId, poll)
      const held = await execution.transact((turn) => startWorkflowTask(turn, taking))
      if (held === undefined || held.requestId !== taking.requestId) return false
      const isDelta = entry.taskQueue !== execution.state.started!.attributes.taskQueue
      await this.#answerWorkflowPoll(execution, held, poll, isDelta)
      return true
    }
    const { attempt, stamp, scheduledEventId } = entry
    const taking = { attempt, stamp, identity: poll.identity, requestId: poll.requestId, incarnation: '' }
    const wasTaken = await execution.transact((turn) => startActivity(turn, scheduledEventId, taking))
    const task = wasTaken ? activityTask(execution, scheduledEventId) : undefined
    if (task === undefined) return false
    poll.answer(task)
    return true
  }

  async readBacklog(
    kind: 'workflow' | 'activity',
    namespaceId: string,
    taskQueue: string,
    fromTaskId: number,
    limit: number,
  ): Promise<readonly BacklogEntry[]> {
    const bounds = backlogBounds(namespaceId, kind, taskQueue, fromTaskId)
    let entries: BacklogEntry[] = []
    // Shards come in any order: the first entries are known when all have been read.
    for await (const rows of this.#parts.context.medium.scanAll('claimed', bounds)) {
      for (const row of rows) entries.push(readBacklogRow(row, kind, taskQueue))
      if (entries.length > 2 * limit) entries = firstOf(entries, limit)
    }
    return firstOf(entries, limit)
  }

  // ---- what a worker is given

  async #answerWorkflowPoll(
    execution: ExecutionView,
    held: WorkflowTaskProgress,
    poll: WaitingPoll,
    isDelta: boolean,
  ): Promise<void> {
    try {
      poll.answer(await this.workflowTask(execution, held, isDelta))
    } catch (error) {
      // Nobody has the task: its time-out gives it to the next.
      this.#parts.context.logger.warn(
        { error, workflowId: execution.workflowId },
        'a workflow task could not be handed out',
      )
      poll.release()
    }
  }

  /** `isDelta`: its worker has the code in memory, as it was at the task before. */
  async workflowTask(execution: ExecutionView, held: WorkflowTaskProgress, isDelta: boolean): Promise<WorkflowTask> {
    const { state } = execution
    const { previousStartedEventId } = state
    const transient = transientEvents(state, execution.sizeBytes)
    const { host, remoteQueries } = this.#parts.context
    const whole = await host.readDurable(execution)
    const history = isDelta ? whole.filter(({ eventId }) => eventId > previousStartedEventId) : whole
    const { namespaceId, workflowId, runId } = execution
    const { scheduledEventId, startedEventId, attempt, stamp } = held
    return {
      token: { namespaceId, workflowId, runId, scheduledEventId, startedEventId, attempt, stamp, version: 0 },
      workflowType: state.started!.attributes.workflowType,
      attempt,
      previousStartedEventId,
      startedEventId,
      history: [...history, ...transient],
      queries: remoteQueries.ridingOn(execution.runKey),
    }
  }
}

function firstOf(entries: BacklogEntry[], limit: number): BacklogEntry[] {
  return entries.sort((a, b) => a.taskId - b.taskId).slice(0, limit)
}

function effect(perform: () => void): Effect {
  return { perform, takeBack: ignore }
}

function ignore(): void {}

function notFoundIsUndefined(error: unknown): undefined {
  if (isLoomError(error, 'LOOM_NOT_FOUND')) return undefined
  throw error
}
