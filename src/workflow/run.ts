/**
 * The sticky code of one execution: what its function waits for, and the windows in which it goes on.
 *
 * Invariant: one cause a window, in recorded order, live and replayed alike; so the commands depend on history alone.
 * After the main function has settled nothing is delivered and no command is taken.
 */
import type { Logger } from '../base/log.js'
import type { Command } from '../protocol/command.js'
import type { EventOf, HistoryEvent } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import { Chance } from './chance.js'
import { Conditions } from './conditions.js'
import type { ContinueAsNewOptions, WorkflowInfo } from './context.js'
import { Ctx, type CtxHome } from './ctx.js'
import { BUILT_IN, type DataConverter } from './data-converter.js'
import type { Workflow } from './definition.js'
import { Facts } from './facts.js'
import type { CancelledFailure } from './failures.js'
import type { Problem, RunHost } from './host.js'
import { aroundQuery, deliverSignal } from './intercepted.js'
import type { WorkflowHooks } from './interceptors.js'
import { callMain, endAsNew, endByReturn, endByThrow, endCancelled, isMistake } from './main-function.js'
import { Patches } from './patches.js'
import type { Header, Payloads } from '../protocol/payload.js'
import { Queries } from './queries.js'
import { invalid } from './options.js'
import { RunLog } from './run-log.js'
import { cancelRequestReason, RootScope } from './root-scope.js'
import { Signals } from './signals.js'
import { Steps, type StepFunction } from './steps.js'
import { OwedWindows } from './owed-windows.js'
import type { Train } from './train.js'
import { UnhandledRejections } from './unhandled-rejections.js'
import { askedInVain, foreignAwait, mistake, outsideActivation, restless, unreadable } from './verdict.js'
import { Waits } from './waits.js'
import { openPassenger, type Passenger } from './window.js'

export interface WorkflowRunOptions {
  readonly definition: Workflow
  readonly execution: ExecutionRef
  readonly train: Train
  readonly host: RunHost
  /** Default: the built-in one. */
  readonly converter?: DataConverter | undefined
  readonly hooks?: WorkflowHooks | undefined
}

/** Causes from a history, until it has none left. */
export interface Recording {
  /** Called with nothing owed to the code. Undefined: over, or the code does not match and was stopped. */
  next(): HistoryEvent | undefined
}

/** After so many condition wakes without a cause the code is taken to be in a circle. */
const MAX_RESTLESS_WINDOWS = 100_000
/** As often a cancelled scope may be asked for something in one window. */
const MAX_REFUSALS = 10_000

export class WorkflowRun implements Passenger, CtxHome {
  isQueued = false
  readonly waits: Waits = new Waits(this)
  readonly conditions: Conditions = new Conditions(this.waits)
  readonly signals: Signals
  readonly steps: Steps = new Steps()
  readonly #definition: Workflow
  readonly #execution: ExecutionRef
  readonly #train: Train
  readonly #host: RunHost
  readonly converter: DataConverter
  readonly facts: Facts
  readonly hooks: WorkflowHooks | undefined
  #log: Logger | undefined
  #chance: Chance | undefined
  #patches: Patches | undefined
  #queries: Queries | undefined
  /** A handler of a query is running. */
  #isAnswering = false
  /** 'ended': the function has settled. 'stopped': a problem was told. 'closed': nothing runs here again. */
  #state: 'new' | 'running' | 'ended' | 'stopped' | 'closed' = 'new'
  #recording: Recording | undefined
  #isReplaying = false
  #isTaskOpen = false
  #nowMs = 0
  #beginTimeMs = 0
  /** Taken from its source, and not delivered yet. */
  #cause: HistoryEvent | undefined
  /** Each is done in a window of its own before the next cause. */
  readonly #owed = new OwedWindows()
  #restlessWindows = 0
  #problem: Problem | undefined
  #unhandled: UnhandledRejections | undefined
  /** Made when something asks for it: most executions have no scopes. */
  #root: RootScope | undefined
  #refusals = 0

  constructor({ definition, execution, train, host, converter = BUILT_IN, hooks }: WorkflowRunOptions) {
    this.hooks = hooks
    this.converter = converter
    this.#definition = definition
    this.#execution = execution
    this.facts = new Facts(execution, this)
    this.#train = train
    this.#host = host
    this.signals = new Signals(definition.signals, this.waits, this)
  }

