/**
 * The verbs as others get them, through `loom.service`: every request is checked before history hears of it. The typed
 * client and the workers of this process check by hand what they send, and do not come through here.
 */
import { requestSchemas, pageSchema, targetSchema, type CheckedVerb } from '../protocol/requests.js'
import type * as services from '../protocol/services.js'
import { parse } from '../workflow/schema.js'

type Verbs = services.HistoryService

export class CheckedService implements Verbs {
  readonly #service: Verbs

  constructor(service: Verbs) {
    this.#service = service
  }

  async startWorkflow(request: services.StartWorkflowRequest): Promise<services.StartWorkflowResponse> {
    return await this.#service.startWorkflow(checked('startWorkflow', request))
  }

  async signalWithStartWorkflow(
    request: services.SignalWithStartWorkflowRequest,
  ): Promise<services.StartWorkflowResponse> {
    return await this.#service.signalWithStartWorkflow(checked('signalWithStartWorkflow', request))
  }

  async signalWorkflow(request: services.SignalWorkflowRequest): Promise<void> {
    await this.#service.signalWorkflow(checked('signalWorkflow', request))
  }

  async requestCancelWorkflow(request: services.RequestCancelWorkflowRequest): Promise<void> {
    return await this.#service.requestCancelWorkflow(checked('requestCancelWorkflow', request))
  }

  async terminateWorkflow(request: services.TerminateWorkflowRequest): Promise<void> {
    await this.#service.terminateWorkflow(checked('terminateWorkflow', request))
  }

  async describeWorkflow(target: services.ExecutionTarget): Promise<services.WorkflowDescription> {
    return await this.#service.describeWorkflow(checkedTarget(target))
  }

  async getHistory(
    target: services.ExecutionTarget,
    fromEventId: number,
    limit: number,
  ): Promise<services.HistoryPage> {
    parse(pageSchema, { fromEventId, limit }, 'request')
    return await this.#service.getHistory(checkedTarget(target), fromEventId, limit)
  }

  async waitClosed(target: services.ExecutionTarget): ReturnType<Verbs['waitClosed']> {
    return await this.#service.waitClosed(checkedTarget(target))
  }

  async retryStalled(target: services.ExecutionTarget): Promise<void> {
    await this.#service.retryStalled(checkedTarget(target))
  }

  async pollWorkflowTask(request: services.PollRequest): ReturnType<Verbs['pollWorkflowTask']> {
    return await this.#service.pollWorkflowTask(checked('pollWorkflowTask', request))
  }

  async respondWorkflowTaskCompleted(
    request: services.RespondWorkflowTaskCompletedRequest,
  ): ReturnType<Verbs['respondWorkflowTaskCompleted']> {
    return await this.#service.respondWorkflowTaskCompleted(checked('respondWorkflowTaskCompleted', request))
  }

  async respondWorkflowTaskFailed(request: services.RespondWorkflowTaskFailedRequest): Promise<void> {
    await this.#service.respondWorkflowTaskFailed(checked('respondWorkflowTaskFailed', request))
  }

  async pollActivityTask(request: services.PollRequest): ReturnType<Verbs['pollActivityTask']> {
    return await this.#service.pollActivityTask(checked('pollActivityTask', request))
  }

  async respondActivityTaskCompleted(request: services.RespondActivityTaskCompletedRequest): Promise<void> {
    await this.#service.respondActivityTaskCompleted(checked('respondActivityTaskCompleted', request))
  }

  async respondActivityTaskFailed(request: services.RespondActivityTaskFailedRequest): Promise<void> {
    await this.#service.respondActivityTaskFailed(checked('respondActivityTaskFailed', request))
  }

  async respondActivityTaskCanceled(request: services.RespondActivityTaskCanceledRequest): Promise<void> {
    await this.#service.respondActivityTaskCanceled(checked('respondActivityTaskCanceled', request))
  }

  async recordActivityTaskHeartbeat(
    request: services.RecordActivityTaskHeartbeatRequest,
  ): ReturnType<Verbs['recordActivityTaskHeartbeat']> {
    return await this.#service.recordActivityTaskHeartbeat(checked('recordActivityTaskHeartbeat', request))
  }

  async respondActivityTaskCompletedById(request: services.RespondActivityTaskCompletedByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskCompletedById(checked('respondActivityTaskCompletedById', request))
  }

  async respondActivityTaskFailedById(request: services.RespondActivityTaskFailedByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskFailedById(checked('respondActivityTaskFailedById', request))
  }

  async respondActivityTaskCanceledById(request: services.RespondActivityTaskCanceledByIdRequest): Promise<void> {
    await this.#service.respondActivityTaskCanceledById(checked('respondActivityTaskCanceledById', request))
  }

  async recordActivityTaskHeartbeatById(
    request: services.RecordActivityTaskHeartbeatByIdRequest,
  ): ReturnType<Verbs['recordActivityTaskHeartbeatById']> {
    return await this.#service.recordActivityTaskHeartbeatById(checked('recordActivityTaskHeartbeatById', request))
  }
}

function checked<V extends CheckedVerb>(verb: V, request: unknown): Parameters<Verbs[V]>[0] {
  return parse(requestSchemas[verb], request, 'request') as Parameters<Verbs[V]>[0]
}

function checkedTarget(target: unknown): services.ExecutionTarget {
  return parse(targetSchema, target, 'target') as services.ExecutionTarget
}
