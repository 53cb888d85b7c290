/**
 * What requests from outside must look like: a schema for each of the plain-data verbs of services.ts. What passes them
 * fits into rows: text where text belongs, no half characters, no causes without end.
 *
 * What is merely forbidden (a timer id that is in use, a negative time-out) is left to the verbs, which answer as Temporal
 * does. Names that are not well formed are refused; free text is mended, since a failure must not be lost for half an emoji.
 */
import { z } from 'zod'
import { MAX_DURATION_MS } from '../base/duration.js'
import { isUuid } from '../base/uuid.js'
import { MAX_CAUSES } from './failure.js'
import { idSchema, isWellFormed, optionalIdSchema } from './ids.js'
import {
  headerBytes,
  MAX_HEADER_BYTES,
  BINARY_NULL,
  BINARY_PLAIN,
  isPayload,
  JSON_PLAIN,
  type Payload,
} from './payload.js'
import { QUERY_REJECT_CONDITIONS } from './query.js'
import type { ExecutionTarget } from './ids.js'
import type { HistoryService } from './services.js'

const COMMON_METADATA = [JSON_PLAIN, BINARY_PLAIN, BINARY_NULL]

const uuid = z.string().refine(isUuid, 'not a UUID in lower case')
const text = z.string().transform((value) => (isWellFormed(value) ? value : Buffer.from(value).toString()))
const count = z.number().int().min(0)
const durationMs = z.number().min(0).max(MAX_DURATION_MS)

// ---- payloads

/** A copy, with the one object for the metadata that nearly all have: rows know it by identity. */
const payload = z
  .custom<Payload>(isPayload, 'not a payload: { metadata: { encoding: …, … }, data: a Uint8Array }')
  .transform(({ metadata, data }): Payload => {
    const isCommon = Object.keys(metadata).length === 1
    const common = COMMON_METADATA.find(({ encoding }) => isCommon && encoding === metadata['encoding'])
    return { metadata: common ?? Object.freeze({ ...metadata }), data }
  })
const payloads = z.array(payload).optional()
const name = z.string().refine(isWellFormed, 'not well-formed Unicode')
const namedPayloads = z.record(name, z.array(payload))
const payloadMap = z.record(name, payload)
const header = z
  .record(name, payload)
  .refine((given) => headerBytes(given) <= MAX_HEADER_BYTES, `more than ${MAX_HEADER_BYTES} bytes`)
  .optional()

// ---- failures

const causes: z.ZodType = z.lazy(() => failureKinds)
const failureBase = {
  message: text,
  stackTrace: text.optional(),
  encodedAttributes: payload.optional(),
  cause: causes.optional(),
}
const failureKinds = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('application'),
    ...failureBase,
    applicationType: text.optional(),
    nonRetryable: z.boolean().optional(),
    details: payloads,
    nextRetryDelayMs: z.number().optional(),
  }),
  z.strictObject({
    type: z.literal('activity'),
    ...failureBase,
    activityId: text,
    activityType: text,
    scheduledEventId: count,
    startedEventId: count,
    retryState: z.enum([
      ...(['InProgress', 'NonRetryableFailure', 'Timeout', 'MaximumAttemptsReached'] as const),
      ...(['RetryPolicyNotSet', 'InternalServerError', 'CancelRequested'] as const),
    ]),
  }),
  z.strictObject({
    type: z.literal('timeout'),
    ...failureBase,
    timeoutType: z.enum(['StartToClose', 'ScheduleToStart', 'ScheduleToClose', 'Heartbeat']),
    lastHeartbeatDetails: payloads,
  }),
  z.strictObject({ type: z.literal('canceled'), ...failureBase, details: payloads }),
  z.strictObject({ type: z.literal('terminated'), ...failureBase }),
  z.strictObject({ type: z.literal('none'), ...failureBase }),
])

/** Depth first: the rest of the schema follows causes as far as they go. */
const failure = z
  .custom((value) => causeCount(value) <= MAX_CAUSES, `more than ${MAX_CAUSES} causes, one below the other`)
  .pipe(causes)
  .optional()

function causeCount(failure: unknown): number {
  let found = 0
  let one = failure
  while (typeof one === 'object' && one !== null && found <= MAX_CAUSES) {
    one = (one as { cause?: unknown }).cause
    if (one !== undefined) found++
  }
  return found
}

const policyWith = <T extends z.ZodType<readonly string[]>>(nonRetryableErrorTypes: T) =>
  z
    .strictObject({
      initialIntervalMs: z.number(),
      backoffCoefficient: z.number(),
      maximumIntervalMs: z.number(),
      maximumAttempts: z.number().int(),
      nonRetryableErrorTypes,
    })
    .partial()
    .optional()
const retryPolicy = policyWith(z.array(text))
/** Copied into each run of a chain: never big. */
const chainPolicy = policyWith(z.array(idSchema).max(100))
const cronSchedule = z.string().max(1000).optional()

