/**
 * The ctx that workflow code holds: one for the function, one for each branch of a race and each scope.
 *
 * Invariant: every call asks first whether the window of its execution is open. Outside of it nothing is thrown, since
 * that could be caught, or bring down the host: the run is marked, and the caller waits for ever.
 */
import { toUSVString } from 'node:util'
import { durationMs, type Duration } from '../base/duration.js'
import type { Logger } from '../base/log.js'
import type { Header, Payloads } from '../protocol/payload.js'
import { activitySettings, overriddenSettings, RUN_OPTIONS, type ActivityRunOptions } from './activity-settings.js'
import type { Chance } from './chance.js'
import type { Conditions } from './conditions.js'
import type {
  ContinueAsNewOptions,
  RaceBranch,
  RaceOutcome,
  RunArguments,
  SignalWait,
  StepOptions,
  WorkflowContext,
  WorkflowInfo,
} from './context.js'
import type { PayloadHome } from './data-converter.js'
import { isMade, type Activity, type SignalSchemas } from './definition.js'
import type { CancelledFailure } from './failures.js'
import { encodeHeaders, NO_HEADERS } from './headers.js'
import { through, type RunActivityCall, type WorkflowHooks } from './interceptors.js'
import { checkOptions, invalid } from './options.js'
import type { Facts } from './facts.js'
import type { Jsonified } from './jsonified.js'
import type { MemoValues } from './memo.js'
import type { Patches } from './patches.js'
import type { Queries, QueryHandler } from './queries.js'
import { race } from './race.js'
import { Saga, type SagaHome, type SagaOptions, type Undo } from './saga.js'
import { encodeChecked, parse } from './schema.js'
import type { SearchAttributeChanges } from './search-attributes.js'
import { cancellation, Scope } from './scope.js'
import { scoped, shielded, timed } from './scoped.js'
import { neverSettles, rejectedQuietly } from './settle.js'
import type { Signals } from './signals.js'
import type { StepFunction, Steps } from './steps.js'
import type { Waits } from './waits.js'

const MAX_NAME = 900
const STEP_OPTIONS: ReadonlySet<string> = new Set([...RUN_OPTIONS].filter((name) => name !== 'taskQueue'))
const SIGNAL_OPTIONS: ReadonlySet<string> = new Set(['timeout'])
const CONTINUE_OPTIONS: ReadonlySet<keyof ContinueAsNewOptions> = new Set(['memo', 'searchAttributes'] as const)

/** What all ctx of one execution share. */
export interface CtxHome extends SagaHome, PayloadHome {
  readonly info: WorkflowInfo
  readonly facts: Facts
  readonly waits: Waits
  readonly conditions: Conditions
  readonly signals: Signals
  readonly steps: Steps
  readonly patches: Patches
  readonly hooks: WorkflowHooks | undefined
  readonly queries: Queries
  readonly chance: Chance
  readonly nowMs: number
  /** Of the function's own ctx; made when it is first asked for. */
  readonly root: Scope
  /** Why the function's own ctx is cancelled, if it is. */
  readonly rootReason: CancelledFailure | undefined
  /** A cancelled ctx is asked for something. False: far too often, and the run is marked. */
  mayRefuse(): boolean
  /** The run ends here. Throws LOOM_INVALID_ARGUMENT when the input does not fit, or a CodecFailure. */
  continueAsNew(input: unknown, options: ContinueAsNewOptions, header: Header | undefined): void
}

export class Ctx implements WorkflowContext {
  readonly #home: CtxHome
  /** What is started here belongs to it; the function's own ctx has none. */
  readonly #scope: Scope | undefined

  constructor(home: CtxHome, scope: Scope | undefined) {
    this.#home = home
    this.#scope = scope
  }

  get info(): WorkflowInfo {
    return this.#home.facts.info
  }

  get log(): Logger {
    return this.#home.log
  }

  get memo(): MemoValues {
    return this.#home.facts.memo
  }

  upsertMemo(changes: MemoValues): void {
    if (!this.#home.enter('upsertMemo')) return
    const upsertedMemo = this.#home.facts.changeMemo(changes)
    if (upsertedMemo !== undefined) this.#home.waits.ask({ type: 'ModifyWorkflowProperties', upsertedMemo })
  }

  upsertSearchAttributes(changes: SearchAttributeChanges): void {
    if (!this.#home.enter('upsertSearchAttributes')) return
    const searchAttributes = this.#home.facts.changeSearchAttributes(changes)
    if (searchAttributes !== undefined)
      this.#home.waits.ask({ type: 'UpsertWorkflowSearchAttributes', searchAttributes })
  }

  run<I, R>(activity: Activity<I, R>, ...args: RunArguments<I>): Promise<R>
  run(activity: Activity, input?: unknown, options?: ActivityRunOptions): Promise<unknown> {
    const refusal = this.#refusal('run')
    if (refusal !== undefined) return refusal
    try {
      if (!isMade(activity, 'activity')) throw invalid('run: its first argument was not made by activity()')
      const { hooks } = this.#home
      if (hooks === undefined) return this.#run(activity, input, options, undefined)
      const call = this.#runCall(activity.name, input)
      return through(hooks.runActivity, call, (given) =>
        this.#run(activity, given.input, options, encodeHeaders(given.headers, 'headers')),
      )
    } catch (error) {
      return this.#home.stopsBy(error) ? neverSettles() : Promise.reject(error)
    }
  }

  #run(
    activity: Activity,
    input: unknown,
    options: ActivityRunOptions | undefined,
    header: Header | undefined,
  ): Promise<unknown> {
    const { name } = activity
    const payloads = this.#sent(activity, input)
    const settings =
      options === undefined
        ? activity.settings
        : overriddenSettings(activity.settings, options, `options of activity '${name}'`)
    return this.#home.waits.schedule(name, settings, payloads, activity, this.#scope, header).promise!
  }

  #runCall(activityType: string, input: unknown): RunActivityCall {
    const { info, isReplaying, facts } = this.#home
    return { info, activityType, input, headers: NO_HEADERS, startHeaders: facts.headers, isReplaying }
  }

