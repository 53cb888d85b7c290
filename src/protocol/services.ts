/**
 * Where the siblings meet: history, matching, workers and clients know each other by these words alone. Requests and
 * answers are plain data, so that a remote frontend is a translation of them and not a second engine.
 *
 * Every verb rejects with a LoomError; nothing was written when its code is LOOM_INVALID_ARGUMENT, LOOM_NOT_FOUND,
 * LOOM_ALREADY_EXISTS or LOOM_EXECUTION_CLOSED. A promise that resolves is durable.
 */
import type {
  HeartbeatResponse,
  RecordActivityTaskHeartbeatByIdRequest,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledByIdRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIdRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedByIdRequest,
  RespondActivityTaskFailedRequest,
} from './activity-requests.js'
export type {
  ActivityTarget,
  HeartbeatResponse,
  RecordActivityTaskHeartbeatByIdRequest,
  RecordActivityTaskHeartbeatRequest,
  RespondActivityTaskCanceledByIdRequest,
  RespondActivityTaskCanceledRequest,
  RespondActivityTaskCompletedByIdRequest,
  RespondActivityTaskCompletedRequest,
  RespondActivityTaskFailedByIdRequest,
  RespondActivityTaskFailedRequest,
} from './activity-requests.js'
export type { ActivityTaskToken, ExecutionTarget } from './ids.js'
export type { RequestCancelWorkflowRequest } from './cancel-request.js'
import type { RequestCancelWorkflowRequest } from './cancel-request.js'
import type { Command } from './command.js'
import type { HistoryEvent, WorkflowStatus, WorkflowTaskFailedCause } from './event.js'
import type { Failure } from './failure.js'
import type { ActivityTaskToken, ExecutionRef, ExecutionTarget } from './ids.js'
import type { Payloads } from './payload.js'
import type { RetryPolicy } from './retry-policy.js'

/** May a workflow id be used again once its execution has closed? Temporal's names and meaning. */
export type WorkflowIdReusePolicy =
  'AllowDuplicate' | 'AllowDuplicateFailedOnly' | 'RejectDuplicate' | 'TerminateIfRunning'
/** What if an execution of the workflow id is open? Temporal's names and meaning. */
export type WorkflowIdConflictPolicy = 'Fail' | 'UseExisting' | 'TerminateExisting'

/** A start: who, what, with which input, and what if the id is known already. */
export interface StartWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  readonly workflowType: string
  readonly taskQueue: string
  readonly input: Payloads | undefined
  /** ms; 0: not set. */
  readonly workflowExecutionTimeoutMs: number
  readonly workflowRunTimeoutMs: number
  /** ms; 0: the default of 10 s. */
  readonly workflowTaskTimeoutMs: number
  /** Absent: a run that fails or times out is the last. */
  readonly retryPolicy?: Partial<RetryPolicy> | undefined
  /** A run each time, in UTC. Absent or '': one run. */
  readonly cronSchedule?: string | undefined
  /** ms before the first workflow task. Not with a schedule. */
  readonly workflowStartDelayMs?: number | undefined
  readonly workflowIdReusePolicy: WorkflowIdReusePolicy
  /** Absent: 'Fail', or what the reuse policy says. */
  readonly workflowIdConflictPolicy?: WorkflowIdConflictPolicy | undefined
  readonly identity: string
  readonly requestId: string
  /** True when this call made `requestId` and sends it for the first time: then no run can hold it yet. */
  readonly isFreshRequestId: boolean
}

/** A signal to the open execution of the workflow id, or to one that is started for it. The request id is that of both. */
export interface SignalWithStartWorkflowRequest extends StartWorkflowRequest {
  readonly signalName: string
  readonly signalInput: Payloads | undefined
}

/** The run that a start made, or found. */
export interface StartWorkflowResponse {
  readonly runId: string
  /** False: a running one was used (`UseExisting`). */
  readonly started: boolean
  /** The closing event of the run that was started or found; settles when durable. Nobody has to listen: it never rejects unheard. */
  readonly closed: ClosedSlot
}

/** Answers with the closing event of one run, now or later. Makes a promise only when asked. */
export interface ClosedSlot {
  /** The closing event, once it is durable. Rejects with LOOM_CLOSED when the loom closes first. */
  wait(): Promise<HistoryEvent>
}

/** A signal to an open execution. */
export interface SignalWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  /** Absent: the current run. */
  readonly runId?: string | undefined
  readonly signalName: string
  readonly input: Payloads | undefined
  readonly identity: string
  /** '' : not deduplicated. */
  readonly requestId: string
}

/** The end of an execution, without asking its code. */
export interface TerminateWorkflowRequest {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId?: string | undefined
  readonly reason: string
  readonly details: Payloads | undefined
  readonly identity: string
}