// ---- commands

const commands = z.array(
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('ScheduleActivityTask'),
      activityId: optionalIdSchema,
      activityType: optionalIdSchema,
      taskQueue: optionalIdSchema.optional(),
      input: payloads,
      scheduleToCloseTimeoutMs: z.number().optional(),
      startToCloseTimeoutMs: z.number().optional(),
      scheduleToStartTimeoutMs: z.number().optional(),
      heartbeatTimeoutMs: z.number().optional(),
      retryPolicy,
      header,
    }),
    z.strictObject({ type: z.literal('RequestCancelActivityTask'), scheduledEventId: count }),
    z.strictObject({ type: z.literal('StartTimer'), timerId: optionalIdSchema, startToFireTimeoutMs: z.number() }),
    z.strictObject({ type: z.literal('CancelTimer'), timerId: optionalIdSchema }),
    z.strictObject({
      type: z.literal('RecordMarker'),
      markerName: optionalIdSchema,
      details: namedPayloads.optional(),
      failure,
    }),
    z.strictObject({ type: z.literal('UpsertWorkflowSearchAttributes'), searchAttributes: payloadMap }),
    z.strictObject({ type: z.literal('ModifyWorkflowProperties'), upsertedMemo: payloadMap }),
    z.strictObject({ type: z.literal('CompleteWorkflowExecution'), result: payloads }),
    z.strictObject({ type: z.literal('FailWorkflowExecution'), failure }),
    z.strictObject({ type: z.literal('CancelWorkflowExecution'), details: payloads }),
    z.strictObject({
      type: z.literal('ContinueAsNewWorkflowExecution'),
      workflowType: optionalIdSchema.optional(),
      taskQueue: optionalIdSchema.optional(),
      input: payloads,
      workflowRunTimeoutMs: z.number().optional(),
      workflowTaskTimeoutMs: z.number().optional(),
      backoffStartIntervalMs: z.number().optional(),
      retryPolicy: chainPolicy,
      cronSchedule,
      memo: payloadMap.optional(),
      header,
      searchAttributes: payloadMap.optional(),
    }),
  ]),
)

// ---- requests

const runOf = { namespaceId: uuid, workflowId: idSchema, runId: uuid.optional() }
const activityOf = { ...runOf, activityId: idSchema }
const identity = optionalIdSchema

/** Opaque to those who send them: they may hold more one day. */
const workflowTaskToken = z.object({
  ...runOf,
  runId: uuid,
  scheduledEventId: count,
  startedEventId: count,
  attempt: count,
  stamp: count,
  version: z.number().int(),
})
const queryTaskToken = z.object({ ...runOf, runId: uuid, queryId: idSchema })
const activityTaskToken = z.object({
  ...runOf,
  runId: uuid,
  scheduledEventId: count,
  attempt: count,
  stamp: count,
  version: z.number().int(),
})

const poll = z.strictObject({
  namespaceId: uuid,
  taskQueue: idSchema,
  identity,
  waitMs: durationMs,
  signal: z.custom<AbortSignal>(isAbortSignal, 'not an AbortSignal').optional(),
})

function isAbortSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>
  return typeof aborted === 'boolean' && typeof addEventListener === 'function'
}

/** Fields of a target may come with others: a token names an execution too. */
export const targetSchema: z.ZodType<ExecutionTarget> = z.object(runOf)
export const pageSchema: z.ZodType<{ readonly fromEventId: number; readonly limit: number }> = z.strictObject({
  fromEventId: count.min(1),
  limit: count.min(1),
})

const startFields = {
  namespaceId: uuid,
  workflowId: idSchema,
  workflowType: idSchema,
  taskQueue: idSchema,
  input: payloads,
  workflowExecutionTimeoutMs: durationMs,
  workflowRunTimeoutMs: durationMs,
  workflowTaskTimeoutMs: durationMs,
  retryPolicy: chainPolicy,
  cronSchedule,
  header,
  workflowStartDelayMs: durationMs.optional(),
  memo: payloadMap.optional(),
  searchAttributes: payloadMap.optional(),
  workflowIdReusePolicy: z.enum([
    'AllowDuplicate',
    'AllowDuplicateFailedOnly',
    'RejectDuplicate',
    'TerminateIfRunning',
  ]),
  workflowIdConflictPolicy: z.enum(['Fail', 'UseExisting', 'TerminateExisting']).optional(),
  identity,
  requestId: idSchema,
  isFreshRequestId: z.boolean(),
}

const queryAnswer = { resultType: z.enum(['answered', 'failed']), answer: payloads, errorMessage: text.optional() }

