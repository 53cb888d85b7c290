/**
 * A worker as another process would be: it polls, holds tasks while things happen, fails some, forgets some. Nothing of it
 * is known to the loom but its answers.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from '../../examples/flights/ledger.js'
import { isLoomError } from '../../src/base/errors.js'
import type { Random } from '../../src/base/random.js'
import type { Loom } from '../../src/loom.js'
import type { Command } from '../../src/protocol/command.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { ActivityTask, WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { encodePayloads } from '../../src/workflow/converter.js'
import { itemsOf } from './ends.js'
import { SCRIPTED } from './programs.js'
import { REMOTE_QUEUE } from './shape.js'

const POLLERS = 3
const WAIT_MS = 500
const IDENTITY = 'remote'

export class RemoteWorker {
  readonly #service: HistoryService
  readonly #namespaceId: string
  readonly #ledger: Ledger
  readonly #random: Random
  readonly #stopped = new AbortController()
  readonly #polling: Promise<unknown>

  constructor(loom: Loom, ledger: Ledger, random: Random) {
    this.#service = loom.service
    this.#namespaceId = loom.namespaceId
    this.#ledger = ledger
    this.#random = random
    const pollers = Array.from({ length: POLLERS }, () => [this.#pollWorkflows(), this.#pollActivities()])
    this.#polling = Promise.all(pollers.flat())
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#polling
  }

  get #poll() {
    const { signal } = this.#stopped
    const namespaceId = this.#namespaceId
    return { namespaceId, taskQueue: REMOTE_QUEUE, identity: IDENTITY, waitMs: WAIT_MS, signal }
  }

  // ---- workflow tasks

  async #pollWorkflows(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      let task = await this.#service.pollWorkflowTask(this.#poll)
      while (task !== undefined) task = await this.#answer(task).catch(tooLate)
    }
  }

  /** Returns the next task of that execution, when it was asked for and there is one. */
  async #answer(task: WorkflowTask): Promise<WorkflowTask | undefined> {
    const { token, history, attempt } = task
    if (this.#below(3) === 0) await pause(this.#below(20))
    // Only first attempts: the fourth failure in a row would have to wait.
    const mischief = attempt === 1 ? this.#below(12) : Infinity
    if (mischief === 0) return undefined
    if (mischief === 1) {
      const cause = 'WorkflowWorkerUnhandledFailure'
      await this.#service.respondWorkflowTaskFailed({ token, cause, failure: undefined, identity: IDENTITY })
      return undefined
    }
    const { newTask } = await this.#service.respondWorkflowTaskCompleted({
      ...{ token, commands: commandsFor(history), identity: IDENTITY, sdk: '' },
      returnNewWorkflowTask: this.#below(2) === 0,
      forceCreateNewWorkflowTask: this.#below(10) === 0,
    })
    return newTask
  }

  // ---- activities

  async #pollActivities(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const task = await this.#service.pollActivityTask(this.#poll)
      if (task !== undefined) await this.#work(task).catch(tooLate)
    }
  }

  async #work({ token, attempt, activityId }: ActivityTask): Promise<void> {
    await pause(this.#below(10))
    this.#ledger.write(`${token.runId}/${activityId}`, attempt)
    const dice = this.#below(10)
    if (dice === 0) return
    if (dice > 2)
      return await this.#service.respondActivityTaskCompleted({ token, result: undefined, identity: IDENTITY })
    const failure = { type: 'application', message: 'not yet', applicationType: SCRIPTED } as const
    await this.#service.respondActivityTaskFailed({ token, failure, identity: IDENTITY })
  }

  #below(n: number): number {
    return Math.floor(this.#random.fraction() * n)
  }
}

/** An errand: an activity and a timer at once; it ends when both have, and when the last message has come. */
function commandsFor(history: readonly HistoryEvent[]): readonly Command[] {
  const has = (type: HistoryEvent['eventType']): boolean => history.some(({ eventType }) => eventType === type)
  if (!has('ActivityTaskScheduled')) return BEGINNING
  const items = itemsOf(history)
  if (!has('ActivityTaskCompleted') || !has('TimerFired') || !items.some(({ isLast }) => isLast)) return []
  return [{ type: 'CompleteWorkflowExecution', result: encodePayloads([items.map(({ id }) => id)]) }]
}

const BEGINNING: readonly Command[] = [
  {
    type: 'ScheduleActivityTask',
    activityId: 'a',
    activityType: 'remote',
    taskQueue: REMOTE_QUEUE,
    startToCloseTimeoutMs: 200,
    retryPolicy: { initialIntervalMs: 10, maximumIntervalMs: 50 },
  },
  { type: 'StartTimer', timerId: 't', startToFireTimeoutMs: 30 },
]

/** The task was given to another meanwhile, its execution has ended, or something came that the answer did not know of. */
function tooLate(error: unknown): undefined {
  const codes = ['LOOM_NOT_FOUND', 'LOOM_EXECUTION_CLOSED', 'LOOM_BAD_COMMAND', 'LOOM_INVALID_ARGUMENT'] as const
  if (!codes.some((code) => isLoomError(error, code))) throw error
}
