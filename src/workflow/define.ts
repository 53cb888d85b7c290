/** Making definitions: everything that can be wrong with one is found here, before anything runs. */
import type { ActivityContext } from './activity-context.js'
import { activitySettings, nameAt, RUN_OPTIONS, type ActivityRunOptions } from './activity-settings.js'
import type { WorkflowContext } from './context.js'
import {
  mark,
  type Activity,
  type ErasedFunction,
  type FailOn,
  type SignalSchemas,
  type Workflow,
} from './definition.js'
import { checkOptions, invalid } from './options.js'
import type { Jsonified } from './jsonified.js'
import type { Schema, SchemaInput, SchemaOutput } from './schema.js'
import { STEP_PREFIX } from './steps.js'

/** What `activity` is told beside the function. */
export interface ActivityOptions<
  I extends Schema | undefined,
  O extends Schema | undefined,
> extends ActivityRunOptions {
  /** Its type in histories: change it and running executions do not find it. Not empty, not `step:…`. */
  readonly name: string
  /** Checked by the caller, parsed for the function. */
  readonly input?: I
  /**
   * Checked when the function returns, parsed for the caller: it meets the result twice, the second time as JSON brings it
   * back. So `z.coerce.date()` fits a Date, and `z.date()` does not. A result that does not fit fails the activity for
   * good, with the type `BadResult`.
   */
  readonly output?: O
}

/** What `workflow` is told beside the function. */
export interface WorkflowOptions<
  I extends Schema | undefined,
  O extends Schema | undefined,
  S extends SignalSchemas,
  Q extends SignalSchemas = SignalSchemas,
> {
  /** Its type in histories. Not empty. */
  readonly name: string
  /** Checked by the client, parsed for the function. */
  readonly input?: I
  /** Checked when the function returns, parsed for the client. */
  readonly output?: O
  /** What may be signalled, and with what. Default: nothing. */
  readonly signals?: S
  /** What may be asked, and the schema of each answer. Default: nothing. */
  readonly queries?: Q
  /** Default: the loom's. */
  readonly taskQueue?: string | undefined
  /** Default: none, so that an error that is no Failure stalls the execution until the code is mended. */
  readonly failOn?: FailOn | undefined
}

const ACTIVITY_OPTIONS: ReadonlySet<string> = new Set(['name', 'input', 'output', ...RUN_OPTIONS])
const WORKFLOW_OPTIONS: ReadonlySet<string> = new Set([
  'name',
  'input',
  'output',
  'signals',
  'queries',
  'taskQueue',
  'failOn',
])

/** What callers give where `S` is the schema: its input form; without one `Else`. */
export type SentBy<S, Else> = S extends Schema ? SchemaInput<S> : Else
/** What is received where `S` is the schema: its parse; without one `Else`. */
export type ParsedBy<S, Else> = S extends Schema ? SchemaOutput<S> : Else
/** What a function returns where `S` is the schema of its result: the input form, now or later. */
export type ReturnedFor<S> = S extends Schema ? SchemaInput<S> | PromiseLike<SchemaInput<S>> : unknown
/** As `ReturnedFor`, for reading literals. */
export type ReadFor<S> = S extends Schema ? (SchemaInput<S> | object) & PromiseLike<SchemaInput<S>> : unknown

// The functions below are type parameters of `activity` and `workflow`, with these as constraint and default: it is
// by the default that TypeScript reads a function literal, so that `'done'` stays a member of its enum and no string.
// For an async function it asks the default's result for `then`: so all of it has one, and some of it is no literal.

/** The function of an activity with input schema `I` and output schema `O`; without an input schema it takes `Else`. */
export type ActivityFunction<I, O, Else> = (input: ParsedBy<I, Else>, context: ActivityContext) => ReturnedFor<O>
/** As which the literal of such a function is read. */
export type ActivityLiteral<I, O> = (input: ParsedBy<I, unknown>, context: ActivityContext) => ReadFor<O>
/** The function of a workflow with those schemas, and `S` for its signals. */
export type WorkflowFunction<I, O, S extends SignalSchemas, Else> = (
  ctx: WorkflowContext<S>,
  input: ParsedBy<I, Else>,
) => ReturnedFor<O>
/** As which the literal of such a function is read. */
export type WorkflowLiteral<I, O, S extends SignalSchemas> = (
  ctx: WorkflowContext<S>,
  input: ParsedBy<I, unknown>,
) => ReadFor<O>

/** The type of a function's first parameter; unknown where it has none. */
export type FirstParameter<F> = F extends (first: infer T, second: never) => unknown ? T : unknown
/** The type of a function's second parameter; unknown where it has none. */
export type SecondParameter<F> = F extends (first: never, second: infer T) => unknown ? T : unknown

