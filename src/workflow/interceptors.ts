/**
 * Interceptors: functions of the application around what workflow code and activities do. Each gets the call and `next`,
 * which goes on with the call that it is given; the first of a list is the outermost.
 */
import type { ActivityContext } from './activity-context.js'
import type { WorkflowInfo } from './context.js'
import type { Headers } from './headers.js'

/** A function around another: it may look at the call, change it, and look at what comes of it. */
export type Around<Call, Result> = (call: Call, next: (call: Call) => Result) => Result

/** The main function of a workflow is about to be called. */
export interface WorkflowExecuteCall {
  readonly info: WorkflowInfo
  /** As the input schema made it. */
  readonly input: unknown
  /** Of the start. */
  readonly headers: Headers
  /** It has run before, and is run again to get to where it was. */
  readonly isReplaying: boolean
}

/** Workflow code runs an activity or a step. */
export interface RunActivityCall {
  readonly info: WorkflowInfo
  /** Of a step: `step:<name>#<n>`. */
  readonly activityType: string
  /** Before it is checked and encoded. Of a step undefined, and not used. */
  readonly input: unknown
  /** What goes with it; empty at first. */
  readonly headers: Headers
  /** Those of the start of the run. */
  readonly startHeaders: Headers
  readonly isReplaying: boolean
}

/** A signal is about to be delivered to the code. */
export interface HandleSignalCall {
  readonly info: WorkflowInfo
  readonly signalName: string
  readonly headers: Headers
  readonly isReplaying: boolean
}

/** The handler of a query is about to be called. */
export interface HandleQueryCall {
  readonly info: WorkflowInfo
  readonly queryType: string
  readonly argument: unknown
}

/** Workflow code goes on as a new run. */
export interface ContinueAsNewCall {
  readonly info: WorkflowInfo
  readonly input: unknown
  /** Those of the start at first. */
  readonly headers: Headers
}

/** A workflow task of this process is over. */
export interface WorkflowTaskReport {
  readonly workflowId: string
  readonly runId: string
  readonly workflowType: string
  /** Of the start. */
  readonly headers: Headers
  /** From 1. */
  readonly attempt: number
  /** ms since the epoch; replay, where one was needed, is included. */
  readonly startedAtMs: number
  /** ms since the epoch. */
  readonly endedAtMs: number
  /** What the code threw, or asked for in vain, when the task has failed: its execution is stalled. */
  readonly failure: string | undefined
}

/**
 * Around workflow code. All but `taskEnded` are part of the workflow's code: they are replayed with it, so they must be as
 * deterministic, and must not wait for anything else than `next`.
 */
export interface WorkflowInterceptor {
  readonly execute?: Around<WorkflowExecuteCall, unknown>
  readonly runActivity?: Around<RunActivityCall, Promise<unknown>>
  readonly handleSignal?: Around<HandleSignalCall, void>
  readonly handleQuery?: Around<HandleQueryCall, unknown>
  readonly continueAsNew?: Around<ContinueAsNewCall, Promise<never>>
  /** Told behind everything that workflow code does. What it throws is logged. */
  readonly taskEnded?: (report: WorkflowTaskReport) => void
}

/** The function of an activity or step is about to be called. */
export interface ActivityExecuteCall {
  readonly context: ActivityContext
  /** As the input schema made it. Of a step undefined, and not used. */
  readonly input: unknown
  /** What workflow interceptors gave it. */
  readonly headers: Headers
}

/** Around activities. */
export interface ActivityInterceptor {
  /** `next` may be called later, and never more than once. */
  readonly execute?: Around<ActivityExecuteCall, Promise<unknown>>
}

/** Of each kind those that there are, the outermost first. */
export interface WorkflowHooks {
  readonly execute: readonly Around<WorkflowExecuteCall, unknown>[]
  readonly runActivity: readonly Around<RunActivityCall, Promise<unknown>>[]
  readonly handleSignal: readonly Around<HandleSignalCall, void>[]
  readonly handleQuery: readonly Around<HandleQueryCall, unknown>[]
  readonly continueAsNew: readonly Around<ContinueAsNewCall, Promise<never>>[]
  readonly taskEnded: readonly ((report: WorkflowTaskReport) => void)[]
}

/** Undefined where there are none: then nothing is spent on them. */
export function workflowHooks(interceptors: readonly WorkflowInterceptor[]): WorkflowHooks | undefined {
  if (interceptors.length === 0) return undefined
  return {
    execute: bound(interceptors, 'execute'),
    runActivity: bound(interceptors, 'runActivity'),
    handleSignal: bound(interceptors, 'handleSignal'),
    handleQuery: bound(interceptors, 'handleQuery'),
    continueAsNew: bound(interceptors, 'continueAsNew'),
    taskEnded: bound(interceptors, 'taskEnded'),
  }
}

/** The functions of that name, as methods of their interceptors. */
export function bound<I extends object, K extends keyof I>(interceptors: readonly I[], name: K): NonNullable<I[K]>[] {
  const found: NonNullable<I[K]>[] = []
  for (const interceptor of interceptors) {
    const fn: unknown = interceptor[name]
    if (typeof fn === 'function') found.push(fn.bind(interceptor) as NonNullable<I[K]>)
  }
  return found
}

/** The call goes through all of them, and on to `last`. */
export function through<Call, Result>(
  hooks: readonly Around<Call, Result>[],
  call: Call,
  last: (call: Call) => Result,
): Result {
  let next = last
  for (let at = hooks.length - 1; at >= 0; at--) {
    const hook = hooks[at]!
    const inner = next
    next = (given) => hook(given, inner)
  }
  return next(call)
}
