/**
 * The calls that can be made on us: each of Temporal's verbs beside the verb of HistoryService it becomes, with the request
 * fields that have a meaning here. What is not in these tables does not exist yet, and a scenario that needs it is skipped.
 */
import type { Command, CommandType } from '../../src/protocol/command.js'
import type { Memo, SearchAttributes } from '../../src/protocol/event.js'
import type { Failure } from '../../src/protocol/failure.js'
import type { Payloads } from '../../src/protocol/payload.js'
import type { ActivityTarget } from '../../src/protocol/activity-requests.js'
import type { WorkflowDescription } from '../../src/protocol/description.js'
import type { ActivityTaskToken, ExecutionTarget } from '../../src/protocol/ids.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type {
  StartWorkflowRequest,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '../../src/protocol/start-requests.js'
import type { WorkflowQueryResult, QueryTaskToken, QueryWorkflowResponse } from '../../src/protocol/query.js'
import type {
  ActivityTask,
  PollRequest,
  StickyAttributes,
  WorkflowTask,
  WorkflowTaskToken,
} from '../../src/protocol/worker-tasks.js'
import type { Call, Json, JsonObject } from './scenario.js'
import { causeOf, encodePayload, encodePayloadMap, isObject, toOurWords } from './words.js'

const IDENTITY = 'golden'
const ACTIVITY_FIELDS = ['workflowId', 'runId', 'activityId']

/** What a call is made with, beside its own fields. */
export interface Cast {
  readonly history: HistoryService
  readonly namespaceId: string
  /** Of the task that goes by this name. */
  tokenOf(name: string | undefined): WorkflowTaskToken & ActivityTaskToken & QueryTaskToken
  /** Ids of the queries that the task of that name brought, in order. */
  queryIdsOf(name: string | undefined): readonly string[]
  runIdOf(workflowId: string, label: string): string
  /** For a start: ours are made up, the recorder writes one only where it is used twice. */
  freshRequestId(): string
  /** How long a poll waits, ms. */
  readonly pollWaitMs: number
}

export interface Answer {
  /** Of a poll. */
  readonly task?: WorkflowTask | ActivityTask | undefined
  readonly newTask?: WorkflowTask | undefined
  readonly description?: WorkflowDescription
  readonly started?: ExecutionTarget
  readonly query?: QueryWorkflowResponse
  /** Nobody is to find it any more. */
  readonly deleted?: ExecutionTarget
}

export interface Verb {
  readonly fields: readonly string[]
  readonly isPoll?: boolean
  /** Its answer comes of later calls. */
  readonly isOpenEnded?: boolean
  send(cast: Cast, call: Call): Promise<Answer>
}

