/**
 * Spans: one for each verb of a client, each workflow task and each attempt of an activity.
 *
 * Invariant: a replay makes no spans. Workflow code is never inside of one: its spans are made beside it, and end with its task.
 */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api'
import type { ClientInterceptor } from '../client/interceptors.js'
import type { Headers } from '../workflow/headers.js'
import type { ActivityInterceptor, RunActivityCall, WorkflowInterceptor } from '../workflow/interceptors.js'

/** Spans of tasks whose end was never told (their code was dropped): the oldest are ended when there are more. */
const MAX_OPEN_TASKS = 10_000

export class Spans {
  readonly #tracer: Tracer
  /** Of tasks that are open, by run: made when they run their first activity. */
  readonly #tasks = new Map<string, Span>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  get client(): ClientInterceptor {
    return {
      start: (call, next) => {
        const { workflowType, signalName, options, headers } = call
        const name = `${signalName === undefined ? 'StartWorkflow' : 'SignalWithStartWorkflow'}:${workflowType}`
        return this.#within(name, SpanKind.CLIENT, idsOf(options), async (span, active) => {
          const handle = await next({ ...call, headers: injected(active, headers) })
          span.setAttribute('shardloom.run_id', handle.runId)
          return handle
        })
      },
      signal: (call, next) =>
        this.#within(`SignalWorkflow:${call.signalName}`, SpanKind.CLIENT, idsOf(call), (_span, active) =>
          next({ ...call, headers: injected(active, call.headers) }),
        ),
      query: (call, next) =>
        this.#within(`QueryWorkflow:${call.queryType}`, SpanKind.CLIENT, idsOf(call), () => next(call)),
      cancel: (call, next) => this.#within('CancelWorkflow', SpanKind.CLIENT, idsOf(call), () => next(call)),
      terminate: (call, next) => this.#within('TerminateWorkflow', SpanKind.CLIENT, idsOf(call), () => next(call)),
    }
  }

  get workflow(): WorkflowInterceptor {
    return {
      runActivity: (call, next) =>
        call.isReplaying ? next(call) : next({ ...call, headers: injected(this.#taskContext(call), call.headers) }),
      taskEnded: ({ workflowType, workflowId, runId, attempt, headers, startedAtMs, endedAtMs, failure }) => {
        const span = this.#tasks.get(runId) ?? this.#startTask(workflowType, headers, startedAtMs)
        this.#tasks.delete(runId)
        span.setAttributes({ ...idsOf({ workflowId, runId }), 'shardloom.attempt': attempt })
        if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure })
        span.end(endedAtMs)
      },
    }
  }

  get activity(): ActivityInterceptor {
    return {
      execute: (call, next) => {
        const { info, attempt } = call.context
        const { workflowId, runId, activityId, activityType } = info
        const attributes = { ...idsOf({ workflowId, runId }), 'shardloom.activity_id': activityId }
        const within = { ...attributes, 'shardloom.attempt': attempt }
        return this.#within(
          `RunActivity:${activityType}`,
          SpanKind.SERVER,
          within,
          () => next(call),
          extracted(call.headers),
        )
      },
    }
  }

  /** `run` is within the span, which ends with it, and has failed with it. */
  async #within<T>(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    run: (span: Span, active: Context) => Promise<T>,
    parent: Context = context.active(),
  ): Promise<T> {
    const span = this.#tracer.startSpan(name, { kind, attributes }, parent)
    const active = trace.setSpan(parent, span)
    try {
      return await context.with(active, () => run(span, active))
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error))
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      span.end()
    }
  }

  /** Of the task that is open for that run; made now when it is the first that asks. */
  #taskContext({ info, startHeaders }: RunActivityCall): Context {
    let span = this.#tasks.get(info.runId)
    if (span === undefined) {
      span = this.#startTask(info.workflowType, startHeaders, undefined)
      this.#tasks.set(info.runId, span)
      this.#trim()
    }
    return trace.setSpan(ROOT_CONTEXT, span)
  }

  #startTask(workflowType: string, headers: Headers, startTime: number | undefined): Span {
    const options = startTime === undefined ? { kind: SpanKind.SERVER } : { kind: SpanKind.SERVER, startTime }
    return this.#tracer.startSpan(`WorkflowTask:${workflowType}`, options, extracted(headers))
  }

  #trim(): void {
    if (this.#tasks.size <= MAX_OPEN_TASKS) return
    const [runId, oldest] = this.#tasks.entries().next().value!
    this.#tasks.delete(runId)
    oldest.end()
  }
}

function idsOf({ workflowId, runId }: { workflowId: string; runId?: string | undefined }): Attributes {
  return runId === undefined
    ? { 'shardloom.workflow_id': workflowId }
    : { 'shardloom.workflow_id': workflowId, 'shardloom.run_id': runId }
}

function injected(active: Context, headers: Headers): Headers {
  const carrier: Record<string, string> = { ...headers }
  propagation.inject(active, carrier)
  return carrier
}

function extracted(headers: Headers): Context {
  return propagation.extract(ROOT_CONTEXT, headers)
}
