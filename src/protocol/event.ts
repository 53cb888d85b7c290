/**
 * Events: what happened to an execution, with Temporal's names and meaning. A history is a sequence of them with
 * ids 1, 2, 3 ….
 *
 * All share one shape, so that the hot path sees one hidden class; what differs is in `attributes`.
 * Durations are ms; 0 is Temporal's "not set".
 */
import type { Failure, RetryState, TimeoutType } from './failure.js'
import type { Header, Payload, Payloads } from './payload.js'
import type { RetryPolicy } from './retry-policy.js'

/** What each type of event says, under Temporal's names. */
export interface EventAttributes {
  WorkflowExecutionStarted: {
    readonly workflowType: string
    readonly workflowId: string
    readonly taskQueue: string
    readonly input: Payloads | undefined
    readonly workflowExecutionTimeoutMs: number
    readonly workflowRunTimeoutMs: number
    readonly workflowTaskTimeoutMs: number
    readonly originalExecutionRunId: string
    readonly firstExecutionRunId: string
    readonly attempt: number
    readonly identity: string
    /** What a repeated start is recognised by. */
    readonly requestId: string
    /** Which rules of replay hold for this run, 1 today. */
    readonly replayRules: number
    /** When a run that fails or times out is followed by another. */
    readonly retryPolicy?: RetryPolicy | undefined
    readonly cronSchedule?: string | undefined
    /** For those who intercept the run. */
    readonly header?: Header | undefined
    /** From the start to the first workflow task. */
    readonly firstWorkflowTaskBackoffMs?: number | undefined
    /** The run before. */
    readonly continuedExecutionRunId?: string | undefined
    readonly initiator?: ChainInitiator | undefined
    /** What the run before failed with. */
    readonly continuedFailure?: Failure | undefined
    /** Of the last run of the chain that completed. */
    readonly lastCompletionResult?: Payloads | undefined
    /** When the whole chain is over time, ms since the epoch. */
    readonly workflowExecutionExpirationTimeMs?: number | undefined
    readonly memo?: Memo | undefined
    readonly searchAttributes?: SearchAttributes | undefined
  }
  WorkflowExecutionCompleted: {
    readonly result: Payloads | undefined
    readonly workflowTaskCompletedEventId: number
    readonly newExecutionRunId?: string | undefined
  }
  WorkflowExecutionFailed: {
    readonly failure: Failure
    readonly retryState: RetryState
    readonly workflowTaskCompletedEventId: number
    readonly newExecutionRunId?: string | undefined
  }
  WorkflowExecutionTimedOut: { readonly retryState: RetryState; readonly newExecutionRunId?: string | undefined }
  WorkflowExecutionContinuedAsNew: {
    readonly newExecutionRunId: string
    readonly workflowType: string
    readonly taskQueue: string
    readonly input: Payloads | undefined
    readonly workflowRunTimeoutMs: number
    readonly workflowTaskTimeoutMs: number
    readonly workflowTaskCompletedEventId: number
    /** Of the next run, as are its search attributes. */
    readonly memo?: Memo | undefined
    readonly header?: Header | undefined
    readonly searchAttributes?: SearchAttributes | undefined
  }
  WorkflowExecutionTerminated: {
    readonly reason: string
    readonly details: Payloads | undefined
    readonly identity: string
  }
  WorkflowExecutionCancelRequested: {
    /** The reason that was given; '' for none. */
    readonly cause: string
    readonly identity: string
    /** What a repeated request is recognised by. */
    readonly requestId: string
  }
  WorkflowExecutionCanceled: { readonly details: Payloads | undefined; readonly workflowTaskCompletedEventId: number }
  WorkflowExecutionSignaled: {
    readonly signalName: string
    readonly input: Payloads | undefined
    readonly identity: string
    /** '' when the sender gave none. */
    readonly requestId: string
    readonly header?: Header | undefined
  }
  WorkflowTaskScheduled: {
    readonly taskQueue: string
    /** Set when `taskQueue` is the sticky one of a worker: that of the execution. */
    readonly normalTaskQueue?: string | undefined
    readonly startToCloseTimeoutMs: number
    readonly attempt: number
  }
  WorkflowTaskStarted: {
    readonly scheduledEventId: number
    readonly identity: string
    readonly requestId: string
    /** When the first window of the task opened: what `ctx.now()` begins from. Equal to the event's time for a task taken by poll. */
    readonly beginTimeMs: number
    readonly historySizeBytes: number
  }
  WorkflowTaskCompleted: {
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly identity: string
    /** SDK name and version, Node's version; '' when the worker says nothing. */
    readonly sdk: string
  }
  WorkflowTaskTimedOut: {
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly timeoutType: TimeoutType
  }
  WorkflowTaskFailed: {
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly cause: WorkflowTaskFailedCause
    readonly failure: Failure | undefined
    readonly identity: string
  }
  ActivityTaskScheduled: {
    readonly activityId: string
    readonly activityType: string
    readonly taskQueue: string
    readonly input: Payloads | undefined
    readonly scheduleToCloseTimeoutMs: number
    readonly scheduleToStartTimeoutMs: number
    readonly startToCloseTimeoutMs: number
    readonly heartbeatTimeoutMs: number
    readonly workflowTaskCompletedEventId: number
    readonly retryPolicy: RetryPolicy
    readonly header?: Header | undefined
  }
  ActivityTaskStarted: {
    readonly scheduledEventId: number
    readonly identity: string
    readonly requestId: string
    readonly attempt: number
    readonly lastFailure: Failure | undefined
  }
  ActivityTaskCompleted: {
    readonly result: Payloads | undefined
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly identity: string
  }
  ActivityTaskFailed: {
    readonly failure: Failure | undefined
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly identity: string
    readonly retryState: RetryState
  }
  ActivityTaskTimedOut: {
    readonly failure: Failure
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly retryState: RetryState
  }
  ActivityTaskCancelRequested: { readonly scheduledEventId: number; readonly workflowTaskCompletedEventId: number }
  ActivityTaskCanceled: {
    readonly details: Payloads | undefined
    readonly latestCancelRequestedEventId: number
    readonly scheduledEventId: number
    readonly startedEventId: number
    readonly identity: string
  }
  TimerStarted: {
    readonly timerId: string
    readonly startToFireTimeoutMs: number
    readonly workflowTaskCompletedEventId: number
  }
  TimerFired: { readonly timerId: string; readonly startedEventId: number }
  TimerCanceled: {
    readonly timerId: string
    readonly startedEventId: number
    readonly workflowTaskCompletedEventId: number
    readonly identity: string
  }
  /** Something that workflow code (or its SDK) wrote down for its own replay. */
  MarkerRecorded: {
    readonly markerName: string
    readonly details: NamedPayloads | undefined
    readonly workflowTaskCompletedEventId: number
    readonly failure: Failure | undefined
  }
  /** Holds only what was changed. A null takes an attribute away, and so does an empty list. */
  UpsertWorkflowSearchAttributes: {
    readonly workflowTaskCompletedEventId: number
    readonly searchAttributes: SearchAttributes
  }
  WorkflowPropertiesModified: {
    readonly workflowTaskCompletedEventId: number
    /** Holds only what was changed. A null takes its key away. */
    readonly upsertedMemo: Memo
  }
}

