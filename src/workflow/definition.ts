/**
 * Definitions: activities and workflows as typed values, plain frozen data around a function. Nothing is registered
 * anywhere: `ctx.run(charge, order)` is typed by what `charge` says of itself.
 *
 * Invariant: a definition that exists is well formed; `activity` and `workflow` checked it (define.ts).
 */
import { hash32 } from '../base/hash.js'
import type { ActivitySettings } from './activity-settings.js'
import { invalid } from './options.js'
import type { Schema, SchemaInput, SchemaOutput } from './schema.js'

/** Something that workflows run: made by `activity`. `Input` is what callers give, `Result` what they get. */
export interface Activity<Input = unknown, Result = unknown> {
  readonly kind: 'activity'
  readonly name: string
  readonly input: Schema | undefined
  readonly output: Schema | undefined
  readonly settings: ActivitySettings
  readonly fn: ErasedFunction
  /** How errors name its two ends. Made once: a text for each call would cost as much as the call. */
  readonly labels: { readonly input: string; readonly result: string }
  /** For types only; never there. */
  readonly types?: { readonly input: Input; readonly result: Result }
}

/** The schemas of a workflow's signals, by name. */
export type SignalSchemas = Readonly<Record<string, Schema>>

/** Which errors, beside failures, fail the execution instead of its workflow task. */
export type FailOn = 'any' | readonly ErrorClass[]

/** A class of errors, for `failOn`. */
export type ErrorClass = abstract new (...args: never) => Error

/** Durable code: made by `workflow`. `Input` is what `start` gives, `Result` what `result()` gives. */
export interface Workflow<
  Input = unknown,
  Result = unknown,
  S extends SignalSchemas = SignalSchemas,
  Q extends SignalSchemas = SignalSchemas,
> {
  readonly kind: 'workflow'
  readonly name: string
  readonly input: Schema | undefined
  readonly output: Schema | undefined
  readonly signals: S
  /** The schemas of what is answered, by the names of the queries. */
  readonly queries: Q
  readonly taskQueue: string | undefined
  readonly failOn: FailOn
  readonly fn: ErasedFunction
  /** For types only; never there. */
  readonly types?: { readonly input: Input; readonly result: Result }
}

const MADE: unique symbol = Symbol.for('shardloom.definition')

/** What marks a definition as made by `activity` or `workflow`: a symbol, which works across copies of this package. */
export function mark<K extends Definition['kind']>(kind: K): { readonly kind: K } {
  return { kind, [MADE]: kind } as { readonly kind: K }
}

/** Was it made by the function of that name? */
export function isMade(value: unknown, by: 'activity'): value is Activity
export function isMade(value: unknown, by: 'workflow'): value is Workflow
export function isMade(value: unknown, by: string): boolean {
  return typeof value === 'object' && value !== null && (value as { [MADE]?: unknown })[MADE] === by
}

/** Either of the two. */
export type Definition = Activity | Workflow

/** A function whose arguments its definition's types vouch for. */
export type ErasedFunction = (first: never, second: never) => unknown

/** What `start` takes for this workflow: the input form of its schema. */
export type WorkflowInput<W extends Workflow> = NonNullable<W['types']>['input']
/** What `result()` gives for this workflow: its output schema's parse. */
export type WorkflowResult<W extends Workflow> = NonNullable<W['types']>['result']
/** The names that this workflow can be signalled by. */
export type SignalNames<W extends Workflow> = keyof W['signals'] & string
/** What is sent with that signal: the input form of its schema. */
export type SignalPayload<W extends Workflow, K extends SignalNames<W>> = SchemaInput<W['signals'][K]>
/** The names that this workflow can be queried by. */
export type QueryNames<W extends Workflow> = keyof W['queries'] & string
/** What is answered to that query: its schema's parse. */
export type QueryAnswer<W extends Workflow, K extends QueryNames<W>> = SchemaOutput<W['queries'][K]>
/** What callers give to this activity. */
export type ActivityInput<A extends Activity> = NonNullable<A['types']>['input']
/** What callers get of this activity. */
export type ActivityResult<A extends Activity> = NonNullable<A['types']>['result']

/** Definitions by kind and name. LOOM_INVALID_ARGUMENT when two of a kind share a name. */
export function definitionsByName(definitions: readonly Definition[]): {
  readonly workflows: ReadonlyMap<string, Workflow>
  readonly activities: ReadonlyMap<string, Activity>
} {
  const workflows = new Map<string, Workflow>()
  const activities = new Map<string, Activity>()
  for (const [at, definition] of definitions.entries()) {
    if (!isMade(definition, 'workflow') && !isMade(definition, 'activity'))
      throw invalid(`definitions[${at}]: made by neither activity() nor workflow()`)
    const { kind } = definition
    const known: Map<string, Definition> = kind === 'workflow' ? workflows : activities
    if (known.has(definition.name))
      throw invalid(`definitions[${at}].name: a second ${kind} named '${definition.name}'`)
    known.set(definition.name, definition)
  }
  return { workflows, activities }
}

/** Changes when the code or the options of the definition do. What its function calls is not seen. */
export function fingerprint(definition: Definition): string {
  const { fn, ...options } = definition
  const text = `${fn.toString()}\n${JSON.stringify(options, plainOptions)}`
  return `${hash32(Buffer.from(text)).toString(16).padStart(8, '0')}-${text.length}`
}

/** Schemas and classes have no text of their own that would be the same after a restart. */
function plainOptions(_key: string, value: unknown): unknown {
  if (typeof value === 'function') return value.name
  return typeof value === 'object' && value !== null && '~standard' in value ? 'schema' : value
}
