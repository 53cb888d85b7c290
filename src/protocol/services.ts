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
import type { HistoryPage, WorkflowDescription } from './description.js'
import type { HistoryEvent } from './event.js'
import type {
  DeleteWorkflowRequest,
  RequestCancelWorkflowRequest,
  SignalWorkflowRequest,
  TerminateWorkflowRequest,
} from './execution-requests.js'
import type { ExecutionTarget } from './ids.js'
import type { QueryWorkflowRequest, QueryWorkflowResponse, RespondQueryTaskCompletedRequest } from './query.js'
import type { SignalWithStartWorkflowRequest, StartWorkflowRequest, StartWorkflowResponse } from './start-requests.js'
import type {
  ActivityTask,
  PollRequest,
  RespondWorkflowTaskCompletedRequest,
  RespondWorkflowTaskFailedRequest,
  WorkflowTask,
} from './worker-tasks.js'

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
  /**
   * Takes one run away, with all that is stored of it; one that is open is terminated first. When it resolves nobody finds the
   * run any more, and its id is free. Other runs of the id stay.
   */
  deleteWorkflow(request: DeleteWorkflowRequest): Promise<void>
  /**
   * Asks the code of an execution, open or closed, and writes nothing. LOOM_INVALID_ARGUMENT when the code has no such query
   * or its handler throws, LOOM_STALLED when the code cannot go on, LOOM_UNAVAILABLE when no
   * worker has the code, LOOM_DEADLINE when one that polls did not answer in time (`queryTimeoutMs`).
   */
  queryWorkflow(request: QueryWorkflowRequest): Promise<QueryWorkflowResponse>
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
  /** Answers a query that came to a poll by itself. LOOM_NOT_FOUND when nobody waits for it any more. */
  respondQueryTaskCompleted(request: RespondQueryTaskCompletedRequest): Promise<void>
  /** The next workflow tasks are anybody's: the worker that had the code in memory has it no more. */
  resetStickyTaskQueue(target: ExecutionTarget): Promise<void>
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