/** By verb. */
export const requestSchemas = {
  startWorkflow: z.strictObject(startFields),
  signalWithStartWorkflow: z.strictObject({ ...startFields, signalName: idSchema, signalInput: payloads }),
  signalWorkflow: z.strictObject({
    ...runOf,
    signalName: idSchema,
    input: payloads,
    header,
    identity,
    requestId: optionalIdSchema,
  }),
  requestCancelWorkflow: z.strictObject({
    ...runOf,
    firstExecutionRunId: uuid.optional(),
    reason: text,
    identity,
    requestId: optionalIdSchema,
  }),
  queryWorkflow: z.strictObject({
    ...runOf,
    queryType: optionalIdSchema,
    queryArgs: payloads,
    queryRejectCondition: z.enum(QUERY_REJECT_CONDITIONS).optional(),
  }),
  terminateWorkflow: z.strictObject({ ...runOf, reason: text, details: payloads, identity }),
  deleteWorkflow: z.strictObject({ ...runOf, identity }),
  pollWorkflowTask: poll,
  pollActivityTask: poll,
  respondWorkflowTaskCompleted: z.strictObject({
    token: workflowTaskToken,
    commands,
    identity,
    sdk: optionalIdSchema,
    returnNewWorkflowTask: z.boolean(),
    forceCreateNewWorkflowTask: z.boolean(),
    stickyAttributes: z.strictObject({ workerTaskQueue: idSchema, scheduleToStartTimeoutMs: durationMs }).optional(),
    queryResults: z.record(z.string(), z.strictObject(queryAnswer)).optional(),
  }),
  respondQueryTaskCompleted: z.strictObject({ token: queryTaskToken, ...queryAnswer, identity }),
  respondWorkflowTaskFailed: z.strictObject({
    token: workflowTaskToken,
    cause: z.enum([
      ...(['UnhandledCommand', 'BadScheduleActivityAttributes', 'BadRequestCancelActivityAttributes'] as const),
      ...(['BadStartTimerAttributes', 'BadCancelTimerAttributes', 'BadCompleteWorkflowExecutionAttributes'] as const),
      ...(['BadFailWorkflowExecutionAttributes', 'StartTimerDuplicateId', 'ScheduleActivityDuplicateId'] as const),
      ...(['BadCancelWorkflowExecutionAttributes'] as const),
      ...(['WorkflowWorkerUnhandledFailure', 'NonDeterministicError', 'ForceCloseCommand'] as const),
      ...([
        'PendingActivitiesLimitExceeded',
        'PayloadsTooLarge',
        'BadRecordMarkerAttributes',
        'BadSearchAttributes',
      ] as const),
      ...(['BadContinueAsNewAttributes', 'BadModifyWorkflowPropertiesAttributes'] as const),
    ]),
    failure,
    identity,
  }),
  respondActivityTaskCompleted: z.strictObject({ token: activityTaskToken, result: payloads, identity }),
  respondActivityTaskFailed: z.strictObject({
    token: activityTaskToken,
    failure,
    lastHeartbeatDetails: payloads,
    identity,
  }),
  respondActivityTaskCanceled: z.strictObject({ token: activityTaskToken, details: payloads, identity }),
  recordActivityTaskHeartbeat: z.strictObject({ token: activityTaskToken, details: payloads, identity }),
  respondActivityTaskCompletedById: z.strictObject({ ...activityOf, result: payloads, identity }),
  respondActivityTaskFailedById: z.strictObject({ ...activityOf, failure, lastHeartbeatDetails: payloads, identity }),
  respondActivityTaskCanceledById: z.strictObject({ ...activityOf, details: payloads, identity }),
  recordActivityTaskHeartbeatById: z.strictObject({ ...activityOf, details: payloads, identity }),
} satisfies { readonly [V in CheckedVerb]: FieldsOf<Parameters<HistoryService[V]>[0]> }

/** The verbs that take a request; the others take a target. */
export type CheckedVerb =
  | 'startWorkflow'
  | 'signalWithStartWorkflow'
  | 'signalWorkflow'
  | 'requestCancelWorkflow'
  | 'terminateWorkflow'
  | 'deleteWorkflow'
  | 'queryWorkflow'
  | 'pollWorkflowTask'
  | 'pollActivityTask'
  | 'respondWorkflowTaskCompleted'
  | 'respondWorkflowTaskFailed'
  | 'respondQueryTaskCompleted'
  | 'respondActivityTaskCompleted'
  | 'respondActivityTaskFailed'
  | 'respondActivityTaskCanceled'
  | 'recordActivityTaskHeartbeat'
  | 'respondActivityTaskCompletedById'
  | 'respondActivityTaskFailedById'
  | 'respondActivityTaskCanceledById'
  | 'recordActivityTaskHeartbeatById'

/** A schema with a field for each of the request's. */
type FieldsOf<Request> = z.ZodObject<Readonly<Record<keyof Request, z.ZodType>>, z.core.$strict>