export const VERBS: ReadonlyMap<string, Verb> = new Map(
  Object.entries({
    StartWorkflowExecution: {
      fields: [
        ...['workflowId', 'workflowType', 'taskQueue', 'input', 'workflowTaskTimeout', 'requestId'],
        ...['workflowIdReusePolicy', 'workflowIdConflictPolicy'],
        ...['workflowRunTimeout', 'workflowExecutionTimeout', 'retryPolicy', 'cronSchedule', 'workflowStartDelay'],
        ...['memo', 'searchAttributes'],
      ],
      send: startWorkflow,
    },
    SignalWithStartWorkflowExecution: {
      fields: [
        ...['workflowId', 'workflowType', 'taskQueue', 'input', 'workflowTaskTimeout', 'requestId'],
        ...['workflowIdReusePolicy', 'workflowIdConflictPolicy', 'signalName', 'signalInput'],
        ...['workflowRunTimeout', 'workflowExecutionTimeout', 'retryPolicy', 'cronSchedule', 'workflowStartDelay'],
        ...['memo', 'searchAttributes'],
      ],
      send: signalWithStart,
    },
    SignalWorkflowExecution: {
      fields: ['workflowExecution', 'signalName', 'input', 'requestId'],
      send: nothingComesOf((cast, { fields }) =>
        cast.history.signalWorkflow({
          ...targetOf(cast, fields['workflowExecution']),
          signalName: textOf(fields['signalName']),
          input: payloadsOf(fields['input']),
          identity: IDENTITY,
          requestId: textOf(fields['requestId']),
        }),
      ),
    },
    RequestCancelWorkflowExecution: {
      fields: ['workflowExecution', 'reason', 'requestId', 'firstExecutionRunId'],
      send: nothingComesOf((cast, { fields }) =>
        cast.history.requestCancelWorkflow({
          ...targetOf(cast, fields['workflowExecution']),
          firstExecutionRunId: fields['firstExecutionRunId'] as string | undefined,
          reason: textOf(fields['reason']),
          identity: IDENTITY,
          requestId: textOf(fields['requestId']),
        }),
      ),
    },
    TerminateWorkflowExecution: {
      fields: ['workflowExecution', 'reason', 'details'],
      send: nothingComesOf((cast, { fields }) =>
        cast.history.terminateWorkflow({
          ...targetOf(cast, fields['workflowExecution']),
          reason: textOf(fields['reason']),
          details: payloadsOf(fields['details']),
          identity: IDENTITY,
        }),
      ),
    },
    QueryWorkflow: {
      fields: ['execution', 'query'],
      isOpenEnded: true,
      send: async (cast, { fields }) => {
        const { queryType, queryArgs } = fields['query'] as JsonObject
        const asked = { queryType: textOf(queryType), queryArgs: payloadsOf(queryArgs) }
        return { query: await cast.history.queryWorkflow({ ...targetOf(cast, fields['execution']), ...asked }) }
      },
    },
    RespondQueryTaskCompleted: {
      fields: ['completedType', 'queryResult'],
      send: nothingComesOf((cast, { token, fields }) =>
        cast.history.respondQueryTaskCompleted({
          token: cast.tokenOf(token),
          resultType: fields['completedType'] === 1 ? 'answered' : 'failed',
          answer: payloadsOf(fields['queryResult']),
          identity: IDENTITY,
        }),
      ),
    },
    DeleteWorkflowExecution: {
      fields: ['workflowExecution'],
      send: async (cast, { fields }) => {
        const deleted = targetOf(cast, fields['workflowExecution'])
        await cast.history.deleteWorkflow({ ...deleted, identity: IDENTITY })
        return { deleted }
      },
    },
    DescribeWorkflowExecution: {
      fields: ['execution'],
      send: async (cast, { fields }) => ({
        description: await cast.history.describeWorkflow(targetOf(cast, fields['execution'])),
      }),
    },
    PollWorkflowTaskQueue: {
      fields: ['taskQueue'],
      isPoll: true,
      send: async (cast, call) => ({ task: await cast.history.pollWorkflowTask(pollOf(cast, call)) }),
    },
    PollActivityTaskQueue: {
      fields: ['taskQueue'],
      isPoll: true,
      send: async (cast, call) => ({ task: await cast.history.pollActivityTask(pollOf(cast, call)) }),
    },
    RespondWorkflowTaskCompleted: {
      fields: [
        ...['commands', 'returnNewWorkflowTask', 'forceCreateNewWorkflowTask', 'stickyAttributes', 'queryResults'],
      ],
      send: (cast, { token, fields }) =>
        cast.history.respondWorkflowTaskCompleted({
          token: cast.tokenOf(token),
          commands: commandsOf(fields).map(({ type, attributes }) => ({ type, ...toOurWords(attributes) }) as Command),
          identity: IDENTITY,
          sdk: '',
          returnNewWorkflowTask: fields['returnNewWorkflowTask'] === true,
          forceCreateNewWorkflowTask: fields['forceCreateNewWorkflowTask'] === true,
          stickyAttributes: stickyOf(fields['stickyAttributes']),
          queryResults: queryResultsOf(cast, token, fields['queryResults']),
        }),
    },
    RespondWorkflowTaskFailed: {
      fields: ['cause', 'failure'],
      send: nothingComesOf((cast, { token, fields }) =>
        cast.history.respondWorkflowTaskFailed({
          token: cast.tokenOf(token),
          cause: causeOf(fields['cause'])!,
          failure: failureOf(fields['failure']),
          identity: IDENTITY,
        }),
      ),
    },
    RespondActivityTaskCompleted: {
      fields: ['result'],
      send: nothingComesOf((cast, { token, fields }) =>
        cast.history.respondActivityTaskCompleted({
          token: cast.tokenOf(token),
          result: payloadsOf(fields['result']),
          identity: IDENTITY,
        }),
      ),
    },
    RespondActivityTaskFailed: {
      fields: ['failure', 'lastHeartbeatDetails'],
      send: nothingComesOf((cast, { token, fields }) =>
        cast.history.respondActivityTaskFailed({
          token: cast.tokenOf(token),
          failure: failureOf(fields['failure']),
          lastHeartbeatDetails: payloadsOf(fields['lastHeartbeatDetails']),
          identity: IDENTITY,
        }),
      ),
    },
    RespondActivityTaskCanceled: {
      fields: ['details'],
      send: nothingComesOf((cast, { token, fields }) =>
        cast.history.respondActivityTaskCanceled({
          token: cast.tokenOf(token),
          details: payloadsOf(fields['details']),
          identity: IDENTITY,
        }),
      ),
    },
    RecordActivityTaskHeartbeat: {
      fields: ['details'],
      send: async (cast, { token, fields }) => {
        const details = payloadsOf(fields['details'])
        await cast.history.recordActivityTaskHeartbeat({ token: cast.tokenOf(token), details, identity: IDENTITY })
        return {}
      },
    },
    RecordActivityTaskHeartbeatById: {
      fields: [...ACTIVITY_FIELDS, 'details'],
      send: async (cast, { fields }) => {
        const details = payloadsOf(fields['details'])
        await cast.history.recordActivityTaskHeartbeatById({ ...activityOf(cast, fields), details })
        return {}
      },
    },
    RespondActivityTaskCompletedById: {
      fields: [...ACTIVITY_FIELDS, 'result'],
      send: nothingComesOf((cast, { fields }) => {
        const result = payloadsOf(fields['result'])
        return cast.history.respondActivityTaskCompletedById({ ...activityOf(cast, fields), result })
      }),
    },
    RespondActivityTaskFailedById: {
      fields: [...ACTIVITY_FIELDS, 'failure'],
      send: nothingComesOf((cast, { fields }) => {
        const failure = failureOf(fields['failure'])
        return cast.history.respondActivityTaskFailedById({ ...activityOf(cast, fields), failure })
      }),
    },
    RespondActivityTaskCanceledById: {
      fields: [...ACTIVITY_FIELDS, 'details'],
      send: nothingComesOf((cast, { fields }) => {
        const details = payloadsOf(fields['details'])
        return cast.history.respondActivityTaskCanceledById({ ...activityOf(cast, fields), details })
      }),
    },
  } satisfies Record<string, Verb>),
)

