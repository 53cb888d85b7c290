/** Interceptors around what a client of the loom does, and what a loom is given of all kinds of them. */
import { LoomError } from '../base/errors.js'
import type { Headers } from '../workflow/headers.js'
import {
  bound,
  workflowHooks,
  type ActivityExecuteCall,
  type ActivityInterceptor,
  type Around,
  type WorkflowHooks,
  type WorkflowInterceptor,
} from '../workflow/interceptors.js'
import type { LoomStats } from './admin.js'
import type { StartOptions } from './start-options.js'
import { checkNames } from './known-names.js'

/** `start`, `signalWithStart` or the first half of `execute`. */
export interface StartCall {
  readonly workflowType: string
  readonly options: StartOptions
  /** Of signalWithStart. */
  readonly signalName: string | undefined
  /** What goes with the start, and with the signal; empty at first. */
  readonly headers: Headers
}

/** The run that was started, or found: the handle that the caller will get. */
export interface StartedRun {
  readonly workflowId: string
  readonly runId: string
}

/** A verb on an execution. */
export interface ExecutionCall {
  readonly workflowId: string
  /** Undefined: the current one. */
  readonly runId: string | undefined
}

/** `handle.signal`. */
export interface SignalCall extends ExecutionCall {
  readonly signalName: string
  readonly payload: unknown
  /** What goes with it; empty at first. */
  readonly headers: Headers
}

/** `handle.query`. */
export interface QueryCall extends ExecutionCall {
  readonly queryType: string
  readonly argument: unknown
}

/** `handle.cancel` or `handle.terminate`. */
export interface EndCall extends ExecutionCall {
  readonly reason: string
}

/** Around the verbs of `loom` and its handles. */
export interface ClientInterceptor {
  readonly start?: Around<StartCall, Promise<StartedRun>>
  readonly signal?: Around<SignalCall, Promise<void>>
  readonly query?: Around<QueryCall, Promise<unknown>>
  readonly cancel?: Around<EndCall, Promise<void>>
  readonly terminate?: Around<EndCall, Promise<void>>
  readonly result?: Around<ExecutionCall, Promise<unknown>>
}

/** A commit that has become durable. */
export interface CommitReport {
  /** Turns of executions in it. */
  readonly turnCount: number
  /** From when the first of them was staged to when the commit was durable, ms: the longest of their latencies. */
  readonly latencyMs: number
}

/** What a host tells of itself while it works. What these functions throw is logged. */
export interface HostObserver {
  /** The loom has opened; `stats` gives its numbers at any time. What it returns is called when the loom has closed. */
  readonly opened?: (stats: () => LoomStats) => (() => void) | undefined
  /** A commit is durable. */
  readonly committed?: (report: CommitReport) => void
  /** Timers and time-outs were handled: how late the latest of them was, ms. */
  readonly due?: (latenessMs: number) => void
}

/** Functions of the application around what a loom does. The first of a list is the outermost. */
export interface Interceptor {
  readonly client?: ClientInterceptor | undefined
  readonly workflow?: WorkflowInterceptor | undefined
  readonly activity?: ActivityInterceptor | undefined
  readonly host?: HostObserver | undefined
}

/** Of each verb those that there are, the outermost first. */
export interface ClientHooks {
  readonly start: readonly Around<StartCall, Promise<StartedRun>>[]
  readonly signal: readonly Around<SignalCall, Promise<void>>[]
  readonly query: readonly Around<QueryCall, Promise<unknown>>[]
  readonly cancel: readonly Around<EndCall, Promise<void>>[]
  readonly terminate: readonly Around<EndCall, Promise<void>>[]
  readonly result: readonly Around<ExecutionCall, Promise<unknown>>[]
}

/** Undefined where there are none. */
function clientHooks(interceptors: readonly ClientInterceptor[]): ClientHooks | undefined {
  if (interceptors.length === 0) return undefined
  return {
    start: bound(interceptors, 'start'),
    signal: bound(interceptors, 'signal'),
    query: bound(interceptors, 'query'),
    cancel: bound(interceptors, 'cancel'),
    terminate: bound(interceptors, 'terminate'),
    result: bound(interceptors, 'result'),
  }
}

const KNOWN: Readonly<Record<keyof Interceptor, readonly string[]>> = {
  client: ['start', 'signal', 'query', 'cancel', 'terminate', 'result'] satisfies (keyof ClientInterceptor)[],
  workflow: [
    ...['execute', 'runActivity', 'handleSignal', 'handleQuery', 'continueAsNew', 'taskEnded'],
  ] satisfies string[],
  activity: ['execute'] satisfies (keyof ActivityInterceptor)[],
  host: ['opened', 'committed', 'due'] satisfies (keyof HostObserver)[],
}

/** LOOM_INVALID_ARGUMENT for a name that nobody would ever call, and for what is no function. */
export function checkInterceptors(interceptors: readonly unknown[]): readonly Interceptor[] {
  for (const [at, interceptor] of interceptors.entries()) {
    const path = `options.interceptors[${at}]`
    checkNames(interceptor, Object.keys(KNOWN), path)
    for (const [kind, hooks] of Object.entries(interceptor as Record<string, unknown>)) {
      if (hooks === undefined) continue
      checkHooks(hooks, KNOWN[kind as keyof Interceptor], `${path}.${kind}`)
    }
  }
  return interceptors as readonly Interceptor[]
}

/** An object of a class has fields of its own, and its methods on the prototype. */
function checkHooks(hooks: unknown, known: readonly string[], path: string): void {
  const isPlain = typeof hooks !== 'object' || hooks === null || Object.getPrototypeOf(hooks) === Object.prototype
  if (isPlain) checkNames(hooks, known, path)
  for (const name of known) {
    const fn = (hooks as Record<string, unknown>)[name]
    if (fn !== undefined && typeof fn !== 'function')
      throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}.${name}: not a function`)
  }
}

/** What the parts of a loom are given of its interceptors. */
export interface Hooks {
  readonly client: ClientHooks | undefined
  readonly workflow: WorkflowHooks | undefined
  readonly activity: readonly Around<ActivityExecuteCall, Promise<unknown>>[]
  readonly host: readonly HostObserver[]
}

export function hooksOf(interceptors: readonly Interceptor[]): Hooks {
  const of = <K extends keyof Interceptor>(kind: K): NonNullable<Interceptor[K]>[] =>
    interceptors.flatMap((interceptor) => interceptor[kind] ?? [])
  return {
    client: clientHooks(of('client')),
    workflow: workflowHooks(of('workflow')),
    activity: bound(of('activity'), 'execute'),
    host: of('host'),
  }
}
