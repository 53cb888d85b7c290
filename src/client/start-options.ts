/**
 * What `start` may be told, checked.
 *
 * Invariant: the short way for the common options accepts nothing that the schema refuses, and gives what it would give.
 */
import { z } from 'zod'
import { durationMs, type Duration } from '../base/duration.js'
import { idSchema } from '../protocol/ids.js'
import type {
  StartWorkflowRequest,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '../protocol/start-requests.js'
import { retryPolicy, type RetryOptions } from '../workflow/activity-settings.js'
import type { SignalNames, SignalPayload, Workflow, WorkflowInput } from '../workflow/definition.js'
import type { MemoValues } from '../workflow/memo.js'
import { parse } from '../workflow/schema.js'
import { encodeSearchAttributes, type SearchAttributeChanges } from '../workflow/search-attributes.js'
import { checkNames } from './known-names.js'

/** How a workflow is started, beside its input. */
export interface StartSettings {
  /**
   * What the execution is known by: one at a time is open under an id. Well-formed Unicode, from 1 to 1,000 bytes of
   * UTF-8. All executions of an id live in one shard.
   */
  readonly workflowId: string
  /** Whose workers run it. Default: the definition's, else the loom's. */
  readonly taskQueue?: string | undefined
  /** May the id of a closed execution be used again? Default 'AllowDuplicate'. */
  readonly workflowIdReusePolicy?: WorkflowIdReusePolicy | undefined
  /** What if an execution of that id is open? Default 'Fail': LOOM_ALREADY_EXISTS. */
  readonly workflowIdConflictPolicy?: WorkflowIdConflictPolicy | undefined
  /**
   * How long a worker that polls may hold a workflow task. Default 10 s, at most 120 s. A worker of the loom itself has
   * no such limit.
   */
  readonly workflowTaskTimeout?: Duration | undefined
  /** How long one run may take, from when it is to begin its work. Default: no limit. */
  readonly workflowRunTimeout?: Duration | undefined
  /** How long all runs of the chain may take together. Default: no limit. */
  readonly workflowExecutionTimeout?: Duration | undefined
  /** When a run that failed or timed out is followed by another one with the same input. Default: never. */
  readonly retry?: RetryOptions | undefined
  /**
   * A run each time, in UTC, the first one not before its time: five fields, `@hourly`, `@daily` …, or `@every 90m`. Runs
   * never overlap.
   */
  readonly cronSchedule?: string | undefined
  /** The wait before the code begins. Signals are kept meanwhile. Not together with a schedule. */
  readonly startDelay?: Duration | undefined
  /**
   * Notes for people and their tools, by key: what JSON carries. `describe` shows them, code may change them. All values
   * together may have 2 MB (`maxMemoBytes`); 2 KB is a good size. Default: none.
   */
  readonly memo?: MemoValues | undefined
  /**
   * What it can be found by, as soon as executions can be listed; `describe` shows them, code may change them. Names are
   * registered by `searchAttributes` of `openLoom`, with the type that their values have. Default: none.
   */
  readonly searchAttributes?: SearchAttributeChanges | undefined
  /** A start that is sent again with the same one gives the run that the first made. Default: a new one each call. */
  readonly requestId?: string | undefined
}

/** What `start` takes for a workflow: `input` may be left out where undefined fits its schema. */
export type StartOptions<W extends Workflow = Workflow> = StartSettings & InputOption<WorkflowInput<W>>

/** `input`, required unless undefined fits. */
export type InputOption<I> = undefined extends I ? { readonly input?: I | undefined } : { readonly input: I }

/** What `signalWithStart` takes: a start, and what is signalled, whether an execution is started for it or is open. */
export type SignalWithStartOptions<
  W extends Workflow = Workflow,
  K extends SignalNames<W> = SignalNames<W>,
> = StartOptions<W> & PayloadOption<SignalPayload<W, K>> & { readonly signal: K }

/** `payload`, required unless undefined fits. */
export type PayloadOption<P> = undefined extends P ? { readonly payload?: P | undefined } : { readonly payload: P }

/** `StartOptions` as requests carry them. */
export interface CheckedStart {
  readonly workflowId: string
  readonly input?: unknown
  readonly taskQueue?: string | undefined
  readonly workflowIdReusePolicy?: WorkflowIdReusePolicy | undefined
  readonly workflowIdConflictPolicy?: WorkflowIdConflictPolicy | undefined
  readonly workflowTaskTimeout?: Duration | undefined
  readonly workflowRunTimeout?: Duration | undefined
  readonly workflowExecutionTimeout?: Duration | undefined
  readonly retry?: RetryOptions | undefined
  readonly cronSchedule?: string | undefined
  readonly startDelay?: Duration | undefined
  readonly memo?: MemoValues | undefined
  readonly searchAttributes?: SearchAttributeChanges | undefined
  readonly requestId?: string | undefined
}

const startSchema = z.strictObject({
  workflowId: idSchema,
  input: z.unknown().optional(),
  taskQueue: idSchema.optional(),
  workflowIdReusePolicy: z
    .enum(['AllowDuplicate', 'AllowDuplicateFailedOnly', 'RejectDuplicate', 'TerminateIfRunning'])
    .optional(),
  workflowIdConflictPolicy: z.enum(['Fail', 'UseExisting', 'TerminateExisting']).optional(),
  workflowTaskTimeout: z.custom<Duration>().optional(),
  workflowRunTimeout: z.custom<Duration>().optional(),
  workflowExecutionTimeout: z.custom<Duration>().optional(),
  retry: z.custom<RetryOptions>().optional(),
  cronSchedule: z.string().optional(),
  startDelay: z.custom<Duration>().optional(),
  memo: z.custom<MemoValues>().optional(),
  searchAttributes: z.custom<SearchAttributeChanges>().optional(),
  requestId: idSchema.optional(),
})

/** Throws LOOM_INVALID_ARGUMENT, naming what is wrong: `options.workflowId: …`. */
export function checkedStart(options: StartOptions): CheckedStart {
  if (isCommon(options)) return options
  checkNames(options, Object.keys(startSchema.shape), 'options')
  const checked = parse(startSchema, options, 'options') as CheckedStart
  startTimes(checked)
  return checked
}

type StartTimes = Pick<
  StartWorkflowRequest,
  | 'workflowTaskTimeoutMs'
  | 'workflowRunTimeoutMs'
  | 'workflowExecutionTimeoutMs'
  | 'retryPolicy'
  | 'cronSchedule'
  | 'workflowStartDelayMs'
  | 'searchAttributes'
>

/** Time-outs and what follows a run, as requests carry them. */
export function startTimes(start: CheckedStart): StartTimes {
  const { workflowTaskTimeout, workflowRunTimeout, workflowExecutionTimeout, retry, cronSchedule, startDelay } = start
  const { searchAttributes } = start
  return {
    workflowTaskTimeoutMs: msOf(workflowTaskTimeout, 'workflowTaskTimeout'),
    workflowRunTimeoutMs: msOf(workflowRunTimeout, 'workflowRunTimeout'),
    workflowExecutionTimeoutMs: msOf(workflowExecutionTimeout, 'workflowExecutionTimeout'),
    retryPolicy: retry === undefined ? undefined : retryPolicy(retry, 'options.retry'),
    cronSchedule,
    workflowStartDelayMs: msOf(startDelay, 'startDelay'),
    searchAttributes:
      searchAttributes === undefined ? undefined : encodeSearchAttributes(searchAttributes, 'options.searchAttributes'),
  }
}

/** 0: not given. */
function msOf(duration: Duration | undefined, name: string): number {
  return duration === undefined ? 0 : durationMs(duration, `options.${name}`)
}

/** At three bytes a character no longer than an id may be, and without surrogates: well formed at a glance. */
const PLAIN_ID = /^[^\ud800-\udfff]{1,333}$/

/** Nothing but an id that is fine at a glance, and input. */
function isCommon(options: unknown): options is CheckedStart {
  if (typeof options !== 'object' || options === null) return false
  for (const key in options) if (key !== 'workflowId' && key !== 'input') return false
  const { workflowId } = options as Partial<CheckedStart>
  return typeof workflowId === 'string' && PLAIN_ID.test(workflowId)
}
