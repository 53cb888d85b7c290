/**
 * What workflow code may ask for. Everything it learns or does goes through here, so that a replay gives it the same
 * answers.
 *
 * Only code of the execution itself may call these, while something is delivered to it. A call from elsewhere (a
 * timer of Node's, an activity's function, after awaiting I/O) never throws: the workflow task fails with the cause
 * `OutsideActivation`, and the promise that was returned stays pending.
 */
import type { Duration } from '../base/duration.js'
import type { Logger } from '../base/log.js'
import type { ActivityContext } from './activity-context.js'
import type { ActivityRunOptions } from './activity-settings.js'
import type { Activity, SignalSchemas } from './definition.js'
import type { FailureError } from './failures.js'
import type { Jsonified } from './jsonified.js'
import type { MemoValues } from './memo.js'
import type { QueryHandler } from './queries.js'
import type { SagaOptions, Undo } from './saga.js'
import type { SchemaOutput } from './schema.js'
import type { SearchAttributeChanges, SearchAttributeValues } from './search-attributes.js'

/** Facts of the execution as they are when it is asked for; the same in every replay. */
export interface WorkflowInfo {
  readonly workflowId: string
  readonly runId: string
  readonly namespaceId: string
  readonly workflowType: string
  readonly taskQueue: string
  /** From 1. */
  readonly attempt: number
  /** ms since the epoch. */
  readonly startedAtMs: number
  readonly firstExecutionRunId: string
  readonly originalExecutionRunId: string
  /** The run before, in a chain. */
  readonly continuedExecutionRunId: string | undefined
  readonly cronSchedule: string | undefined
  /** What the last run of the chain that completed returned, as JSON carries it; undefined where none has. */
  readonly lastResult: unknown
  /** What the run before failed with, if it did. */
  readonly lastFailure: FailureError | undefined
  /** As it is now: that of the start, and what `upsertMemo` has changed since. A copy that is not changed. */
  readonly memo: MemoValues
  /** As they are now, likewise; with `TemporalChangeVersion`, where code was patched. */
  readonly searchAttributes: SearchAttributeValues
}

/** What the next run has that this one does not hand on as it is. */
export interface ContinueAsNewOptions {
  /** Instead of the memo that this run was started with, which goes on without what `upsertMemo` has changed. */
  readonly memo?: MemoValues | undefined
  /** Instead of the search attributes of the start, likewise. */
  readonly searchAttributes?: SearchAttributeValues | undefined
}

/** Where a `signal` with a time limit gives up. */
export interface SignalWait {
  readonly timeout: Duration
}

/** What a branch of `race` may be: a function that is given a ctx of its own, or a promise that was there before. */
export type RaceBranch<S extends SignalSchemas> = ((ctx: WorkflowContext<S>) => unknown) | PromiseLike<unknown>

/** Which branch won, and with what. */
export type RaceOutcome<B> = {
  [K in keyof B]: {
    readonly key: K
    /** What that branch gave. */
    readonly value: Awaited<B[K] extends (ctx: never) => infer R ? R : B[K]>
  }
}[keyof B]

/** The first argument of a workflow's function; `S` are the schemas of its signals. */
export interface WorkflowContext<S extends SignalSchemas = SignalSchemas> {
  readonly info: WorkflowInfo
  /** Writes nothing while the code is replayed. */
  readonly log: Logger
  /** `info.memo`. */
  readonly memo: MemoValues
  /**
   * Changes the memo, which `describe` shows: keys that are given are set, or taken away by a null; the others stay. All of it
   * together may have 2 MB (`maxMemoBytes`): more stalls the execution. LOOM_INVALID_ARGUMENT for what JSON does not carry.
   */
  upsertMemo(changes: MemoValues): void
  /**
   * Changes the search attributes, which `describe` shows: those that are given are set, or taken away by a null; the others
   * stay. LOOM_INVALID_ARGUMENT for what is no value of any type; a name that is not registered, a value of another type
   * than its name's, and too many of them stall the execution.
   */
  upsertSearchAttributes(changes: SearchAttributeChanges): void

  /**
   * Runs an activity and gives its result. Rejects with an ActivityFailure when it has failed for good, with a
   * CancelledFailure when the wait is cancelled, and with LOOM_INVALID_ARGUMENT when `input` does not fit its schema.
   *
   * The promise itself may be left alone, as all that ctx gives: the code may look at it later, or never, and a failure
   * that it never looked at does not matter. What the code makes of it (an async function, `then`) may not.
   */
  run<I, R>(activity: Activity<I, R>, ...args: RunArguments<I>): Promise<R>

  /**
   * An activity written in place: the same events, retries and time-outs, under the type `step:<name>#<n>`. `fn` runs
   * outside of workflow code, so it must not use ctx; its result is what JSON makes of it.
   */
  step<R>(name: string, fn: (context: ActivityContext) => R, options?: StepOptions): Promise<Jsonified<Awaited<R>>>

  /** Resolves after a durable timer: a number of ms, a text such as '3 days', or an instant. At least 1 ms. */
  sleep(until: Duration | Date): Promise<void>

