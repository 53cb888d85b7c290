/**
 * The client of a loom: starts executions and finds them again.
 *
 * Invariant: what a caller gives is checked and encoded here, before anything is asked of history, so a bad call writes
 * nothing. What is stored is the form that was given, not the schema's parse.
 */
import { LoomError } from '../base/errors.js'
import { isUuid } from '../base/uuid.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { HistoryService } from '../protocol/services.js'
import type { ClosedSlot, StartWorkflowRequest } from '../protocol/start-requests.js'
import { nameAt } from '../workflow/activity-settings.js'
import type { DataConverter } from '../workflow/data-converter.js'
import { isMade, type SignalNames, type Workflow, type WorkflowResult } from '../workflow/definition.js'
import { encodeMemo } from '../workflow/memo.js'
import { encodeHeaders, NO_HEADERS, type Headers } from '../workflow/headers.js'
import { through } from '../workflow/interceptors.js'
import { encodeChecked } from '../workflow/schema.js'
import { ActivityHandle, type ActivityIds } from './activity-handle.js'
import { WorkflowHandle, type StartedHandle } from './handle.js'
import { checkNames } from './known-names.js'
import type { ClientHooks, StartCall } from './interceptors.js'
import { checkedSignalName } from './signal-name.js'
import { checkedStart, startTimes, type SignalWithStartOptions, type StartOptions } from './start-options.js'

export interface ClientParts {
  readonly service: HistoryService
  readonly namespaceId: string
  readonly identity: string
  /** For workflows whose definition names none. */
  readonly taskQueue: string
  /** Of the loom, by name: what is started by name is checked by them, where it is known here. */
  readonly workflows: ReadonlyMap<string, Workflow>
  readonly converter: DataConverter
  readonly hooks: ClientHooks | undefined
  readonly nowMs: () => number
  readonly newRequestId: () => string
  /** Of an execution: asked when only its id is known here. */
  readonly workflowTypeOf: (target: ExecutionTarget) => Promise<string>
}

const ACTIVITY_IDS: readonly (keyof ActivityIds)[] = ['workflowId', 'activityId', 'runId']

export class Client {
  readonly #parts: ClientParts

  constructor(parts: ClientParts) {
    this.#parts = parts
  }