/**
 * Something with effects, run by a worker outside of workflow code, tried again when it fails.
 *
 * `fn` gets its input's parse and returns what `output` takes. Without schemas its own types count. What an attempt
 * throws is recorded; see `ApplicationFailure` for how to say more. LOOM_INVALID_ARGUMENT for a bad definition.
 */
export function activity<
  I extends Schema | undefined = undefined,
  O extends Schema | undefined = undefined,
  F extends ActivityFunction<I, O, never> = ActivityLiteral<I, O>,
>(
  options: ActivityOptions<I, O>,
  fn: F,
): Activity<SentBy<I, FirstParameter<F>>, ParsedBy<O, Jsonified<Awaited<ReturnType<F>>>>> {
  const path = pathOf('activity', options)
  if (options.name.startsWith(STEP_PREFIX)) throw invalid(`${path}.name: '${STEP_PREFIX}' is for ctx.step`)
  return Object.freeze({
    ...mark('activity'),
    name: options.name,
    input: schemaAt(options.input, `${path}.input`),
    output: schemaAt(options.output, `${path}.output`),
    settings: Object.freeze(activitySettings(options, path, ACTIVITY_OPTIONS)),
    fn: functionAt(fn, path),
    labels: Object.freeze({ input: `input of ${path}`, result: `result of ${path}` }),
  })
}

/**
 * Durable code: runs again from its history after any loss, so it reaches the world only through `ctx`.
 *
 * `fn` gets its input's parse and returns what `output` takes. A Failure that leaves it fails the execution; any
 * other error is a mistake that stalls it (see `failOn`). LOOM_INVALID_ARGUMENT for a bad definition.
 */
export function workflow<
  I extends Schema | undefined = undefined,
  O extends Schema | undefined = undefined,
  S extends SignalSchemas = {},
  F extends WorkflowFunction<I, O, S, never> = WorkflowLiteral<I, O, S>,
  Q extends SignalSchemas = {},
>(
  options: WorkflowOptions<I, O, S, Q>,
  fn: F,
): Workflow<SentBy<I, SecondParameter<F>>, ParsedBy<O, Jsonified<Awaited<ReturnType<F>>>>, S, Q> {
  const path = pathOf('workflow', options)
  checkOptions(options, WORKFLOW_OPTIONS, path)
  const signals = signalsAt(options.signals ?? ({} as S), `${path}.signals`)
  const queries = signalsAt(options.queries ?? ({} as Q), `${path}.queries`)
  return Object.freeze({
    ...mark('workflow'),
    name: options.name,
    input: schemaAt(options.input, `${path}.input`),
    output: schemaAt(options.output, `${path}.output`),
    signals: Object.freeze({ ...signals }),
    queries: Object.freeze({ ...queries }),
    taskQueue: options.taskQueue === undefined ? undefined : nameAt(options.taskQueue, `${path}.taskQueue`),
    failOn: failOnAt(options.failOn ?? [], `${path}.failOn`),
    fn: functionAt(fn, path),
  })
}

function pathOf(kind: string, options: { readonly name: string } | undefined): string {
  if (typeof options !== 'object' || options === null)
    throw invalid(`${kind}: its first argument is no object of options`)
  return `${kind} '${nameAt(options.name, `${kind}.name`)}'`
}

function schemaAt(schema: Schema | undefined, path: string): Schema | undefined {
  if (schema !== undefined && typeof (schema as Partial<Schema> | null)?.['~standard']?.validate !== 'function') {
    throw invalid(`${path}: not a Standard Schema (zod, valibot and arktype make some)`)
  }
  return schema
}

function signalsAt<S extends SignalSchemas>(signals: S, path: string): S {
  if (typeof signals !== 'object') throw invalid(`${path}: not an object of schemas`)
  for (const [name, schema] of Object.entries(signals)) {
    nameAt(name, path)
    if (schemaAt(schema, `${path}.${name}`) === undefined) throw invalid(`${path}.${name}: has no schema`)
  }
  return signals
}

function failOnAt(failOn: FailOn, path: string): FailOn {
  if (failOn === 'any') return failOn
  if (!Array.isArray(failOn) || !failOn.every(isErrorClass)) {
    throw invalid(`${path}: neither 'any' nor a list of error classes`)
  }
  return Object.freeze([...failOn])
}

function isErrorClass(item: unknown): boolean {
  return typeof item === 'function' && (item === Error || item.prototype instanceof Error)
}

function functionAt(fn: unknown, path: string): ErasedFunction {
  if (typeof fn !== 'function') throw invalid(`${path}: its second argument is not a function`)
  return fn as ErasedFunction
}