  step<R>(name: string, fn: StepFunction, options: StepOptions = {}): Promise<Jsonified<Awaited<R>>> {
    const refusal = this.#refusal('step')
    if (refusal !== undefined) return refusal
    try {
      checkName(name, 'step: its name')
      if (typeof fn !== 'function') throw invalid(`step '${name}': its second argument is not a function`)
      const settings = activitySettings(options, `step '${name}'`, STEP_OPTIONS)
      const { steps, waits, hooks } = this.#home
      const activityType = steps.add(name, fn)
      const begin = (header: Header | undefined): Promise<unknown> => {
        const wait = waits.schedule(activityType, settings, undefined, undefined, this.#scope, header)
        wait.onEnded = () => steps.forget(activityType)
        return wait.promise!
      }
      const begun =
        hooks === undefined
          ? begin(undefined)
          : through(hooks.runActivity, this.#runCall(activityType, undefined), ({ headers }) =>
              begin(encodeHeaders(headers, 'headers')),
            )
      return begun as Promise<Jsonified<Awaited<R>>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  sleep(until: Duration | Date): Promise<void> {
    const refusal = this.#refusal('sleep')
    if (refusal !== undefined) return refusal
    try {
      return this.#home.waits.startTimer(this.#delayMs(until, 'sleep'), this.#scope).promise as Promise<void>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  signal(name: string, wait?: SignalWait): Promise<unknown> {
    const refusal = this.#refusal('signal')
    if (refusal !== undefined) return refusal
    try {
      if (wait !== undefined) checkOptions(wait, SIGNAL_OPTIONS, `signal '${name}'`)
      const timeoutMs = wait === undefined ? undefined : this.#delayMs(wait.timeout, `signal '${name}': timeout`)
      return this.#home.signals.wait(name, timeoutMs, this.#scope)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  signals(name: string): AsyncIterableIterator<unknown> {
    const next = (): Promise<IteratorResult<unknown>> => {
      const refusal = this.#refusal('signals')
      if (refusal !== undefined) return refusal
      try {
        return this.#home.signals.read(name, this.#scope) as Promise<IteratorResult<unknown>>
      } catch (error) {
        return Promise.reject(error)
      }
    }
    const iterator: AsyncIterableIterator<unknown> = {
      next,
      return: () => Promise.resolve({ done: true, value: undefined }),
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  onSignal(name: string, handler: (payload: never) => unknown): void {
    if (!this.#home.enter('onSignal')) return
    if (typeof handler !== 'function') throw invalid(`onSignal '${name}': its handler is not a function`)
    this.#home.signals.handle(name, handler)
  }

  onQuery(name: string, handler: QueryHandler): void {
    if (this.#home.enter('onQuery')) this.#home.queries.handle(name, handler)
  }

  condition(predicate: () => boolean): Promise<void>
  condition(predicate: () => boolean, timeout: Duration): Promise<boolean>
  condition(predicate: () => boolean, timeout?: Duration): Promise<unknown> {
    const refusal = this.#refusal('condition')
    if (refusal !== undefined) return refusal
    try {
      if (typeof predicate !== 'function') throw invalid('condition: its predicate is not a function')
      const timeoutMs = timeout === undefined ? undefined : this.#delayMs(timeout, 'condition: timeout')
      return this.#home.conditions.wait(predicate, timeoutMs, this.#scope)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  race<B extends Readonly<Record<string, RaceBranch<SignalSchemas>>>>(branches: B): Promise<RaceOutcome<B>> {
    const refusal = this.#refusal('race')
    if (refusal !== undefined) return refusal
    try {
      return race(branches, this.#own, (scope) => this.#open(scope)) as Promise<RaceOutcome<B>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  scope<R>(fn: (ctx: WorkflowContext) => R): Promise<Awaited<R>> {
    const refusal = this.#refusal('scope')
    if (refusal !== undefined) return refusal
    if (typeof fn !== 'function') return Promise.reject(invalid('scope: its argument is not a function'))
    const scope = new Scope(this.#own)
    return scoped(scope, fn, this.#open(scope)) as Promise<Awaited<R>>
  }

  shield<R>(fn: (ctx: WorkflowContext) => R): Promise<Awaited<R>> {
    if (!this.#home.enter('shield')) return neverSettles()
    if (typeof fn !== 'function') return Promise.reject(invalid('shield: its argument is not a function'))
    return shielded(this.#scope, fn, (scope) => this.#open(scope)) as Promise<Awaited<R>>
  }

  saga<R>(fn: (ctx: WorkflowContext, undo: Undo<WorkflowContext>) => R, options?: SagaOptions): Promise<Awaited<R>> {
    const refusal = this.#refusal('saga')
    if (refusal !== undefined) return refusal
    try {
      if (typeof fn !== 'function') throw invalid('saga: its argument is not a function')
      const open = (scope: Scope): WorkflowContext => this.#open(scope)
      return new Saga(this.#home, this.#own, open, options ?? {}).run(fn) as Promise<Awaited<R>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  timeout<R>(after: Duration, fn: (ctx: WorkflowContext) => R): Promise<Awaited<R>> {
    const refusal = this.#refusal('timeout')
    if (refusal !== undefined) return refusal
    try {
      if (typeof fn !== 'function') throw invalid('timeout: its second argument is not a function')
      const timeoutMs = this.#delayMs(after, 'timeout')
      const scope = new Scope(this.#own)
      return timed(scope, fn, this.#open(scope), this.#home.waits, timeoutMs) as Promise<Awaited<R>>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  continueAsNew(input?: unknown, options: ContinueAsNewOptions = {}): Promise<never> {
    const refusal = this.#refusal('continueAsNew')
    if (refusal !== undefined) return refusal
    try {
      checkOptions(options, CONTINUE_OPTIONS, 'continueAsNew')
      const { hooks, info, facts } = this.#home
      const begin = (given: unknown, header: Header | undefined): Promise<never> => {
        this.#home.continueAsNew(given, options, header)
        return neverSettles()
      }
      if (hooks === undefined) return begin(input, facts.header)
      const call = { info, input, headers: facts.headers }
      return through(hooks.continueAsNew, call, (given) => begin(given.input, encodeHeaders(given.headers, 'headers')))
    } catch (error) {
      return this.#home.stopsBy(error) ? neverSettles() : Promise.reject(error)
    }
  }

  cancel(reason = 'cancelled'): void {
    if (!this.#home.enter('cancel')) return
    if (typeof reason !== 'string') throw invalid('cancel: its reason is not a text')
    this.#own.cancel(cancellation(reason))
  }

  patched(id: string): boolean {
    return this.#home.enter('patched') && this.#isIn('patched', id, false)
  }

  deprecatePatch(id: string): void {
    if (this.#home.enter('deprecatePatch')) this.#isIn('deprecatePatch', id, true)
  }

  now(): number {
    this.#home.enter('now')
    return this.#home.nowMs
  }

  random(): number {
    return this.#home.enter('random') ? this.#home.chance.fraction() : 0
  }

  uuid(): string {
    return this.#home.enter('uuid') ? this.#home.chance.uuid() : '00000000-0000-4000-8000-000000000000'
  }

  #isIn(api: string, id: string, deprecated: boolean): boolean {
    checkName(id, `${api}: the id of its patch`)
    const { patches, isReplaying, waits, facts } = this.#home
    return patches.isIn(id, deprecated, isReplaying, (command) => {
      if (command.type === 'UpsertWorkflowSearchAttributes') facts.searchAttributesChanged(command.searchAttributes)
      waits.ask(command)
    })
  }

  /** What to return instead of beginning a wait, if anything. */
  #refusal(api: string): Promise<never> | undefined {
    if (!this.#home.enter(api)) return neverSettles()
    const reason = this.#scope === undefined ? this.#home.rootReason : this.#scope.reason
    if (reason === undefined) return undefined
    return this.#home.mayRefuse() ? rejectedQuietly(reason) : neverSettles()
  }

  get #own(): Scope {
    return this.#scope ?? this.#home.root
  }

  #open(scope: Scope): WorkflowContext {
    return new Ctx(this.#home, scope)
  }

  /** A replay refuses what was refused, but nobody needs the payload again. */
  #sent({ input: schema, labels }: Activity, input: unknown): Payloads | undefined {
    const { isReplaying, converter } = this.#home
    if (!isReplaying) return encodeChecked(schema, input, labels.input, converter)
    parse(schema, input, labels.input)
    converter.check(input, labels.input)
    return undefined
  }

  /** A timer of 0 ms is none to Temporal. */
  #delayMs(until: Duration | Date, path: string): number {
    const wanted = until instanceof Date ? Math.max(0, until.getTime() - this.#home.nowMs) : until
    return Math.max(1, durationMs(wanted, path))
  }
}

/** It becomes part of an event, and must be the same when it has been read back. */
function checkName(name: unknown, what: string): void {
  if (typeof name !== 'string' || name === '') throw invalid(`${what} is not a text`)
  if (name.length > MAX_NAME) throw invalid(`${what} has ${name.length} characters, more than ${MAX_NAME}`)
  if (toUSVString(name) !== name) throw invalid(`${what} is not well-formed Unicode`)
}
