/**
 * A handle: one execution, as the host application sees it. It holds no more than names, and where the result will be.
 *
 * Invariant: nobody has to ask for the result; a failure that nobody asked for is no unhandled rejection.
 */
import { LoomError } from '../base/errors.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { HistoryService } from '../protocol/services.js'
import type { ClosedSlot } from '../protocol/start-requests.js'
import { QUERY_REJECT_CONDITIONS, type QueryRejectCondition } from '../protocol/query.js'
import { nameAt } from '../workflow/activity-settings.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type {
  QueryAnswer,
  QueryNames,
  SignalNames,
  SignalPayload,
  Workflow,
  WorkflowResult,
} from '../workflow/definition.js'
import { encodeHeaders, NO_HEADERS, type Headers } from '../workflow/headers.js'
import { through } from '../workflow/interceptors.js'
import { decodeParsed, encodeChecked } from '../workflow/schema.js'
import { askLastRun, askOpenRun, chainEnd, onOpenRun } from './chain.js'
import { closedResult } from './closed-result.js'
import { decodedDescription, type WorkflowExecutionDescription } from './execution-description.js'
import type { ClientHooks, ExecutionCall } from './interceptors.js'
import { checkNames } from './known-names.js'
import { checkedSignalName } from './signal-name.js'
import { EventPages, type HistoryOptions, type WorkflowHistory } from './history-pages.js'

/** How a signal is sent. */
export interface SignalOptions {
  /** A signal that is sent again with the same one is recorded once. Default: none, so each is recorded. */
  readonly requestId?: string | undefined
}

/** How a query is sent. */
export interface QueryOptions {
  /** What the handler gets. Default: nothing. */
  readonly argument?: unknown
  /** Which closed executions are not asked. Default 'None': all are. */
  readonly rejectCondition?: QueryRejectCondition | undefined
}

const QUERY_OPTIONS: readonly (keyof QueryOptions)[] = ['argument', 'rejectCondition']
const SIGNAL_OPTIONS: readonly (keyof SignalOptions)[] = ['requestId']

/** What follows the name in `signal`: the payload may be left out where undefined fits it. */
export type SignalArguments<P> = undefined extends P
  ? [payload?: P, options?: SignalOptions]
  : [payload: P, options?: SignalOptions]

/** Whom a handle asks, and for which execution. */
export interface HandleParts {
  readonly service: HistoryService
  readonly identity: string
  readonly target: ExecutionTarget
  /** Undefined: nothing was said of its types. */
  readonly definition: Workflow | undefined
  /** What is known here of an execution of which nothing was said. */
  readonly findDefinition: (target: ExecutionTarget) => Promise<Workflow | undefined>
  /** Of the start that made this handle. */
  readonly closed: ClosedSlot | undefined
  readonly converter: DataConverter
  /** The caller named that run: what follows it is no business of this handle. */
  readonly isOneRun: boolean
  readonly hooks: ClientHooks | undefined
}

/** One execution: its result, and what may be done to it. Every verb rejects with LOOM_NOT_FOUND when there is none. */
export class WorkflowHandle<W extends Workflow = Workflow> {
  readonly #parts: HandleParts
  /** The run that was open when this handle last did something to one. */
  #openRun: ExecutionTarget
  /** Undefined: the service is asked. */
  #closed: ClosedSlot | undefined

  /** @internal */
  constructor(parts: HandleParts) {
    this.#parts = parts
    this.#openRun = parts.target
    this.#closed = parts.closed
  }

  get workflowId(): string {
    return this.#parts.target.workflowId
  }

  /**
   * The run that was started, or named. Undefined: whichever is the current one when a verb is called. `result`, `signal`,
   * `query`, `cancel` and `terminate` of a start's handle are for the whole chain: they go on to the runs that follow by retry, schedule or
   * continue-as-new. A handle that was asked for by a run id is for that run alone.
   */
  get runId(): string | undefined {
    return this.#parts.target.runId
  }

