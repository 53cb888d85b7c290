/**
 * The verbs that callers and workers use, each refused once the loom closes.
 *
 * Invariant: a verb that throws at once is a promise that rejects: callers have one way to hear of it.
 */
import type { HistoryEvent } from '../../protocol/event.js'
import type { HistoryPage, WorkflowDescription } from '../../protocol/description.js'
import type {
  DeleteWorkflowRequest,
  RequestCancelWorkflowRequest,
  SignalWorkflowRequest,
  TerminateWorkflowRequest,
} from '../../protocol/execution-requests.js'
import type { ExecutionTarget } from '../../protocol/ids.js'
import type {
  QueryWorkflowRequest,
  QueryWorkflowResponse,
  RespondQueryTaskCompletedRequest,
} from '../../protocol/query.js'
import type { HistoryService } from '../../protocol/services.js'
import type {
  SignalWithStartWorkflowRequest,
  StartWorkflowRequest,
  StartWorkflowResponse,
} from '../../protocol/start-requests.js'
import type {
  ActivityTask,
  PollRequest,
  RespondWorkflowTaskCompletedRequest,
  RespondWorkflowTaskFailedRequest,
  WorkflowTask,
} from '../../protocol/worker-tasks.js'
import type { HistoryContext } from '../context.js'
import type { Dispatcher } from '../dispatcher.js'
import { ActivityVerbs } from './activity-verbs.js'
import { deleteWorkflow } from './delete-workflow.js'
import { workflowTypeOf } from './find.js'
import { queryWorkflow, respondQueryTaskCompleted } from './query-workflow.js'
import { requestCancelWorkflow } from './request-cancel.js'
import { signalWorkflow } from './signal-workflow.js'
import { signalWithStartWorkflow, startWorkflow } from './start-workflow.js'
import { resetStickyTaskQueue, respondWorkflowTaskCompleted, respondWorkflowTaskFailed } from './task-verbs.js'
import { describeWorkflow, getHistory, retryStalled, terminateWorkflow, waitClosed } from './workflow-verbs.js'

/** What the verbs of a history answer from. */
export interface HistoryVerbsParts {
  readonly context: HistoryContext
  readonly dispatcher: Dispatcher
  readonly newRequestId: () => string
}

export class HistoryVerbs extends ActivityVerbs implements HistoryService {
  readonly #context: HistoryContext
  readonly #dispatcher: Dispatcher
  readonly #newRequestId: () => string

  constructor({ context, dispatcher, newRequestId }: HistoryVerbsParts) {
    super()
    this.#context = context
    this.#dispatcher = dispatcher
    this.#newRequestId = newRequestId
  }

  startWorkflow(request: StartWorkflowRequest): Promise<StartWorkflowResponse> {
    return this.#guarded(() => startWorkflow(this.#context, request))
  }

  signalWithStartWorkflow(request: SignalWithStartWorkflowRequest): Promise<StartWorkflowResponse> {
    return this.#guarded(() => signalWithStartWorkflow(this.#context, request))
  }

  signalWorkflow(request: SignalWorkflowRequest): Promise<void> {
    return this.#guarded(() => signalWorkflow(this.#context, request))
  }

  requestCancelWorkflow(request: RequestCancelWorkflowRequest): Promise<void> {
    return this.#guarded(() => requestCancelWorkflow(this.#context, request))
  }

  terminateWorkflow(request: TerminateWorkflowRequest): Promise<void> {
    return this.#guarded(() => terminateWorkflow(this.#context, request))
  }

  deleteWorkflow(request: DeleteWorkflowRequest): Promise<void> {
    return this.#guarded(() => deleteWorkflow(this.#context, request))
  }

  waitClosed(target: ExecutionTarget): Promise<HistoryEvent> {
    return this.#guarded(() => waitClosed(this.#context, target))
  }

  describeWorkflow(target: ExecutionTarget): Promise<WorkflowDescription> {
    return this.#guarded(() => describeWorkflow(this.#context, target))
  }

  queryWorkflow(request: QueryWorkflowRequest): Promise<QueryWorkflowResponse> {
    return this.#guarded(() => queryWorkflow(this.#context, request))
  }

  getHistory(target: ExecutionTarget, fromEventId: number, limit: number): Promise<HistoryPage> {
    return this.#guarded(() => getHistory(this.#context, target, fromEventId, limit))
  }

  retryStalled(target: ExecutionTarget): Promise<void> {
    return this.#guarded(() => retryStalled(this.#context, target))
  }

  /** For the client of this process: what a handle by id is checked by. */
  workflowTypeOf(target: ExecutionTarget): Promise<string> {
    return this.#guarded(() => workflowTypeOf(this.#context, target))
  }

  pollWorkflowTask(request: PollRequest): Promise<WorkflowTask | undefined> {
    return this.#guarded(() => this.#context.matching.poll('workflow', request)) as Promise<WorkflowTask | undefined>
  }

  respondWorkflowTaskCompleted(
    request: RespondWorkflowTaskCompletedRequest,
  ): Promise<{ readonly newTask: WorkflowTask | undefined }> {
    return this.#guarded(() =>
      respondWorkflowTaskCompleted(this.#context, this.#dispatcher, request, this.#newRequestId),
    )
  }

  respondWorkflowTaskFailed(request: RespondWorkflowTaskFailedRequest): Promise<void> {
    return this.#guarded(() => respondWorkflowTaskFailed(this.#context, request))
  }

  respondQueryTaskCompleted(request: RespondQueryTaskCompletedRequest): Promise<void> {
    return this.#guarded(() => respondQueryTaskCompleted(this.#context, request))
  }

  resetStickyTaskQueue(target: ExecutionTarget): Promise<void> {
    return this.#guarded(() => resetStickyTaskQueue(this.#context, target))
  }

  pollActivityTask(request: PollRequest): Promise<ActivityTask | undefined> {
    return this.#guarded(() => this.#context.matching.poll('activity', request)) as Promise<ActivityTask | undefined>
  }

  protected override answer<T>(verb: (context: HistoryContext) => Promise<T>): Promise<T> {
    return this.#guarded(() => verb(this.#context))
  }

  #guarded<T>(act: () => Promise<T>): Promise<T> {
    const { refusal } = this.#context
    if (refusal !== undefined) return Promise.reject(refusal)
    try {
      return act()
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
