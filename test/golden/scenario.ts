/**
 * A scenario as the recorder wrote it: what was called on a Temporal server, and what came out. Reading checks the shape
 * and splits each call into what is common to all and the fields of its own request.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

export type Json = string | number | boolean | null | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** In a recorded form: durations in seconds, payloads decoded, run ids as labels. */
export interface GoldenEvent extends JsonObject {
  readonly eventId: number
  readonly eventType: string
}

export interface ExpectedRun {
  readonly label: string
  readonly workflowId: string
  readonly status: string
  readonly events: readonly GoldenEvent[]
  readonly unordered: readonly (readonly number[])[]
}

export interface Call {
  /** Of Temporal's WorkflowService. */
  readonly verb: string
  /** ms from the first call on; undefined: at once. */
  readonly atMs: number | undefined
  /** When a long poll was answered. */
  readonly doneMs: number | undefined
  /** The name of the task that a poll gave, or that an answer is for. */
  readonly token: string | undefined
  /** The name of the task that came with an answer. */
  readonly newTask: string | undefined
  /** A poll that must get no task. */
  readonly expectsNothing: boolean
  /** The status that came back, by its gRPC name. */
  readonly errorCode: string | undefined
  readonly moment: string | undefined
  /** The request's own fields, defaults left out. */
  readonly fields: JsonObject
}

export interface Pending extends JsonObject {
  readonly moment: string
}

export interface Scenario {
  readonly name: string
  readonly control: 'raw' | 'sdk'
  readonly runs: readonly ExpectedRun[]
  readonly calls: readonly Call[]
  readonly pending: readonly Pending[]
}

const json = z.json() as z.ZodType<Json>
const idGroups = z.union([z.array(z.int()).transform((group) => [group]), z.array(z.array(z.int()))])
const unorderedSchema = z.union([idGroups, z.record(z.string(), idGroups)])

const callSchema = z
  .object({
    call: z.string(),
    atMs: z.number().optional(),
    doneMs: z.number().optional(),
    token: z.string().optional(),
    newTask: z.string().optional(),
    expect: z.literal('nothing').optional(),
    error: z.looseObject({ code: z.string() }).optional(),
    moment: z.string().optional(),
  })
  .catchall(json)
  .transform(({ call, atMs, doneMs, token, newTask, expect, error, moment, ...fields }): Call => ({
    verb: call,
    atMs,
    doneMs,
    token,
    newTask,
    expectsNothing: expect === 'nothing',
    errorCode: error?.code,
    moment,
    fields,
  }))

const runSchema = z.object({
  label: z.string(),
  workflowId: z.string(),
  status: z.string(),
  events: z.array(z.object({ eventId: z.int(), eventType: z.string() }).catchall(json)),
  unordered: idGroups.default([]),
})

const scenarioSchema = z
  .object({
    name: z.string(),
    control: z.enum(['raw', 'sdk']),
    runs: z.array(runSchema),
    calls: z.array(callSchema).default([]),
    pending: z.array(z.object({ moment: z.string() }).catchall(json)).default([]),
    unordered: unorderedSchema.default([]),
  })
  .transform(({ unordered, runs, ...rest }): Scenario => {
    const groupsOf = (label: string): readonly number[][] =>
      Array.isArray(unordered) ? unordered : (unordered[label] ?? [])
    return { ...rest, runs: runs.map((run) => ({ ...run, unordered: [...run.unordered, ...groupsOf(run.label)] })) }
  })

/** Throws with the path of what is not as expected. */
export function parseScenario(text: string): Scenario {
  const parsed = scenarioSchema.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error))
  return parsed.data
}

/** The files of a folder that may be scenarios, by name. */
export function listScenarioFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(folder, name))
}

export function readScenario(path: string): Scenario {
  return parseScenario(readFileSync(path, 'utf8'))
}