  /**
   * What the workflow returned, when it has: the parse of its output schema. Rejects with a WorkflowFailedError when it
   * failed, was cancelled or was terminated, and with LOOM_CLOSED when the loom closes first: the execution is untouched by that.
   */
  result(): Promise<WorkflowResult<W>> {
    const { hooks, target } = this.#parts
    if (hooks === undefined) return this.#result()
    const result = through(hooks.result, executionOf(target), () => this.#result() as Promise<unknown>)
    return result
  }

  async #result(): Promise<WorkflowResult<W>> {
    const { service, target, definition, converter } = this.#parts
    const closing = await (this.#closed?.wait() ?? service.waitClosed(target))
    if (this.#parts.isOneRun) return closedResult(closing, target, definition, converter)
    const { event, run } = await chainEnd(service, target, closing)
    return closedResult(event, run, definition, converter)
  }

  /**
   * Sends a signal; resolves when it is durable. Rejects with LOOM_INVALID_ARGUMENT when the definition has no such
   * signal or the payload does not fit its schema, with LOOM_EXECUTION_CLOSED when the execution has ended. A handle by id
   * checks too, where the loom has the definition of the execution's workflow.
   */
  async signal<K extends SignalNames<W>>(name: K, ...args: SignalArguments<SignalPayload<W, K>>): Promise<void> {
    const [payload, options] = args as [unknown, SignalOptions?]
    if (options !== undefined) checkNames(options, SIGNAL_OPTIONS, 'options')
    const { hooks, target } = this.#parts
    if (hooks === undefined) return await this.#signal(name, payload, options, NO_HEADERS)
    const call = { ...executionOf(target), signalName: name, payload, headers: NO_HEADERS }
    await through(hooks.signal, call, (given) => this.#signal(name, given.payload, options, given.headers))
  }

  async #signal(name: string, payload: unknown, options: SignalOptions | undefined, headers: Headers): Promise<void> {
    const { service, target, identity, findDefinition, converter } = this.#parts
    const header = headers === NO_HEADERS ? undefined : encodeHeaders(headers, 'headers')
    const definition = this.#parts.definition ?? (await findDefinition(target))
    const signalName = checkedSignalName(name, definition)
    const input = encodeChecked(
      definition?.signals[signalName],
      payload,
      `payload of signal '${signalName}'`,
      converter,
    )
    const requestId = options?.requestId === undefined ? '' : nameAt(options.requestId, 'options.requestId')
    await this.#act(({ namespaceId, workflowId, runId }) =>
      service.signalWorkflow({ namespaceId, workflowId, runId, signalName, input, header, identity, requestId }),
    )
  }

  /**
   * Asks the execution to cancel itself: what its code waits for rejects with a CancelledFailure, and the code decides what
   * comes of it. Resolves when the request is durable, long before that. Asking again, or a closed execution, changes
   * nothing. `reason` is recorded.
   */
  async cancel(reason = ''): Promise<void> {
    if (typeof reason !== 'string') throw new LoomError('LOOM_INVALID_ARGUMENT', 'reason: not a text')
    const { service, target, identity, isOneRun, hooks } = this.#parts
    const cancel = async (call: { readonly reason: string }): Promise<void> => {
      const ask = (run: ExecutionTarget): Promise<void> =>
        service.requestCancelWorkflow({ ...run, reason: call.reason, identity, requestId: '' })
      if (isOneRun) await ask(target)
      else this.#openRun = await askOpenRun(service, this.#openRun, ask)
    }
    await through(hooks?.cancel ?? [], { ...executionOf(target), reason }, cancel)
  }

  /**
   * Asks the code how it stands, open or closed; nothing is written. Rejects with LOOM_INVALID_ARGUMENT when the code has no
   * such query, its handler throws, or its answer does not fit the schema; with LOOM_STALLED when the code cannot go on;
   * with LOOM_EXECUTION_CLOSED when `rejectCondition` says so.
   */
  async query<K extends QueryNames<W>>(name: K, options: QueryOptions = {}): Promise<QueryAnswer<W, K>> {
    checkNames(options, QUERY_OPTIONS, 'options')
    const { hooks, target } = this.#parts
    if (hooks === undefined) return await this.#query(name, options)
    const call = { ...executionOf(target), queryType: name, argument: options.argument }
    const answer = through(hooks.query, call, ({ argument }) => this.#query(name, { ...options, argument }))
    return await answer
  }

  async #query<K extends QueryNames<W>>(name: K, options: QueryOptions): Promise<QueryAnswer<W, K>> {
    const { argument, rejectCondition } = options
    if (rejectCondition !== undefined && !QUERY_REJECT_CONDITIONS.includes(rejectCondition))
      throw new LoomError(
        'LOOM_INVALID_ARGUMENT',
        `options.rejectCondition: not one of ${QUERY_REJECT_CONDITIONS.join(', ')}`,
      )
    const { service, target, findDefinition, converter } = this.#parts
    const definition = this.#parts.definition ?? (await findDefinition(target))
    const queryType = nameAt(name, 'query')
    const queryArgs = encodeChecked(undefined, argument, 'options.argument', converter)
    const asked = { ...target, queryType, queryArgs, queryRejectCondition: rejectCondition }
    const { isOneRun } = this.#parts
    const { result, queryRejected } = await (isOneRun ? service.queryWorkflow(asked) : askLastRun(service, asked))
    if (queryRejected !== undefined) {
      const message = `query '${queryType}' was rejected: ${target.workflowId} is ${queryRejected.status}`
      throw new LoomError('LOOM_EXECUTION_CLOSED', message)
    }
    return decodeParsed(definition?.queries[queryType], result, `answer of query '${queryType}'`, converter)
  }

  /** Ends the execution without asking its code. `reason` and `details` are recorded; details are what JSON carries. */
  async terminate(reason = '', ...details: readonly unknown[]): Promise<void> {
    if (typeof reason !== 'string') throw new LoomError('LOOM_INVALID_ARGUMENT', 'reason: not a text')
    const { service, identity, converter } = this.#parts
    const encoded = details.length === 0 ? undefined : converter.encodeAll(details, 'details')
    const { hooks, target } = this.#parts
    const terminate = (call: { readonly reason: string }): Promise<void> =>
      this.#act((run) => service.terminateWorkflow({ ...run, reason: call.reason, details: encoded, identity }))
    await through(hooks?.terminate ?? [], { ...executionOf(target), reason }, terminate)
  }

  /**
   * Takes this run away, with all that is stored of it; one that is open is terminated first. Resolves when nobody finds it
   * any more, this handle included, and its workflow id is free. It is the run that was started or named, else the current
   * one: other runs of a chain stay.
   */
  async delete(): Promise<void> {
    const { service, target, identity } = this.#parts
    await service.deleteWorkflow({ ...target, identity })
    this.#closed = undefined
  }

  /** What state it is in, what it waits for, and whether its code has stalled. */
  async describe(): Promise<WorkflowExecutionDescription> {
    const { service, target, converter } = this.#parts
    return decodedDescription(await service.describeWorkflow(target), converter)
  }

  /** All that happened to it, in order: `for await (const event of handle.history())`, or page by page by `pages()`. */
  history(options: HistoryOptions = {}): WorkflowHistory {
    return new EventPages(this.#parts.service, this.#parts.target, options)
  }

  /** Gives the code of a stalled execution another try now. LOOM_NOT_FOUND when it is not stalled. */
  retryStalled(): Promise<void> {
    return this.#parts.service.retryStalled(this.#parts.target)
  }

  async #act(act: (run: ExecutionTarget) => Promise<void>): Promise<void> {
    const { service, isOneRun } = this.#parts
    if (isOneRun) await act(this.#openRun)
    else this.#openRun = await onOpenRun(service, this.#openRun, act)
  }
}

function executionOf({ workflowId, runId }: ExecutionTarget): ExecutionCall {
  return { workflowId, runId }
}

/** What `start` gives: a handle of the run that it made or found. */
export type StartedHandle<W extends Workflow = Workflow> = WorkflowHandle<W> & { readonly runId: string }