/** An activity that has not ended, and where it stands. */
export interface PendingActivity {
  /** Unique among those of its execution that are pending. */
  readonly activityId: string
  /** The name of its definition. */
  readonly activityType: string
  /** 'Scheduled': waits for a worker, or for its next attempt. 'Started': an attempt runs. 'CancelRequested': its workflow has called it off. */
  readonly state: 'Scheduled' | 'Started' | 'CancelRequested'
  /** The one that runs or comes next, from 1. */
  readonly attempt: number
  /** Of its ActivityTaskScheduled event. */
  readonly scheduledEventId: number
  /** What the attempt before failed with. Undefined on the first. */
  readonly lastFailure: Failure | undefined
  /** When the next attempt may start, ms since the epoch; 0 unless backing off. */
  readonly nextAttemptAtMs: number
  /** The wait between the attempt before and the next, ms; 0 while one runs. */
  readonly currentRetryIntervalMs: number
}

/** A workflow task that waits for a worker, or that one holds. */
export interface PendingWorkflowTask {
  /** 'Scheduled': no worker has it. 'Started': one that polls holds it. */
  readonly state: 'Scheduled' | 'Started'
  /** From 1; raised by each failure and time-out. */
  readonly attempt: number
  /** ms since the epoch. */
  readonly scheduledAtMs: number
}

/** Why the code of an execution cannot go on, what to do, and when it is tried again. */
export interface StalledDescription {
  /** Where in the history the code stood: the event that it does not agree with, or that of its workflow task. */
  readonly eventId: number
  /**
   * 'WorkflowWorkerUnhandledFailure': it threw what is no failure. 'NonDeterministicError': it asks for something else than
   * its history holds. 'BadCommand': it asked for what cannot be.
   */
  readonly reason: 'WorkflowWorkerUnhandledFailure' | 'NonDeterministicError' | 'BadCommand'
  /** What it threw, or asked for. */
  readonly message: string
  /** What to do. */
  readonly hint: string
  /** Of what it threw; '' when it threw nothing. */
  readonly stackTrace: string
  /** Of the first failure, ms since the epoch. */
  readonly sinceMs: number
  /** ms since the epoch; sooner when the store is opened again, or on `retryStalled`. */
  readonly nextTryAtMs: number
}

/** An execution as `describe` shows it: its facts, and what it waits for. */
export interface WorkflowDescription {
  readonly workflowId: string
  /** Of the run that is described, a UUID. */
  readonly runId: string
  /** Of the first run of its chain; its own, unless it was started by a retry, a schedule or continue-as-new. */
  readonly firstExecutionRunId: string
  /** The name of its definition. */
  readonly workflowType: string
  /** Whose workers run its code. */
  readonly taskQueue: string
  /** 'Running', or how it ended. */
  readonly status: WorkflowStatus
  /** Events so far. */
  readonly historyLength: number
  /** As stored, bytes. */
  readonly historySizeBytes: number
  /** ms since the epoch. */
  readonly startTimeMs: number
  /** ms since the epoch; undefined while it is open. */
  readonly closeTimeMs: number | undefined
  /** In the order in which they were scheduled; none when it has closed. */
  readonly pendingActivities: readonly PendingActivity[]
  /** `fireAtMs`: ms since the epoch. None when it has closed. */
  readonly pendingTimers: readonly { readonly timerId: string; readonly fireAtMs: number }[]
  /** Undefined while its code has nothing to do. */
  readonly pendingWorkflowTask: PendingWorkflowTask | undefined
  /** Set while the code of the execution cannot go on: it waits for changed code, and is never lost. */
  readonly stalled: StalledDescription | undefined
}

/** Some events of a history, in order. */
export interface HistoryPage {
  readonly events: readonly HistoryEvent[]
  /** Absent on the last page. */
  readonly nextEventId: number | undefined
}

/** Opaque to workers; every field is checked against the state when one comes back. No clock, no shard, no epoch. */
export interface WorkflowTaskToken extends ExecutionRef {
  readonly scheduledEventId: number
  readonly startedEventId: number
  readonly attempt: number
  readonly stamp: number
  readonly version: number
}

