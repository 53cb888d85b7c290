/**
 * Search attributes as they come from outside: of registered names only, each a value of its type, and not too big.
 *
 * Invariant: what is recorded can be indexed, by whatever index there comes to be.
 */
import { namedBytes } from '../machine/weights.js'
import type { SearchAttributes } from '../protocol/event.js'
import type { Payload } from '../protocol/payload.js'
import {
  SEARCH_ATTRIBUTE_SCHEMAS,
  SYSTEM_SEARCH_ATTRIBUTES,
  type SearchAttributeType,
  type SearchAttributeTypes,
} from '../protocol/search-attributes.js'
import type { Settings } from '../protocol/settings.js'

type Limits = Pick<Settings, 'maxSearchAttributeCount' | 'maxSearchAttributeBytes' | 'maxSearchAttributesBytes'>

const SHOWN = 100

/** What is wrong with those that are given, and with all that there are then. Undefined: nothing. */
export function searchAttributeProblem(
  given: SearchAttributes,
  all: SearchAttributes,
  types: SearchAttributeTypes,
  limits: Limits,
): string | undefined {
  for (const [name, payload] of Object.entries(given)) {
    const ofSystem = SYSTEM_SEARCH_ATTRIBUTES.get(name)
    const problem =
      ofSystem === undefined
        ? (sizeProblem(name, payload, limits) ?? valueProblem(name, payload, types.get(name)))
        : valueProblem(name, payload, ofSystem)
    if (problem !== undefined) return problem
  }
  return totalProblem(all, limits)
}

function sizeProblem(name: string, { data }: Payload, { maxSearchAttributeBytes }: Limits): string | undefined {
  if (data.length <= maxSearchAttributeBytes) return undefined
  return `search attribute ${name}: ${data.length} bytes; at most ${maxSearchAttributeBytes} are allowed`
}

function valueProblem(name: string, payload: Payload, type: SearchAttributeType | undefined): string | undefined {
  if (type === undefined)
    return `no search attribute '${name.slice(0, SHOWN)}' is registered (options.searchAttributes of openLoom)`
  const value = jsonOf(payload)
  if (value === null || isOfType(value, type)) return undefined
  return `invalid value for search attribute ${name} of type ${type}: ${shown(value)}`
}

/** Lists of its values are values of a type, too, as they are to Temporal. */
function isOfType(value: unknown, type: SearchAttributeType): boolean {
  const schema = SEARCH_ATTRIBUTE_SCHEMAS[type]
  if (schema.safeParse(value).success) return true
  return Array.isArray(value) && value.every((one) => schema.safeParse(one).success)
}

/** Those of the machinery do not count: they are bounded where they are made. */
function totalProblem(all: SearchAttributes, limits: Limits): string | undefined {
  const { maxSearchAttributeCount, maxSearchAttributesBytes } = limits
  const own = Object.entries(all).filter(([name]) => !SYSTEM_SEARCH_ATTRIBUTES.has(name))
  const count = own.length
  if (count > maxSearchAttributeCount)
    return `search attributes: ${count} of them; at most ${maxSearchAttributeCount} are allowed`
  const bytes = namedBytes(Object.fromEntries(own))
  if (bytes <= maxSearchAttributesBytes) return undefined
  return `search attributes: ${bytes} bytes together; at most ${maxSearchAttributesBytes} are allowed`
}

/** Undefined: it is not JSON. Null: it says that there is no value. */
function jsonOf({ metadata, data }: Payload): unknown {
  const encoding = metadata['encoding']
  if (encoding === 'binary/null') return null
  if (encoding !== 'json/plain') return undefined
  try {
    return JSON.parse(Buffer.from(data).toString())
  } catch {
    return undefined
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'something that is not JSON' : JSON.stringify(value).slice(0, SHOWN)
}
