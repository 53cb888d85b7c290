/** What `openLoom` is told, checked before anything is opened. */
import { hostname } from 'node:os'
import { z } from 'zod'
import { systemClock, type Clock } from '../base/clock.js'
import { LoomError } from '../base/errors.js'
import { silentLogger, type Logger } from '../base/log.js'
import { systemRandom, type Random } from '../base/random.js'
import { DEFAULT_NAMESPACE, idSchema } from '../protocol/ids.js'
import {
  RESERVED_SEARCH_ATTRIBUTES,
  SEARCH_ATTRIBUTE_TYPES,
  SYSTEM_SEARCH_ATTRIBUTES,
  type SearchAttributeType,
  type SearchAttributeTypes,
} from '../protocol/search-attributes.js'
import { settingsSchema, type Settings, type SettingsInput } from '../protocol/settings.js'
import { checkShardCount } from '../shard/ring.js'
import type { MediumFactory } from '../storage/medium.js'
import { newDataConverter, type DataConverter } from '../workflow/data-converter.js'
import { definitionsByName, isMade, type Activity, type Definition, type Workflow } from '../workflow/definition.js'
import type { DataConverterOptions } from '../workflow/payload-codec.js'
import { parse } from '../workflow/schema.js'
import { checkInterceptors, type Interceptor } from './interceptors.js'
import { checkNames } from './known-names.js'
import { namespaceIdOf } from './namespace-id.js'

/** A worker of the loom: runs workflows and activities of one task queue in this process. */
export interface WorkerOptions {
  readonly taskQueue: string
  /** Attempts at once; more wait in the task queue. Default: the setting of that name (1,000). */
  readonly maxConcurrentActivities?: number | undefined
}

/** What a loom is made of. */
export interface LoomOptions {
  /** Where everything is kept: `level('./data')`, `memory()`. */
  readonly medium: MediumFactory
  /**
   * From 1 to 131,072, fixed when the store is made: LOOM_STORE_MISMATCH names both numbers when a store was made with
   * another.
   */
  readonly shardCount: number
  /** What can run here: made by `workflow` and `activity`, each name once. Default: nothing. */
  readonly definitions?: readonly Definition[] | undefined
  /**
   * Each for a task queue of its own; workflows go to that of the first unless something else is said. Default: one for
   * 'default' and one for each task queue that a definition names. None (`[]`): this loom starts and finds executions,
   * and others run them.
   */
  readonly workers?: readonly WorkerOptions[] | undefined
  /**
   * Which search attributes executions may have, by name. Give all that are in use each time the store is opened: one that is
   * not here can be neither set nor changed; what was recorded stays. Default: none.
   */
  readonly searchAttributes?: Readonly<Record<string, SearchAttributeType>> | undefined
  /** Executions of two namespaces never meet. Default 'default'. */
  readonly namespace?: string | undefined
  /**
   * What values pass on their way into the store and out of it: inputs and results, signals, heartbeats, details. Default: JSON
   * and bytes, in clear. Every loom on a store needs one that reads what the others wrote.
   */
  readonly dataConverter?: DataConverterOptions | undefined
  /** Functions around what the loom does; the first is the outermost. Default: none, which costs nothing. */
  readonly interceptors?: readonly Interceptor[] | undefined
  /** Limits and intervals; any part of them. */
  readonly settings?: SettingsInput | undefined
  /** Default: the system's. */
  readonly clock?: Clock | undefined
  /** Default: the system's. */
  readonly random?: Random | undefined
  /** Any logger with pino's method names. Default: says nothing. */
  readonly logger?: Logger | undefined
  /** How this host shows in histories. Default: host name and process id. */
  readonly identity?: string | undefined
}

export interface CheckedLoomOptions {
  readonly medium: MediumFactory
  readonly shardCount: number
  readonly workflows: ReadonlyMap<string, Workflow>
  readonly activities: ReadonlyMap<string, Activity>
  /** Slots for activities of each task queue that has a worker here. */
  readonly taskQueues: ReadonlyMap<string, number>
  readonly defaultTaskQueue: string
  readonly searchAttributes: SearchAttributeTypes
  readonly namespaceId: string
  readonly settings: Settings
  readonly converter: DataConverter
  readonly interceptors: readonly Interceptor[]
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly identity: string
}

const DEFAULT_TASK_QUEUE = 'default'

