/**
 * What came out of us, written as the recorder writes it: seconds, decoded payloads, labels for run ids, and nothing that
 * no two runs have in common. Both sides then lose what is unset or default, which the recorder may or may not write.
 */
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { WorkflowDescription } from '../../src/protocol/description.js'
import type { ExpectedRun, GoldenEvent, Json, JsonObject } from './scenario.js'
import { isObject, isUserData, toRecordedWords } from './words.js'

/** One run as we made it. */
export interface PlayedRun {
  readonly workflowId: string
  readonly runId: string
  readonly status: string
  readonly events: readonly HistoryEvent[]
}

/** Run id to label: the nth run of a workflow id has the label of the nth recorded one. */
export type Labels = ReadonlyMap<string, string>

/** Of which nothing is recorded. */
const DROPPED: ReadonlySet<string> = new Set([
  ...['identity', 'requestId', 'namespaceId', 'version', 'stackTrace'],
  // Ours alone.
  ...['beginTimeMs', 'replayRules', 'sdk', 'historySizeBytes'],
  // An instant.
  'workflowExecutionExpirationTimeMs',
])

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** `runs` in the order in which they began. */
export function labelsOf(
  expected: readonly ExpectedRun[],
  runs: readonly Pick<PlayedRun, 'workflowId' | 'runId'>[],
): Labels {
  const labels = new Map<string, string>()
  for (const workflowId of new Set(expected.map((run) => run.workflowId))) {
    const names = expected.filter((run) => run.workflowId === workflowId).map(({ label }) => label)
    const ids = runs.filter((run) => run.workflowId === workflowId).map(({ runId }) => runId)
    ids.forEach((runId, at) => labels.set(runId, names[at] ?? `${workflowId} run ${at + 1}`))
  }
  return labels
}

export function normaliseEvent({ eventId, eventType, attributes }: HistoryEvent, labels: Labels): GoldenEvent {
  const words = normalise(attributes, labels)
  if (eventType === 'WorkflowTaskScheduled' && attributes.normalTaskQueue !== undefined) {
    const { normalTaskQueue, taskQueue: _, ...rest } = words
    return { eventId, eventType, ...rest, taskQueue: { sticky: normalTaskQueue! } }
  }
  // Known from elsewhere, and not written; a child's is.
  const { workflowId: _, ...started } = words
  return { eventId, eventType, ...(eventType === 'WorkflowExecutionStarted' ? started : words) }
}

/** Shown as Temporal's DescribeWorkflowExecution shows it: without times and timers. */
export function normaliseDescription(description: WorkflowDescription, labels: Labels): JsonObject {
  const { status, historyLength, pendingActivities, pendingWorkflowTask } = description
  const activities = pendingActivities.map((activity) => {
    const { activityId, activityType, state, attempt, lastFailure, currentRetryIntervalMs } = activity
    return normalise({ activityId, activityType, state, attempt, lastFailure, currentRetryIntervalMs }, labels)
  })
  const task = pendingWorkflowTask && { state: pendingWorkflowTask.state, attempt: pendingWorkflowTask.attempt }
  return withoutDefaults({ status, historyLength, pendingActivities: activities, pendingWorkflowTask: task ?? null })
}

function normalise(ours: object, labels: Labels): JsonObject {
  return withoutDefaults(relabel(toRecordedWords(withoutDropped(ours)), labels))
}

function withoutDropped<T extends object>(ours: T): object {
  const kept = Object.entries(ours).filter(([name]) => !DROPPED.has(name))
  const isPlain = (value: unknown): value is object =>
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  return Object.fromEntries(
    kept.map(([name, value]) => [name, isPlain(value) ? withoutDropped(value) : (value as unknown)]),
  )
}

function relabel(value: JsonObject, labels: Labels): JsonObject {
  const replace = (json: Json): Json => {
    if (typeof json === 'string') return json.replaceAll(UUID, (id) => labels.get(id) ?? '<uuid>')
    if (Array.isArray(json)) return (json as readonly Json[]).map(replace)
    return isObject(json) ? Object.fromEntries(Object.entries(json).map(([name, item]) => [name, replace(item)])) : json
  }
  return replace(value) as JsonObject
}

/** An absent attribute is unset or default. User data stays as it is. */
export function withoutDefaults<T extends JsonObject>(recorded: T): T {
  const kept = Object.entries(recorded).flatMap(([name, value]): [string, Json][] => {
    if (isUserData(name)) return Array.isArray(value) && value.length === 0 ? [] : [[name, value]]
    const cut = cutDefaults(value)
    return isDefault(cut) ? [] : [[name, cut]]
  })
  return Object.fromEntries(kept) as T
}

function cutDefaults(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map((item) => cutDefaults(item))
  return isObject(value) ? withoutDefaults(value) : value
}

function isDefault(value: Json): boolean {
  if (value === null || value === 0 || value === '' || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}