  /**
   * The next message of that name; one that came before is kept for it. Without a time limit there is one pending
   * promise a name: two that wait get the same message. With one, the wait is withdrawn when the time is up and
   * gives undefined.
   */
  signal<K extends keyof S & string>(name: K): Promise<SchemaOutput<S[K]>>
  /** As above, and undefined when the time is up first. */
  signal<K extends keyof S & string>(name: K, wait: SignalWait): Promise<SchemaOutput<S[K]> | undefined>

  /** Hands out all messages of that name in order, each to one reader. */
  signals<K extends keyof S & string>(name: K): AsyncIterableIterator<SchemaOutput<S[K]>>

  /**
   * Calls `handler` for each message of that name, those kept before included. A name is consumed by a handler or by
   * `signal`/`signals`: both is LOOM_INVALID_ARGUMENT. What a handler throws is a promise left alone that rejects.
   */
  onSignal<K extends keyof S & string>(name: K, handler: (payload: SchemaOutput<S[K]>) => unknown): void

  /**
   * Answers queries of that name, one of the definition's, until another handler takes its place. It reads the code's
   * variables, answers at once, must change nothing, and cannot use ctx. It gets what the query was sent with.
   */
  onQuery(name: string, handler: QueryHandler): void

  /**
   * Resolves when `predicate` is true: it is tested after everything that is delivered, and of several that are true
   * the one registered first wakes alone. With a time limit it says whether that was in time.
   */
  condition(predicate: () => boolean): Promise<void>
  /** As above; false when the time is up first. */
  condition(predicate: () => boolean, timeout: Duration): Promise<boolean>

  /**
   * The first branch to settle decides. What the functions of other branches started through their ctx is cancelled;
   * promises given as they are, are left alone. (Native `Promise.race` cancels nothing: its timers fire later.)
   */
  race<B extends Readonly<Record<string, RaceBranch<S>>>>(branches: B): Promise<RaceOutcome<B>>

  /**
   * Runs `fn` with a ctx of its own, and gives what it gives. What was started on that ctx is cancelled together: by its
   * `cancel`, or with the scope around it. What `fn` still has pending when it settles goes on.
   */
  scope<R>(fn: (ctx: WorkflowContext<S>) => R): Promise<Awaited<R>>

  /** As `scope`, but nothing from outside cancels it: for clean-up, and for what must not be left half done. */
  shield<R>(fn: (ctx: WorkflowContext<S>) => R): Promise<Awaited<R>>

  /** As `scope`, and it is cancelled when the time is up: what it waits for rejects with a CancelledFailure. */
  timeout<R>(after: Duration, fn: (ctx: WorkflowContext<S>) => R): Promise<Awaited<R>>

  /**
   * As `scope`; and when `fn` throws a failure, or is cancelled, what it gave to `undo` until then is run: the last one
   * first, one after the other, each on a shielded ctx of its own. First everything is cancelled that `fn` still has
   * pending, and activities that are `'WaitCancellationCompleted'`, shielded parts and sagas in it are waited for. Then it
   * rejects with what `fn` threw; or, since compensations that fail do not hold up the others, with a CompensationFailure,
   * whose cause that is.
   *
   * A mistake (see `failOn`) undoes nothing: the execution is stalled, and goes on with mended code. Nothing is undone
   * either when the execution is terminated, runs out of its own time, or goes on as new within `fn`.
   */
  saga<R>(
    fn: (ctx: WorkflowContext<S>, undo: Undo<WorkflowContext<S>>) => R,
    options?: SagaOptions,
  ): Promise<Awaited<R>>

  /**
   * Cancels what was started on this ctx, and on those below: it rejects with a CancelledFailure, as all that this ctx is
   * asked for from now on; running activities are asked to stop (see `cancellationType`). On the workflow's own ctx it
   * does what a cancel request does.
   */
  cancel(reason?: string): void

  /**
   * Is the change of that name in? True in new executions, and from here on in those that were waiting; false where a
   * replay passes code that ran before the change. Its marker is recorded with the first call that is true.
   */
  patched(id: string): boolean
  /** Leaves a marker which code without any call of that id may pass: all executions from before the change are over. */
  deprecatePatch(id: string): void

  /**
   * Ends this run and goes on as the next one of the same workflow, with that input and a new history: for code that would
   * otherwise run for ever. `return ctx.continueAsNew(state)`: nothing after it runs. Time-outs, retry policy and schedule
   * stay, and so do the memo and the search attributes of the start: `{ memo: ctx.memo }` hands on what it is now. A signal that came too late for this run is recorded in the next; one that this run was given and did not look at is
   * its own to pass on.
   */
  continueAsNew(input?: unknown, options?: ContinueAsNewOptions): Promise<never>

  /** ms since the epoch: when this workflow task began, or the time of what is being delivered if that is later. */
  now(): number
  /** In [0, 1), from a generator seeded by the run id. */
  random(): number
  /** A UUID from the same generator. */
  uuid(): string
}

/** How long a step may take, and when it is tried again. */
export type StepOptions = Omit<ActivityRunOptions, 'taskQueue'>

/** `input` may be left out where undefined fits it. */
export type RunArguments<I> = undefined extends I
  ? [input?: I, options?: ActivityRunOptions]
  : [input: I, options?: ActivityRunOptions]
