/**
 * What a scenario needs that does not exist yet, told from its text alone: such a scenario is skipped, and says why.
 */
import { EVENT_NUMBERS } from '../../src/protocol/event.js'
import type { Call, Json, JsonObject, Scenario } from './scenario.js'
import { COMMANDS, VERBS, commandsOf } from './verbs.js'
import { causeOf, FAILURE_TYPES, isObject } from './words.js'

/** Empty: it can be run. Verbs first, then fields of requests, commands, events. */
export function missingFor({ control, calls, runs }: Scenario): readonly string[] {
  if (control === 'sdk') return ['sdk']
  const events = runs.flatMap((run) => run.events.map(({ eventType }) => eventType))
  const missing = [
    ...calls.filter(({ verb }) => !VERBS.has(verb)).map(({ verb }) => verb),
    ...calls.flatMap(missingFields),
    ...calls.flatMap(({ fields }) => commandsOf(fields).flatMap(missingCommand)),
  ]
  // An event of a kind that we do not have follows from what is missing already, or says it when nothing else does.
  if (missing.length === 0)
    missing.push(...events.filter((type) => !(type in EVENT_NUMBERS)).map((type) => `${type} event`))
  return [...new Set(missing)]
}

function missingFields({ verb, fields }: Call): readonly string[] {
  const known = VERBS.get(verb)?.fields
  if (known === undefined) return []
  const unknown = Object.keys(fields).filter((name) => !known.includes(name))
  if (known.includes('cause') && causeOf(fields['cause']) === undefined)
    unknown.push(`cause ${String(fields['cause'])}`)
  unknown.push(...missingFailures(fields['failure']).map((type) => `failure of type ${type}`))
  return unknown.map((name) => `${verb}.${name}`)
}

function missingCommand({ type, attributes }: { type: string; attributes: JsonObject }): readonly string[] {
  const known = COMMANDS.get(type)
  if (known === undefined) return [`${type} command`]
  const unknown = Object.keys(attributes).filter((name) => !known.includes(name))
  unknown.push(...missingFailures(attributes['failure']).map((kind) => `failure of type ${kind}`))
  return unknown.map((name) => `${type}.${name}`)
}

function missingFailures(failure: Json | undefined): readonly string[] {
  if (!isObject(failure)) return []
  const type = String(failure['type'])
  return [...(FAILURE_TYPES.has(type) ? [] : [type]), ...missingFailures(failure['cause'])]
}