/** A worker's question for a task; it waits until there is one or `waitMs` have passed. */
export interface PollRequest {
  readonly namespaceId: string
  readonly taskQueue: string
  readonly identity: string
  /** How long to wait for a task, ms. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/** Work for a polling worker: run the code of an execution over this history, and answer with commands. */
export interface WorkflowTask {
  readonly token: WorkflowTaskToken
  readonly workflowType: string
  readonly attempt: number
  readonly previousStartedEventId: number
  readonly startedEventId: number
  /** Whole; a transient task's Scheduled and Started stand at its end though history does not hold them yet. */
  readonly history: readonly HistoryEvent[]
}

/** Work for a polling worker: one attempt of an activity. */
export interface ActivityTask {
  readonly token: ActivityTaskToken
  readonly workflowType: string
  readonly activityId: string
  readonly activityType: string
  readonly attempt: number
  readonly input: Payloads | undefined
  readonly scheduledAtMs: number
  readonly startedAtMs: number
  readonly startToCloseTimeoutMs: number
  readonly scheduleToCloseTimeoutMs: number
  /** ms; 0: it need not say that it is alive. */
  readonly heartbeatTimeoutMs: number
  /** What the last heartbeat of the attempts before said. */
  readonly heartbeatDetails: Payloads | undefined
}

/** The answer to a workflow task: what the code asks for. */
export interface RespondWorkflowTaskCompletedRequest {
  readonly token: WorkflowTaskToken
  readonly commands: readonly Command[]
  readonly identity: string
  readonly sdk: string
  /** Ask for the next workflow task with the answer, when one is due. */
  readonly returnNewWorkflowTask: boolean
  /** Make a new workflow task though nothing happened (a heartbeat of the worker). */
  readonly forceCreateNewWorkflowTask: boolean
}
/** The answer to a workflow task whose code cannot go on. */
export interface RespondWorkflowTaskFailedRequest {
  readonly token: WorkflowTaskToken
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure | undefined
  readonly identity: string
}
/** What the owner of a history shard answers. */
export interface HistoryService {
  /** Starts an execution. LOOM_ALREADY_EXISTS when the policies refuse it. */
  startWorkflow(request: StartWorkflowRequest): Promise<StartWorkflowResponse>
  /** Signals the open execution of the id, as it is; without one it starts one, and both are one commit. */
  signalWithStartWorkflow(request: SignalWithStartWorkflowRequest): Promise<StartWorkflowResponse>
  /** Records a signal. LOOM_EXECUTION_CLOSED when the execution has ended. */
  signalWorkflow(request: SignalWorkflowRequest): Promise<void>
  /** Asks an execution to cancel itself. Once is enough: a second request, or one to a closed run, changes nothing. */
  requestCancelWorkflow(request: RequestCancelWorkflowRequest): Promise<void>
  /** Ends an execution. LOOM_EXECUTION_CLOSED when it has ended. */
  terminateWorkflow(request: TerminateWorkflowRequest): Promise<void>
  /** What state it is in, and what it waits for. */
  describeWorkflow(target: ExecutionTarget): Promise<WorkflowDescription>
  /** Pages of at most `limit` events from `fromEventId` on. */
  getHistory(target: ExecutionTarget, fromEventId: number, limit: number): Promise<HistoryPage>
  /** The closing event of that run, or of the current one. */
  waitClosed(target: ExecutionTarget): Promise<HistoryEvent>
  /** Gives a stalled execution's code another try now. */
  retryStalled(target: ExecutionTarget): Promise<void>
  /** Undefined when the time is up. */
  pollWorkflowTask(request: PollRequest): Promise<WorkflowTask | undefined>
  /** Carries the commands out. LOOM_NOT_FOUND when the task is no longer held under that token. */
  respondWorkflowTaskCompleted(
    request: RespondWorkflowTaskCompletedRequest,
  ): Promise<{ readonly newTask: WorkflowTask | undefined }>
  /** Fails the task; it is scheduled again, later after each failure. LOOM_NOT_FOUND as above. */
  respondWorkflowTaskFailed(request: RespondWorkflowTaskFailedRequest): Promise<void>
  /** Undefined when the time is up. */
  pollActivityTask(request: PollRequest): Promise<ActivityTask | undefined>
  /** Ends the activity with a result. LOOM_NOT_FOUND when nothing waits for that attempt. */
  respondActivityTaskCompleted(request: RespondActivityTaskCompletedRequest): Promise<void>
  /** Ends the attempt; the activity is tried again or fails. LOOM_NOT_FOUND as above. */
  respondActivityTaskFailed(request: RespondActivityTaskFailedRequest): Promise<void>
  /** Ends the activity as canceled, if that was asked for. LOOM_NOT_FOUND as above. */
  respondActivityTaskCanceled(request: RespondActivityTaskCanceledRequest): Promise<void>
  /** Keeps the details, and the heartbeat time-out begins anew. LOOM_NOT_FOUND as above. */
  recordActivityTaskHeartbeat(request: RecordActivityTaskHeartbeatRequest): Promise<HeartbeatResponse>
  /** Ends the activity with a result, even before anybody has taken it. LOOM_NOT_FOUND when none of that id is pending. */
  respondActivityTaskCompletedById(request: RespondActivityTaskCompletedByIdRequest): Promise<void>
  /** As the verbs by token, to the attempt that runs; LOOM_NOT_FOUND when none does. */
  respondActivityTaskFailedById(request: RespondActivityTaskFailedByIdRequest): Promise<void>
  /** As above. */
  respondActivityTaskCanceledById(request: RespondActivityTaskCanceledByIdRequest): Promise<void>
  /** As above. */
  recordActivityTaskHeartbeatById(request: RecordActivityTaskHeartbeatByIdRequest): Promise<HeartbeatResponse>
}

/**
 * One workflow task in the hands of a local worker, open from its first cause to quiescence. While it is open nothing of
 * the execution is staged; `nextEvent` makes events of causes as windows open, and one of the last three verbs ends it.
 */
export interface LocalWorkflowTask {
  readonly execution: ExecutionRef
  readonly workflowType: string
  readonly taskQueue: string
  readonly attempt: number
  /** The execution is being started: nothing is to be replayed, and its Started event comes first. */
  readonly isNew: boolean
  /** `ctx.now()` begins from it; ms since the epoch. */
  readonly beginTimeMs: number
  /** The worker's own: the sticky code of this execution, or undefined when it must be replayed first. */
  code: unknown
  /** Every event before this task, and those of this task up to now: for replay. Rejects when the shard closes. */
  readHistory(): Promise<readonly HistoryEvent[]>
  /** The next thing that happened, in recorded order; undefined: nothing waits. Only what code can see is returned. */
  nextEvent(): HistoryEvent | undefined
  /** As `nextEvent`, but nothing new is made an event: for code that has ended, and does not see it. */
  nextRecorded(): HistoryEvent | undefined
  /** Quiescent: the code waits or has ended. Returns the events that the commands became, in order (see `WorkflowCode.recorded`). */
  complete(commands: readonly Command[]): readonly HistoryEvent[]
  /** The code cannot go on (at `eventId`, where it is known): WorkflowTaskFailed is recorded, the execution is stalled and waits for changed code. */
  fail(cause: WorkflowTaskFailedCause, failure: Failure, hint: string, eventId?: number): void
  /** Nothing of this task is kept: its worker could not run it now (cache full, shutdown). It goes to the task queue again. */
  abandon(): void
  /** The code has something to tell though nothing happened: has another task made, also after this one has ended. */
  askForAnother(): void
  /** Calls `fn`, which must not throw, once what this task becomes is durable; never if it is lost. Before the task is ended. */
  whenDurable(fn: () => void): void
}

/** A worker of this process for workflow tasks. */
export interface LocalWorkflowWorker {
  /** Is this type's code here? Answered from memory, synchronously. */
  accepts(namespaceId: string, taskQueue: string, workflowType: string): boolean
  /** Changes when the code of the type does: a stalled execution is then tried again. */
  fingerprint(workflowType: string): string
  /** Something waits for the code: open a window soon. Called once when the task opens and again for each later cause. */
  wake(task: LocalWorkflowTask): void
  /** The execution left the cache, closed, or lost its shard: drop its code. Nothing more may be called on its task. */
  evicted(code: unknown): void
}

/** One attempt in a slot of a local activity worker. */
export interface LocalActivityTask extends ActivityTask {
  readonly execution: ExecutionRef
  /** Whose slot it has. */
  readonly taskQueue: string
  /** What the attempt before failed with. */
  readonly lastFailure: Failure | undefined
  /** Of an activity that runs in place (`step:`): the code of the execution in whose cache the closure is. */
  readonly code: unknown
}

/** How an attempt in this process ended. */
export type ActivityOutcome =
  | { readonly type: 'completed'; readonly result: Payloads | undefined }
  | {
      readonly type: 'failed'
      readonly failure: Failure
      /** Of a heartbeat that was not sent any more. */
      readonly heartbeatDetails?: Payloads | undefined
    }
  | { readonly type: 'canceled'; readonly details: Payloads | undefined }

/** A worker of this process for activities. */
export interface LocalActivityWorker {
  /** Takes a slot for this type, or says no (none free, or the type is not here). A slot that was taken is run or released. */
  reserve(namespaceId: string, taskQueue: string, activityType: string): boolean
  /** Gives back a slot that was reserved and not run. */
  release(namespaceId: string, taskQueue: string, activityType: string): void
  /** Runs it; called when the attempt is durable. `done` may be called later than the attempt's time-out: it is then ignored. */
  run(task: LocalActivityTask, done: (outcome: ActivityOutcome) => void): void
  /** Aborts the signal of that attempt. */
  cancel(token: ActivityTaskToken, reason: 'canceled' | 'timedOut' | 'closed' | 'ended'): void
}
