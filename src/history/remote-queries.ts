/**
 * Queries of executions whose code is with a worker that polls. One that finds a workflow task pending rides on it; any
 * other goes to a poll by itself. Nothing of them is stored.
 *
 * Invariant: a query is in `#asked` from the question to its answer, or to the end of its time, and its caller hears once.
 */
import type { Clock, TimerHandle } from '../base/clock.js'
import { Deferred } from '../base/deferred.js'
import { LoomError } from '../base/errors.js'
import { pendingWorkflowTask } from '../machine/workflow-task.js'
import type { MatchingService, WaitingPoll } from '../protocol/matching.js'
import type { Payloads } from '../protocol/payload.js'
import type { WorkflowQueryResult, WorkflowQuery } from '../protocol/query.js'
import type { Settings } from '../protocol/settings.js'
import type { ExecutionHost, ExecutionView } from './contract.js'
import type { TaskRef } from './rows.js'

/** What they need of the history that they belong to. */
export interface RemoteQueriesHost {
  readonly clock: Clock
  readonly settings: Settings
  readonly matching: MatchingService
  readonly host: Pick<ExecutionHost, 'readDurable'>
  findRun(ref: TaskRef, hash: number): Promise<ExecutionView>
}

interface AskedQuery extends WorkflowQuery {
  readonly id: string
  readonly ref: TaskRef & { readonly hash: number }
  readonly answered: Deferred<Payloads | undefined>
  readonly timer: TimerHandle
  /** Takes it back from the task queue where it waits. */
  withdraw: () => void
}

export class RemoteQueries {
  readonly #context: RemoteQueriesHost
  readonly #newQueryId: () => string
  readonly #asked = new Map<string, AskedQuery>()
  /** By run: those that wait for its next workflow task to be taken, or answered. */
  readonly #riding = new Map<string, Set<AskedQuery>>()

  constructor(context: RemoteQueriesHost, newQueryId: () => string) {
    this.#context = context
    this.#newQueryId = newQueryId
  }

  /**
   * The answer of a worker. LOOM_EXHAUSTED when too many wait, LOOM_UNAVAILABLE when nobody polls, LOOM_DEADLINE when no answer
   * came in time.
   */
  ask(execution: ExecutionView, { queryType, queryArgs }: WorkflowQuery): Promise<Payloads | undefined> {
    const { clock, settings } = this.#context
    if (this.#asked.size >= settings.maxPendingQueries) {
      const message = `${settings.maxPendingQueries} queries wait for workers (maxPendingQueries)`
      return Promise.reject(new LoomError('LOOM_EXHAUSTED', message))
    }
    const { namespaceId, workflowId, runId, runKey, hash } = execution
    const id = this.#newQueryId()
    const timer = clock.setTimer(settings.queryTimeoutMs, () => {
      const message = `no worker has answered query '${queryType}' of ${workflowId} within ${settings.queryTimeoutMs} ms`
      this.#end(query)?.reject(new LoomError('LOOM_DEADLINE', message))
    })
    const ref = { namespaceId, workflowId, runId, runKey, hash }
    const answered = new Deferred<Payloads | undefined>()
    const query: AskedQuery = { id, queryType, queryArgs, ref, answered, timer, withdraw: ignore }
    this.#asked.set(id, query)
    if (pendingWorkflowTask(execution.state) === undefined) this.#offer(execution, query)
    else this.#ride(query)
    return answered.promise
  }

  /** What rides on the workflow task that a worker is given; undefined: nothing. */
  ridingOn(runKey: string): Readonly<Record<string, WorkflowQuery>> | undefined {
    const riding = this.#riding.get(runKey)
    if (riding === undefined) return undefined
    return Object.fromEntries([...riding].map(({ id, queryType, queryArgs }) => [id, { queryType, queryArgs }]))
  }

  /** A workflow task of the run was completed, with these answers. What has none waits for the next task, or for a poll. */
  taskCompleted(execution: ExecutionView, answers: Readonly<Record<string, WorkflowQueryResult>> | undefined): void {
    for (const [id, answer] of Object.entries(answers ?? {})) {
      const query = this.#asked.get(id)
      if (query?.ref.runKey === execution.runKey) this.#answer(query, answer)
    }
    if (pendingWorkflowTask(execution.state) === undefined) this.#dismount(execution)
  }

