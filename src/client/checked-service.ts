/**
 * The verbs as others get them, through `loom.service`: every request is checked before history hears of it. The typed
 * client and the workers of this process check by hand what they send, and do not come through here.
 */
import { requestSchemas, pageSchema, targetSchema, type CheckedVerb } from '../protocol/requests.js'
import type {
  QueryWorkflowRequest,
  QueryWorkflowResponse,
  RespondQueryTaskCompletedRequest,
} from '../protocol/query.js'
import type {
  RecordActivityTaskHeartbeatByIdRequest,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledByIdRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIdRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedByIdRequest,
  RespondActivityTaskFailedRequest,
} from '../protocol/activity-requests.js'
import type { HistoryPage, WorkflowDescription } from '../protocol/description.js'
import type {
  DeleteWorkflowRequest,
  RequestCancelWorkflowRequest,
  SignalWorkflowRequest,
  TerminateWorkflowRequest,
} from '../protocol/execution-requests.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { HistoryService } from '../protocol/services.js'
import type {
  SignalWithStartWorkflowRequest,
  StartWorkflowRequest,
  StartWorkflowResponse,
} from '../protocol/start-requests.js'
import type {
  PollRequest,
  RespondWorkflowTaskCompletedRequest,
  RespondWorkflowTaskFailedRequest,
} from '../protocol/worker-tasks.js'
import { parse } from '../workflow/schema.js'

type Verbs = HistoryService

export class CheckedService implements Verbs {
  readonly #service: Verbs

  constructor(service: Verbs) {
    this.#service = service
  }

  async startWorkflow(request: StartWorkflowRequest): Promise<StartWorkflowResponse> {
    return await this.#service.startWorkflow(checked('startWorkflow', request))
  }

  async signalWithStartWorkflow(request: SignalWithStartWorkflowRequest): Promise<StartWorkflowResponse> {
    return await this.#service.signalWithStartWorkflow(checked('signalWithStartWorkflow', request))
  }

  async signalWorkflow(request: SignalWorkflowRequest): Promise<void> {
    await this.#service.signalWorkflow(checked('signalWorkflow', request))
  }

  async requestCancelWorkflow(request: RequestCancelWorkflowRequest): Promise<void> {
    return await this.#service.requestCancelWorkflow(checked('requestCancelWorkflow', request))
  }

  async terminateWorkflow(request: TerminateWorkflowRequest): Promise<void> {
    await this.#service.terminateWorkflow(checked('terminateWorkflow', request))
  }

  async deleteWorkflow(request: DeleteWorkflowRequest): Promise<void> {
    await this.#service.deleteWorkflow(checked('deleteWorkflow', request))
  }

  async queryWorkflow(request: QueryWorkflowRequest): Promise<QueryWorkflowResponse> {
    return await this.#service.queryWorkflow(checked('queryWorkflow', request))
  }

  async describeWorkflow(target: ExecutionTarget): Promise<WorkflowDescription> {
    return await this.#service.describeWorkflow(checkedTarget(target))
  }

  async getHistory(target: ExecutionTarget, fromEventId: number, limit: number): Promise<HistoryPage> {
    parse(pageSchema, { fromEventId, limit }, 'request')
    return await this.#service.getHistory(checkedTarget(target), fromEventId, limit)
  }

  async waitClosed(target: ExecutionTarget): ReturnType<Verbs['waitClosed']> {
    return await this.#service.waitClosed(checkedTarget(target))
  }

  async retryStalled(target: ExecutionTarget): Promise<void> {
    await this.#service.retryStalled(checkedTarget(target))
  }

  async pollWorkflowTask(request: PollRequest): ReturnType<Verbs['pollWorkflowTask']> {
    return await this.#service.pollWorkflowTask(checked('pollWorkflowTask', request))
  }

  async respondWorkflowTaskCompleted(
    request: RespondWorkflowTaskCompletedRequest,
  ): ReturnType<Verbs['respondWorkflowTaskCompleted']> {
    return await this.#service.respondWorkflowTaskCompleted(checked('respondWorkflowTaskCompleted', request))
  }

  async respondWorkflowTaskFailed(request: RespondWorkflowTaskFailedRequest): Promise<void> {
    await this.#service.respondWorkflowTaskFailed(checked('respondWorkflowTaskFailed', request))
  }

  async respondQueryTaskCompleted(request: RespondQueryTaskCompletedRequest): Promise<void> {
    await this.#service.respondQueryTaskCompleted(checked('respondQueryTaskCompleted', request))
  }

  async resetStickyTaskQueue(target: ExecutionTarget): Promise<void> {
    await this.#service.resetStickyTaskQueue(checkedTarget(target))
  }

  async pollActivityTask(request: PollRequest): ReturnType<Verbs['pollActivityTask']> {
    return await this.#service.pollActivityTask(checked('pollActivityTask', request))
  }

  async respondActivityTaskCompleted(request: RespondActivityTaskCompletedRequest): Promise<void> {
    await this.#service.respondActivityTaskCompleted(checked('respondActivityTaskCompleted', request))
  }

  async respondActivityTaskFailed(request: RespondActivityTaskFailedRequest): Promise<void> {
    await this.#service.respondActivityTaskFailed(checked('respondActivityTaskFailed', request))
  }

  async respondActivityTaskCanceled(request: RespondActivityTaskCanceledRequest): Promise<void> {
    await this.#service.respondActivityTaskCanceled(checked('respondActivityTaskCanceled', request))
  }

  async recordActivityTaskHeartbeat(
    request: RecordActivityTaskHeartbeatRequest,
  ): ReturnType<Verbs['recordActivityTaskHeartbeat']> {
    return await this.#service.recordActivityTaskHeartbeat(checked('recordActivityTaskHeartbeat', request))
  }

  async respondActivityTaskCompletedById(request: RespondActivityTaskCompletedByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskCompletedById(checked('respondActivityTaskCompletedById', request))
  }

  async respondActivityTaskFailedById(request: RespondActivityTaskFailedByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskFailedById(checked('respondActivityTaskFailedById', request))
  }

  async respondActivityTaskCanceledById(request: RespondActivityTaskCanceledByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskCanceledById(checked('respondActivityTaskCanceledById', request))
  }

  async recordActivityTaskHeartbeatById(
    request: RecordActivityTaskHeartbeatByIdRequest,
  ): ReturnType<Verbs['recordActivityTaskHeartbeatById']> {
    return await this.#service.recordActivityTaskHeartbeatById(checked('recordActivityTaskHeartbeatById', request))
  }
}

function checked<V extends CheckedVerb>(verb: V, request: unknown): Parameters<Verbs[V]>[0] {
  return parse(requestSchemas[verb], request, 'request') as Parameters<Verbs[V]>[0]
}

function checkedTarget(target: unknown): ExecutionTarget {
  return parse(targetSchema, target, 'target') as ExecutionTarget
}
