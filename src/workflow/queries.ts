/**
 * Queries: handlers that say how the code stands, without changing anything. Nothing of a query is recorded.
 *
 * Invariant: a handler answers at once and has no ctx: what it would ask for is in no history.
 */
import type { Payloads } from '../protocol/payload.js'
import type { DataConverter } from './data-converter.js'
import type { SignalSchemas } from './definition.js'
import { invalid } from './options.js'
import { encodeChecked } from './schema.js'

/** Reads the code's variables; gets what the query was sent with. */
export type QueryHandler = (argument: never) => unknown

/** What the interceptors do with a query: `ask` asks its handler. */
export type AroundQuery = (argument: unknown, ask: (argument: unknown) => unknown) => unknown

export class Queries {
  readonly #schemas: SignalSchemas
  readonly #handlers = new Map<string, QueryHandler>()

  constructor(schemas: SignalSchemas) {
    this.#schemas = schemas
  }

  handle(name: string, handler: QueryHandler): void {
    if (!Object.hasOwn(this.#schemas, name)) {
      const known = Object.keys(this.#schemas).join(', ') || 'none'
      throw invalid(`onQuery: the workflow has no query named '${String(name)}' (it has: ${known})`)
    }
    if (typeof handler !== 'function') throw invalid(`onQuery '${name}': its handler is not a function`)
    this.#handlers.set(name, handler)
  }

  /** Throws LOOM_INVALID_ARGUMENT when there is no answer, or none that fits; LOOM_CODEC_FAILED as well. */
  answer(
    name: string,
    args: Payloads | undefined,
    converter: DataConverter,
    around: AroundQuery | undefined,
  ): Payloads | undefined {
    const handler = this.#handlers.get(name)
    if (handler === undefined) throw invalid(`query '${name}': the code has no handler for it (yet)`)
    const [first] = args ?? []
    const argument = first && converter.decode(first, `argument of query '${name}'`)
    const answer =
      around === undefined
        ? answerOf(name, handler, argument)
        : around(argument, (given) => answerOf(name, handler, given))
    return encodeChecked(this.#schemas[name], answer, `answer of query '${name}'`, converter)
  }
}

function answerOf(name: string, handler: QueryHandler, argument: unknown): unknown {
  let answer: unknown
  try {
    answer = (handler as (argument: unknown) => unknown)(argument)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw Object.assign(invalid(`query '${name}' failed: ${why}`), { cause })
  }
  if (!(answer instanceof Promise)) return answer
  answer.catch(() => {})
  throw invalid(`query '${name}': its handler answers with a promise; it has to answer at once`)
}