const optionsSchema = z.strictObject({
  medium: withMethods<MediumFactory>('a medium (level and memory make some)', 'create'),
  shardCount: z.number(),
  definitions: z.array(z.unknown()).default([]),
  workers: z
    .array(
      z.strictObject({ taskQueue: idSchema, maxConcurrentActivities: z.number().int().min(1).max(1e9).optional() }),
    )
    .optional(),
  searchAttributes: z.record(idSchema, z.enum(SEARCH_ATTRIBUTE_TYPES)).default({}),
  namespace: idSchema.default(DEFAULT_NAMESPACE),
  // Checked by itself, below.
  dataConverter: z.custom<DataConverterOptions>().optional(),
  interceptors: z.array(z.unknown()).default([]),
  settings: settingsSchema.default(() => settingsSchema.parse({})),
  clock: withMethods<Clock>('a clock', 'nowMs', 'monotonicMs', 'setTimer', 'clearTimer', 'soon').default(systemClock),
  random: withMethods<Random>('a source of chance', 'fill', 'fraction').default(systemRandom),
  logger: withMethods<Logger>('a logger', 'debug', 'info', 'warn', 'error').default(silentLogger),
  identity: idSchema.default(() => `${hostname()}:${process.pid}`),
})

/** Throws LOOM_INVALID_ARGUMENT, naming what is wrong: `options.settings.codeCacheCount: …`. */
export function checkedLoomOptions(options: LoomOptions): CheckedLoomOptions {
  checkNames(options, Object.keys(optionsSchema.shape), 'options')
  if (options.settings !== undefined)
    checkNames(options.settings, Object.keys(settingsSchema.shape), 'options.settings')
  const checked = parse(optionsSchema, options, 'options') as z.output<typeof optionsSchema>
  const { medium, shardCount, settings, clock, random, logger, identity } = checked
  checkShardCount(shardCount)
  for (const [at, one] of checked.definitions.entries()) {
    if (isMade(one, 'workflow') || isMade(one, 'activity')) continue
    throw new LoomError('LOOM_INVALID_ARGUMENT', `definitions[${at}]: made by neither activity() nor workflow()`)
  }
  const { workflows, activities } = definitionsByName(checked.definitions as readonly Definition[])
  const taskQueues = slotsByTaskQueue(
    checked.workers ?? defaultWorkers([...workflows.values()], [...activities.values()]),
    settings,
  )
  return {
    medium,
    shardCount,
    workflows,
    activities,
    taskQueues,
    searchAttributes: checkedAttributes(checked.searchAttributes),
    defaultTaskQueue: checked.workers?.[0]?.taskQueue ?? DEFAULT_TASK_QUEUE,
    namespaceId: namespaceIdOf(checked.namespace),
    settings,
    interceptors: checkInterceptors(checked.interceptors),
    converter: newDataConverter(checked.dataConverter, settings.maxPayloadBytes),
    clock,
    random,
    logger,
    identity,
  }
}

function checkedAttributes(types: Readonly<Record<string, SearchAttributeType>>): SearchAttributeTypes {
  const reserved = Object.keys(types).find(isReserved)
  if (reserved === undefined) return new Map(Object.entries(types))
  throw new LoomError('LOOM_INVALID_ARGUMENT', `options.searchAttributes.${reserved}: a name that is reserved`)
}

/** Temporal's own begin so, too. */
function isReserved(name: string): boolean {
  return RESERVED_SEARCH_ATTRIBUTES.has(name) || SYSTEM_SEARCH_ATTRIBUTES.has(name) || name.startsWith('Temporal')
}

function defaultWorkers(workflows: readonly Workflow[], activities: readonly Activity[]): readonly WorkerOptions[] {
  const named = [
    ...workflows.map(({ taskQueue }) => taskQueue),
    ...activities.map(({ settings }) => settings.taskQueue),
  ]
  const taskQueues = new Set([DEFAULT_TASK_QUEUE, ...named.filter((taskQueue) => taskQueue !== undefined)])
  return [...taskQueues].map((taskQueue) => ({ taskQueue }))
}

function slotsByTaskQueue(workers: readonly WorkerOptions[], settings: Settings): ReadonlyMap<string, number> {
  const slots = new Map<string, number>()
  for (const [at, { taskQueue, maxConcurrentActivities }] of workers.entries()) {
    if (slots.has(taskQueue)) {
      throw new LoomError(
        'LOOM_INVALID_ARGUMENT',
        `options.workers[${at}].taskQueue: a second worker for '${taskQueue}'`,
      )
    }
    slots.set(taskQueue, maxConcurrentActivities ?? settings.maxConcurrentActivities)
  }
  return slots
}

/** Objects with a life are told by what can be done with them. */
function withMethods<T>(what: string, ...methods: readonly string[]): z.ZodType<T> {
  const hasAll = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
  return z.custom<T>(hasAll, `not ${what}: it needs ${methods.join(', ')}`)
}