  get info(): WorkflowInfo {
    return this.facts.info
  }
  get log(): Logger {
    return (this.#log ??= new RunLog(this, this.#host))
  }
  get chance(): Chance {
    return (this.#chance ??= new Chance(this.#execution.runId))
  }
  get root(): RootScope {
    return (this.#root ??= new RootScope(this))
  }
  get rootReason(): CancelledFailure | undefined {
    return this.#root?.reason
  }
  get patches(): Patches {
    return (this.#patches ??= new Patches())
  }
  get queries(): Queries {
    return (this.#queries ??= new Queries(this.#definition.queries))
  }
  get nowMs(): number {
    return this.#nowMs
  }
  get isReplaying(): boolean {
    return this.#isReplaying
  }
  /** The main function has settled. */
  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Something waits for the code. */
  wake(): void {
    this.#train.wake(this)
  }

  /** What the commands of the last task became; before the run is woken again. */
  recorded(events: readonly HistoryEvent[]): void {
    for (const event of events) {
      if (event.eventType === 'ActivityTaskScheduled')
        this.waits.activityRecorded(event.eventId, event.attributes.activityId)
    }
  }

  /** The function of a step that is pending, by its activity type. */
  stepClosure(activityType: string): StepFunction | undefined {
    return this.steps.closure(activityType)
  }

  /** Answers a query, with no window open; also when the code has ended. */
  answer(queryType: string, queryArgs: Payloads | undefined): Payloads | undefined {
    this.#isAnswering = true
    try {
      return this.queries.answer(
        queryType,
        queryArgs,
        this.converter,
        this.#state === 'new' ? undefined : aroundQuery(this, queryType),
      )
    } finally {
      this.#isAnswering = false
    }
  }

  /** Evicted: the code stays where it is, and no `finally` of it runs. */
  close(): void {
    this.#state = 'closed'
    this.#recording = undefined
    this.#cause = undefined
    this.#owed.clear()
    this.#unhandled = undefined
    this.waits.clear()
    this.conditions.clear()
    this.signals.clear()
    this.steps.clear()
  }

  // For a replay.

  /** Causes come from `recording` first. Before the run is woken. */
  follow(recording: Recording): void {
    this.#recording = recording
    this.#isReplaying = true
  }

  beginTask(beginTimeMs: number): void {
    this.#isTaskOpen = true
    this.#beginTimeMs = beginTimeMs
  }

  takeCommands(): Command[] {
    return this.waits.takeCommands()
  }

  /** What follows is new to the code. */
  goLive(): void {
    this.#isReplaying = false
    this.#isTaskOpen = false
  }

  stop(problem: Problem): void {
    this.#problem ??= problem
  }

  stopsBy(error: unknown): boolean {
    const problem = unreadable(error)
    if (problem !== undefined) this.stop(problem)
    return problem !== undefined
  }

  // For the train.

  hasNext(): boolean {
    if (this.#state === 'stopped' || this.#state === 'closed') return false
    if (this.#problem === undefined) {
      if (!this.#owed.isEmpty && this.#state !== 'ended') return true
      this.#cause ??= this.#nextCause()
      if (this.#cause !== undefined) return true
    }
    this.#rest()
    return false
  }

  openWindow(): void {
    if (!this.#owed.isEmpty) return this.#owed.payOne()
    const cause = this.#cause
    this.#cause = undefined
    if (cause === undefined) return
    this.#restlessWindows = 0
    this.#refusals = 0
    if (!this.#isTaskOpen) this.beginTask(this.#host.beginTimeMs)
    this.#nowMs = Math.max(this.#beginTimeMs, cause.eventTimeMs)
    this.#deliver(cause)
  }

  closeWindow(): void {
    if (this.#state !== 'running' || this.conditions.isEmpty) return
    const wake = this.conditions.test()
    if (wake === undefined) return
    this.#owed.add(wake)
    if (++this.#restlessWindows > MAX_RESTLESS_WINDOWS) {
      this.#problem ??= restless(this.#execution.workflowId, MAX_RESTLESS_WINDOWS)
    }
  }

  broke(error: unknown): void {
    this.#problem ??= mistake(error, this.converter)
  }

  rejected(promise: Promise<unknown>, reason: unknown): void {
    this.#unhandled ??= new UnhandledRejections()
    this.#unhandled.rejected(promise, reason)
  }

  handled(promise: Promise<unknown>): void {
    this.#unhandled?.handled(promise)
  }

  // For ctx.

  /** Does something in a window of its own, before the next cause. */
  owe(fn: () => void): void {
    this.#owed.add(fn)
  }

  enter(api: string): boolean {
    if (this.#isAnswering) throw invalid(`a query must not use ctx.${api}`)
    if (openPassenger() === this) return true
    this.#stray(`ctx.${api} was called`)
    return false
  }

  /** False: the code is in a circle, which would never end. */
  mayRefuse(): boolean {
    if (++this.#refusals <= MAX_REFUSALS) return true
    this.#problem ??= askedInVain(this.#execution.workflowId, MAX_REFUSALS)
    return false
  }

  isMistake(error: unknown): boolean {
    return isMistake(this.#definition, error)
  }

  continueAsNew(input: unknown, options: ContinueAsNewOptions, header: Header | undefined): void {
    if (this.#state !== 'running') return
    const next = { input, ...options }
    const command = endAsNew(this.#definition, this.facts.started.attributes, next, header, this)
    this.#state = 'ended'
    this.waits.seal(command)
  }

  #nextCause(): HistoryEvent | undefined {
    if (this.#recording !== undefined) {
      const cause = this.#recording.next()
      if (cause !== undefined || this.#problem !== undefined) return cause
      this.#recording = undefined
    }
    return this.#state === 'ended' ? this.#passOver() : this.#host.nextEvent()
  }

  /** What is recorded behind its end, in the same task, may be the end of what it called off. */
  #passOver(): undefined {
    for (let event = this.#host.nextRecorded(); event !== undefined; event = this.#host.nextRecorded()) {
      this.waits.missed(event)
    }
  }

  #deliver(cause: HistoryEvent): void {
    switch (cause.eventType) {
      case 'WorkflowExecutionStarted':
        return this.#start(cause)
      case 'WorkflowExecutionSignaled':
        return deliverSignal(this, cause.attributes)
      case 'ActivityTaskCompleted':
        return this.waits.activityCompleted(cause.attributes)
      case 'ActivityTaskFailed':
      case 'ActivityTaskTimedOut':
        return this.waits.activityFailed(cause.attributes)
      case 'ActivityTaskCanceled':
        return this.waits.activityCanceled(cause.attributes)
      case 'WorkflowExecutionCancelRequested':
        return this.root.cancel(cancelRequestReason(cause.attributes.cause))
      case 'TimerFired':
        return this.waits.timerFired(cause.attributes.timerId)
      default:
        // Code cannot see it.
        return
    }
  }

  #start(started: EventOf<'WorkflowExecutionStarted'>): void {
    this.#state = 'running'
    this.facts.begin(started)
    const definition = this.#definition
    callMain(
      definition,
      new Ctx(this, undefined),
      started.attributes.input,
      this,
      (value) => this.#ended(() => endByReturn(definition, value, this)),
      (error) => this.#ended(() => this.#endBy(error)),
    )
  }

  #endBy(error: unknown): Command | Problem {
    const end = this.rootReason === undefined ? endByThrow : endCancelled
    return end(this.#definition, error, this)
  }

  #ended(meaning: () => Command | Problem): void {
    if (this.#state !== 'running') return
    if (openPassenger() !== this) return this.#stray('its function ended')
    try {
      const end = meaning()
      if ('hint' in end) return this.stop(end)
      this.#state = 'ended'
      this.waits.seal(end)
    } catch (error) {
      if (!this.stopsBy(error)) throw error
    }
  }

  #rest(): void {
    const problem = this.#verdict()
    this.#isTaskOpen = false
    if (problem !== undefined) {
      this.#state = 'stopped'
      return this.#host.quiescent({ commands: [], problem })
    }
    const commands = this.waits.takeCommands()
    if (this.#state === 'ended') this.close()
    this.#host.quiescent({ commands })
  }

  #verdict(): Problem | undefined {
    const problem = this.#problem ?? this.#unhandled?.problem(this.converter)
    if (problem !== undefined) return problem
    const waits = !this.waits.isEmpty || !this.conditions.isEmpty || this.signals.isListening
    return this.#state === 'running' && !waits ? foreignAwait(this.#execution.workflowId) : undefined
  }

  /** Never throws: it is called by code that may run anywhere. */
  #stray(what: string): void {
    if (this.#problem !== undefined || this.#state !== 'running') return
    const problem = outsideActivation(what, this.#execution.workflowId)
    this.#problem = problem
    // In an open task its end will tell.
    if (!this.#isTaskOpen) this.#train.later(() => this.#host.strayed(problem))
  }
}