  /** It waits no more for a task of a run that has closed. */
  closed(execution: ExecutionView): void {
    if (this.#riding.size > 0) this.#dismount(execution)
  }

  /** LOOM_NOT_FOUND: nobody waits for it any more. */
  respond(queryId: string, answer: WorkflowQueryResult): void {
    const query = this.#asked.get(queryId)
    if (query === undefined) throw new LoomError('LOOM_NOT_FOUND', 'nobody waits for an answer to this query')
    this.#answer(query, answer)
  }

  close(error: LoomError): void {
    for (const query of [...this.#asked.values()]) this.#end(query)?.reject(error)
  }

  #answer(query: AskedQuery, { resultType, answer, errorMessage = '' }: WorkflowQueryResult): void {
    const { queryType } = query
    if (resultType === 'answered') this.#end(query)?.resolve(answer)
    else
      this.#end(query)?.reject(new LoomError('LOOM_INVALID_ARGUMENT', `query '${queryType}' failed: ${errorMessage}`))
  }

  /** Undefined: it had ended. */
  #end(query: AskedQuery): Deferred<Payloads | undefined> | undefined {
    if (!this.#asked.delete(query.id)) return undefined
    this.#context.clock.clearTimer(query.timer)
    query.withdraw()
    const { runKey } = query.ref
    const riding = this.#riding.get(runKey)
    riding?.delete(query)
    if (riding?.size === 0) this.#riding.delete(runKey)
    return query.answered
  }

  #ride(query: AskedQuery): void {
    const { runKey } = query.ref
    const riding = this.#riding.get(runKey) ?? new Set()
    this.#riding.set(runKey, riding.add(query))
  }

  #dismount(execution: ExecutionView): void {
    const riding = this.#riding.get(execution.runKey)
    this.#riding.delete(execution.runKey)
    for (const query of riding ?? []) this.#offer(execution, query)
  }

  /** To the worker that has the code, while it polls; else to any. */
  #offer(execution: ExecutionView, query: AskedQuery): void {
    const { matching } = this.#context
    const { namespaceId, state } = execution
    const { sticky, started } = state
    const isStickyPolled = sticky !== undefined && matching.isPolled('workflow', namespaceId, sticky.workerTaskQueue)
    const taskQueue = isStickyPolled ? sticky.workerTaskQueue : started!.attributes.taskQueue
    if (!matching.isPolled('workflow', namespaceId, taskQueue)) {
      const message = `no worker polls task queue '${taskQueue}', and none of this process has the code`
      this.#end(query)?.reject(new LoomError('LOOM_UNAVAILABLE', message))
      return
    }
    query.withdraw = matching.offer('workflow', namespaceId, taskQueue, (poll) => {
      query.withdraw = ignore
      void this.#handOut(query, taskQueue, poll)
    })
  }

  async #handOut(query: AskedQuery, taskQueue: string, poll: WaitingPoll): Promise<void> {
    const { matching, host } = this.#context
    const { id, ref, queryType, queryArgs } = query
    const { namespaceId, workflowId, runId } = ref
    const giveBack = (): void => matching.returnPoll('workflow', namespaceId, taskQueue, poll)
    try {
      const execution = await this.#context.findRun(ref, ref.hash)
      const history = await host.readDurable(execution)
      if (!this.#asked.has(id)) return giveBack()
      const { started, previousStartedEventId } = execution.state
      poll.answer({
        token: { namespaceId, workflowId, runId, ...NO_TASK },
        workflowType: started!.attributes.workflowType,
        attempt: 1,
        previousStartedEventId,
        startedEventId: 0,
        history,
        query: { token: { namespaceId, workflowId, runId, queryId: id }, queryType, queryArgs },
      })
    } catch (error) {
      giveBack()
      this.#end(query)?.reject(error)
    }
  }
}

/** No workflow task is held by it: an answer as if one were is refused. */
const NO_TASK = { scheduledEventId: 0, startedEventId: 0, attempt: 0, stamp: 0, version: 0 }

function ignore(): void {}
