/**
 * Schemas at the boundary: what is sent is checked by the sender and travels in the schema's input form; what is
 * received is decoded from its own copy and parsed.
 *
 * Any library fits that speaks Standard Schema, version 1. Only the answer of a synchronous check is taken: code
 * that decides cannot wait.
 */
import { LoomError } from '../base/errors.js'
import type { Payloads } from '../protocol/payload.js'
import type { DataConverter } from './data-converter.js'

/** What zod, valibot, arktype and others have in common: Standard Schema, version 1. */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    /** The parsed value, or what is wrong with the one that was given. */
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** What a schema answers: the parsed value, or what is wrong. */
export type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

/** One thing that is wrong, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What may be given to a schema: the form that travels and is stored. */
export type SchemaInput<S extends Schema> = NonNullable<S['~standard']['types']>['input']

/** What a schema makes of it: defaults filled in, transforms done. */
export type SchemaOutput<S extends Schema> = NonNullable<S['~standard']['types']>['output']

const SHOWN_ISSUES = 5
const MAX_SHOWN = 500

/** The parsed value. LOOM_INVALID_ARGUMENT names where and what, beginning with `path`. */
export function parse(schema: Schema | undefined, value: unknown, path: string): unknown {
  if (schema === undefined) return value
  let result: SchemaResult<unknown> | Promise<SchemaResult<unknown>>
  let issues: string | undefined
  try {
    result = schema['~standard'].validate(value)
    if (!(result instanceof Promise)) {
      if (result.issues === undefined) return result.value
      issues = issuesText(result.issues, path)
    }
  } catch (cause) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: its schema throws: ${shown(cause)}`, { cause })
  }
  if (issues !== undefined) throw new LoomError('LOOM_INVALID_ARGUMENT', issues)
  ;(result as Promise<unknown>).catch(() => {})
  throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: its schema answers with a promise; only synchronous ones fit`)
}

/** For the sender: checks `value`, throws the parse away, and encodes what was given. Undefined is no payload at all. */
export function encodeChecked(
  schema: Schema | undefined,
  value: unknown,
  path: string,
  converter: DataConverter,
): Payloads | undefined {
  parse(schema, value, path)
  return value === undefined ? undefined : [converter.encode(value, path)]
}

/** For the receiver: decodes and parses. */
export function decodeParsed(
  schema: Schema | undefined,
  payloads: Payloads | undefined,
  path: string,
  converter: DataConverter,
): unknown {
  const first = payloads?.[0]
  return parse(schema, first === undefined ? undefined : converter.decode(first, path), path)
}

function shown(cause: unknown): string {
  try {
    return String(cause).slice(0, MAX_SHOWN)
  } catch {
    return 'something that has no text'
  }
}

function issuesText(issues: readonly SchemaIssue[], path: string): string {
  const shown = issues.slice(0, SHOWN_ISSUES).map((issue) => `${path}${issuePath(issue)}: ${issue.message}`)
  const more = issues.length - shown.length
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

function issuePath(issue: SchemaIssue): string {
  const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
  return keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
}