/** The details of a marker, by name. */
export type NamedPayloads = Readonly<Record<string, Payloads>>
/** What an execution can be found by: a payload each, by name. */
export type SearchAttributes = Readonly<Record<string, Payload>>
/** Notes that go with an execution, for people and their tools: a payload each, by key. */
export type Memo = Readonly<Record<string, Payload>>
/** Why a run has another one before it, or a schedule. Temporal's names. */
export type ChainInitiator = 'Workflow' | 'Retry' | 'CronSchedule'

/** Every type of event there is, by Temporal's name. */
export type EventType = keyof EventAttributes

/** An event of one type. */
export interface EventOf<T extends EventType> {
  /** From 1. 0 while the event is buffered: it gets its id when it is flushed. */
  readonly eventId: number
  readonly eventType: T
  /** Wall clock, ms since the epoch; never less than that of the event before, save for events that a remote worker held up: they keep the time of their arrival. */
  readonly eventTimeMs: number
  /** Failover version; 0 until there are clusters. */
  readonly version: number
  readonly attributes: EventAttributes[T]
}

/** Any event; `eventType` tells which. */
export type HistoryEvent = { [T in EventType]: EventOf<T> }[EventType]

/** Temporal's causes, by its names. */
export type WorkflowTaskFailedCause =
  | 'UnhandledCommand'
  | 'BadScheduleActivityAttributes'
  | 'BadRequestCancelActivityAttributes'
  | 'BadStartTimerAttributes'
  | 'BadCancelTimerAttributes'
  | 'BadCompleteWorkflowExecutionAttributes'
  | 'BadFailWorkflowExecutionAttributes'
  | 'BadCancelWorkflowExecutionAttributes'
  | 'BadContinueAsNewAttributes'
  | 'StartTimerDuplicateId'
  | 'ScheduleActivityDuplicateId'
  | 'WorkflowWorkerUnhandledFailure'
  | 'NonDeterministicError'
  | 'ForceCloseCommand'
  | 'PendingActivitiesLimitExceeded'
  | 'PayloadsTooLarge'
  | 'BadRecordMarkerAttributes'
  | 'BadSearchAttributes'
  | 'BadModifyWorkflowPropertiesAttributes'

/** The number of each type in Temporal's enum: what rows store. */
export const EVENT_NUMBERS = {
  WorkflowExecutionStarted: 1,
  WorkflowExecutionCompleted: 2,
  WorkflowExecutionFailed: 3,
  WorkflowExecutionTimedOut: 4,
  WorkflowTaskScheduled: 5,
  WorkflowTaskStarted: 6,
  WorkflowTaskCompleted: 7,
  WorkflowTaskTimedOut: 8,
  WorkflowTaskFailed: 9,
  ActivityTaskScheduled: 10,
  ActivityTaskStarted: 11,
  ActivityTaskCompleted: 12,
  ActivityTaskFailed: 13,
  ActivityTaskTimedOut: 14,
  ActivityTaskCancelRequested: 15,
  ActivityTaskCanceled: 16,
  TimerStarted: 17,
  TimerFired: 18,
  TimerCanceled: 19,
  WorkflowExecutionCancelRequested: 20,
  WorkflowExecutionCanceled: 21,
  MarkerRecorded: 25,
  WorkflowExecutionSignaled: 26,
  WorkflowExecutionTerminated: 27,
  UpsertWorkflowSearchAttributes: 40,
  WorkflowPropertiesModified: 46,
  WorkflowExecutionContinuedAsNew: 28,
} as const satisfies Record<EventType, number>

/** What state an execution is in: 'Running', or how it ended. */
export type WorkflowStatus =
  'Running' | 'Completed' | 'Failed' | 'Canceled' | 'Terminated' | 'ContinuedAsNew' | 'TimedOut'