  async start<W extends Workflow = Workflow>(
    workflow: W | string,
    options: StartOptions<W>,
  ): Promise<StartedHandle<W>> {
    const definition = this.#definition(workflow)
    const name = definition === undefined ? nameAt(workflow, 'workflow') : definition.name
    return await this.#intercepted(name, options, undefined, async (given, headers) => {
      const request = this.#startRequest(name, definition, given, headers)
      const { runId, closed } = await this.#parts.service.startWorkflow(request)
      return this.#handle<W>(definition, request.workflowId, runId, closed, false)
    })
  }

  /** Most looms have no interceptors, and nothing is made for them. */
  #intercepted<W extends Workflow>(
    workflowType: string,
    options: StartOptions,
    signalName: string | undefined,
    start: (options: StartOptions, headers: Headers) => Promise<StartedHandle<W>>,
  ): Promise<StartedHandle<W>> {
    const { hooks } = this.#parts
    if (hooks === undefined) return start(options, NO_HEADERS)
    const call: StartCall = { workflowType, options, signalName, headers: NO_HEADERS }
    const started = through(hooks.start, call, (given) => start(given.options, given.headers))
    return started as Promise<StartedHandle<W>>
  }

  async signalWithStart<W extends Workflow, K extends SignalNames<W>>(
    workflow: W | string,
    options: SignalWithStartOptions<W, K>,
  ): Promise<StartedHandle<W>> {
    if (typeof options !== 'object' || options === null) checkNames(options, [], 'options')
    const { signal, payload, ...start } = options as SignalWithStartOptions & { readonly payload?: unknown }
    const definition = this.#definition(workflow)
    const name = definition === undefined ? nameAt(workflow, 'workflow') : definition.name
    const { converter, service } = this.#parts
    const signalName = checkedSignalName(signal, definition)
    const path = `payload of signal '${signalName}'`
    const signalInput = encodeChecked(definition?.signals[signalName], payload, path, converter)
    return await this.#intercepted(name, start, signalName, async (given, headers) => {
      const request = { ...this.#startRequest(name, definition, given, headers), signalName, signalInput }
      const { runId, closed } = await service.signalWithStartWorkflow(request)
      return this.#handle<W>(definition, request.workflowId, runId, closed, false)
    })
  }

  async execute<W extends Workflow = Workflow>(
    workflow: W | string,
    options: StartOptions<W>,
  ): Promise<WorkflowResult<W>> {
    const handle = await this.start(workflow, options)
    return await handle.result()
  }

  handle(workflowId: string, runId?: string): WorkflowHandle
  handle<W extends Workflow>(workflow: W, workflowId: string, runId?: string): WorkflowHandle<W>
  handle(first: string | Workflow, second?: string, third?: string): WorkflowHandle {
    const [definition, workflowId, runId] =
      typeof first === 'string' ? [undefined, first, second] : [this.#definition(first), second, third]
    return this.#handle(
      definition,
      nameAt(workflowId, 'workflowId'),
      checkedRunId(runId),
      undefined,
      runId !== undefined,
    )
  }

  activity(ids: ActivityIds): ActivityHandle {
    checkNames(ids, ACTIVITY_IDS, 'ids')
    const { service, identity, namespaceId, converter, nowMs } = this.#parts
    const { workflowId, activityId, runId } = ids
    const target = {
      namespaceId,
      workflowId: nameAt(workflowId, 'ids.workflowId'),
      activityId: nameAt(activityId, 'ids.activityId'),
      runId: checkedRunId(runId),
    }
    return new ActivityHandle({ service, identity, target, converter, nowMs })
  }

  #handle<W extends Workflow>(
    definition: Workflow | undefined,
    workflowId: string,
    runId: string | undefined,
    closed: ClosedSlot | undefined,
    isOneRun: boolean,
  ): StartedHandle<W> {
    const { service, identity, namespaceId, converter, hooks } = this.#parts
    const target = { namespaceId, workflowId, runId }
    const findDefinition = this.#findDefinition
    const parts = { service, identity, target, definition, closed, converter, findDefinition, isOneRun, hooks }
    return new WorkflowHandle<W>(parts) as StartedHandle<W>
  }

  /** Of an execution that is known by its ids alone; undefined when its code is not here. */
  readonly #findDefinition = async (target: ExecutionTarget): Promise<Workflow | undefined> => {
    const { workflows, workflowTypeOf } = this.#parts
    return workflows.size === 0 ? undefined : workflows.get(await workflowTypeOf(target))
  }

  #startRequest(
    name: string,
    definition: Workflow | undefined,
    options: StartOptions,
    headers: Headers,
  ): StartWorkflowRequest {
    const { namespaceId, identity, taskQueue, converter, newRequestId } = this.#parts
    const checked = checkedStart(options)
    return {
      namespaceId,
      workflowId: checked.workflowId,
      workflowType: name,
      taskQueue: checked.taskQueue ?? definition?.taskQueue ?? taskQueue,
      input: encodeChecked(definition?.input, checked.input, `input of workflow '${name}'`, converter),
      ...startTimes(checked),
      memo: checked.memo === undefined ? undefined : encodeMemo(checked.memo, 'options.memo', converter),
      header: headers === NO_HEADERS ? undefined : encodeHeaders(headers, 'headers'),
      workflowIdReusePolicy: checked.workflowIdReusePolicy ?? 'AllowDuplicate',
      workflowIdConflictPolicy: checked.workflowIdConflictPolicy,
      identity,
      requestId: checked.requestId ?? newRequestId(),
      isFreshRequestId: checked.requestId === undefined,
    }
  }

  /** Undefined for a name that is not known here. */
  #definition(workflow: unknown): Workflow | undefined {
    if (typeof workflow === 'string') return this.#parts.workflows.get(workflow)
    if (isMade(workflow, 'workflow')) return workflow
    throw new LoomError('LOOM_INVALID_ARGUMENT', 'workflow: neither made by workflow() nor the name of one')
  }
}

function checkedRunId(runId: unknown): string | undefined {
  if (runId === undefined || (typeof runId === 'string' && isUuid(runId))) return runId
  throw new LoomError('LOOM_INVALID_ARGUMENT', `runId: not a UUID: ${String(runId).slice(0, 60)}`)
}