/** The attributes of each command that have a meaning here. */
export const COMMANDS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    ScheduleActivityTask: [
      ...['activityId', 'activityType', 'taskQueue', 'input', 'scheduleToCloseTimeout', 'scheduleToStartTimeout'],
      ...['startToCloseTimeout', 'heartbeatTimeout', 'retryPolicy'],
      // A wish that a server may ignore, as the recorded one did; tasks handed out so are `eagerTasks`.
      'requestEagerExecution',
    ],
    RequestCancelActivityTask: ['scheduledEventId'],
    StartTimer: ['timerId', 'startToFireTimeout'],
    CancelTimer: ['timerId'],
    RecordMarker: ['markerName', 'details', 'failure'],
    UpsertWorkflowSearchAttributes: ['searchAttributes'],
    ModifyWorkflowProperties: ['upsertedMemo'],
    CompleteWorkflowExecution: ['result'],
    FailWorkflowExecution: ['failure'],
    CancelWorkflowExecution: ['details'],
    ContinueAsNewWorkflowExecution: [
      ...['workflowType', 'taskQueue', 'input', 'workflowRunTimeout', 'workflowTaskTimeout', 'backoffStartInterval'],
      ...['retryPolicy', 'cronSchedule', 'memo', 'searchAttributes'],
    ],
  } satisfies Record<CommandType, readonly string[]>),
)

export interface GoldenCommand {
  readonly type: string
  readonly attributes: JsonObject
}

/** Without attributes where all are default. */
export function commandsOf(fields: JsonObject): readonly GoldenCommand[] {
  const commands = (fields['commands'] ?? []) as readonly JsonObject[]
  return commands.map(({ commandType, ...named }) => ({
    type: textOf(commandType),
    attributes: Object.values(named).find(isObject) ?? {},
  }))
}

async function startWorkflow(cast: Cast, { fields }: Call): Promise<Answer> {
  const request = startRequest(cast, fields)
  const { runId } = await cast.history.startWorkflow(request)
  return { started: { ...targetOf(cast, fields), runId } }
}

async function signalWithStart(cast: Cast, { fields }: Call): Promise<Answer> {
  const signalInput = payloadsOf(fields['signalInput'])
  const request = { ...startRequest(cast, fields), signalName: textOf(fields['signalName']), signalInput }
  const { runId } = await cast.history.signalWithStartWorkflow(request)
  return { started: { ...targetOf(cast, fields), runId } }
}

function startRequest(cast: Cast, fields: JsonObject): StartWorkflowRequest {
  const requestId = textOf(fields['requestId'])
  const workflowId = textOf(fields['workflowId'])
  return {
    namespaceId: cast.namespaceId,
    workflowId,
    workflowType: textOf(fields['workflowType']),
    taskQueue: textOf(fields['taskQueue']),
    input: payloadsOf(fields['input']),
    workflowExecutionTimeoutMs: Number(fields['workflowExecutionTimeout'] ?? 0) * 1000,
    workflowRunTimeoutMs: Number(fields['workflowRunTimeout'] ?? 0) * 1000,
    workflowTaskTimeoutMs: Number(fields['workflowTaskTimeout'] ?? 0) * 1000,
    retryPolicy: isObject(fields['retryPolicy']) ? toOurWords(fields['retryPolicy']) : undefined,
    cronSchedule: textOf(fields['cronSchedule']),
    workflowStartDelayMs: Number(fields['workflowStartDelay'] ?? 0) * 1000,
    memo: payloadMapOf(fields['memo']),
    searchAttributes: payloadMapOf(fields['searchAttributes']),
    workflowIdReusePolicy: (fields['workflowIdReusePolicy'] ?? 'AllowDuplicate') as WorkflowIdReusePolicy,
    workflowIdConflictPolicy: fields['workflowIdConflictPolicy'] as WorkflowIdConflictPolicy | undefined,
    identity: IDENTITY,
    requestId: requestId || cast.freshRequestId(),
    isFreshRequestId: requestId === '',
  }
}

function nothingComesOf(send: (cast: Cast, call: Call) => Promise<void>): Verb['send'] {
  return async (cast, call) => {
    await send(cast, call)
    return {}
  }
}

function targetOf(cast: Cast, execution: Json | undefined): ExecutionTarget {
  const { workflowId, runId } = isObject(execution) ? execution : {}
  const id = textOf(workflowId)
  const target = { namespaceId: cast.namespaceId, workflowId: id }
  return runId === undefined ? target : { ...target, runId: cast.runIdOf(id, textOf(runId)) }
}

function activityOf(cast: Cast, fields: JsonObject): ActivityTarget & { readonly identity: string } {
  return { ...targetOf(cast, fields), activityId: textOf(fields['activityId']), identity: IDENTITY }
}

function pollOf(cast: Cast, { fields }: Call): PollRequest {
  return {
    namespaceId: cast.namespaceId,
    taskQueue: queueOf(fields['taskQueue']),
    identity: IDENTITY,
    waitMs: cast.pollWaitMs,
  }
}

function stickyOf(value: Json | undefined): StickyAttributes | undefined {
  if (!isObject(value)) return undefined
  const workerTaskQueue = queueOf(value['workerTaskQueue'])
  return { workerTaskQueue, scheduleToStartTimeoutMs: Number(value['scheduleToStartTimeout']) * 1000 }
}

/** The recorder writes ids of queries as one word: they are given in order. */
function queryResultsOf(
  cast: Cast,
  token: string | undefined,
  value: Json | undefined,
): Readonly<Record<string, WorkflowQueryResult>> | undefined {
  if (!isObject(value)) return undefined
  const answers = Object.values(value).map((one): WorkflowQueryResult => {
    const { resultType, answer } = one as JsonObject
    return { resultType: resultType === 1 ? 'answered' : 'failed', answer: payloadsOf(answer) }
  })
  return Object.fromEntries(cast.queryIdsOf(token).map((id, at) => [id, answers[at]!]))
}

/** A sticky queue is recorded by the normal one that it belongs to. */
function queueOf(taskQueue: Json | undefined): string {
  return isObject(taskQueue) ? `sticky of ${textOf(taskQueue['sticky'])}` : textOf(taskQueue)
}

function payloadsOf(values: Json | undefined): Payloads | undefined {
  return values === undefined ? undefined : (values as readonly Json[]).map(encodePayload)
}

function payloadMapOf(values: Json | undefined): (Memo & SearchAttributes) | undefined {
  return isObject(values) ? encodePayloadMap(values) : undefined
}

function failureOf(failure: Json | undefined): Failure | undefined {
  return isObject(failure) ? (toOurWords(failure) as unknown as Failure) : undefined
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
