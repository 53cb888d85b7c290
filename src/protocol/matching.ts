/** Where tasks and workers meet: what history and matching know of each other. */
import type { ExecutionRef } from './ids.js'
import type { ActivityTask, PollRequest, WorkflowTask } from './worker-tasks.js'

/** A task queue has two sides: workers ask for one kind at a time. */
export type TaskQueueKind = 'workflow' | 'activity'

/** A task that waits for a worker: its row is durable. It may have become moot; whoever takes it looks. */
export interface BacklogEntry extends ExecutionRef {
  readonly kind: TaskQueueKind
  readonly taskQueue: string
  /** Workflow or activity type. */
  readonly taskType: string
  readonly hash: number
  readonly scheduledEventId: number
  readonly attempt: number
  readonly stamp: number
  /** Ascends: the order of the backlog. */
  readonly taskId: number
}

/** A poll that waits for a task. */
export interface WaitingPoll {
  readonly identity: string
  readonly requestId: string
  /** Its caller has left, or its time is up: a task given to it would be lost. */
  readonly isOver: boolean
  /** It does not end while a task for it is on its way to the medium. */
  hold(): void
  /** What was on its way has arrived, or will not come. */
  release(): void
  /** Ends the poll with a task that is durable. */
  answer(task: WorkflowTask | ActivityTask): void
}

/** Where tasks and workers meet: pollers that wait, and the backlog of tasks that nobody could take. */
export interface MatchingService {
  /** A poll that waits, for a task of the turn being made; undefined when none waits or older tasks do. Give it back if the turn fails. */
  takePoll(kind: TaskQueueKind, namespaceId: string, taskQueue: string): WaitingPoll | undefined
  /** The turn failed: the poll waits on, or is over. */
  returnPoll(kind: TaskQueueKind, namespaceId: string, taskQueue: string, poll: WaitingPoll): void
  /** Older tasks wait: a new one goes behind them. */
  hasBacklog(kind: TaskQueueKind, namespaceId: string, taskQueue: string): boolean
  /** Its row is durable. */
  add(entry: BacklogEntry): void
  /** A slot has become free. */
  slotFreed(kind: TaskQueueKind, namespaceId: string, taskQueue: string): void
  /** Does somebody poll it, or has until a moment ago? */
  isPolled(kind: TaskQueueKind, namespaceId: string, taskQueue: string): boolean
  /** Gives a poll to what is no task of a turn, now or when one comes; before any task. What it returns takes the offer back. */
  offer(kind: TaskQueueKind, namespaceId: string, taskQueue: string, give: (poll: WaitingPoll) => void): () => void
  /** Waits for a task; undefined when the time is up. LOOM_EXHAUSTED when too many wait already. */
  poll(kind: TaskQueueKind, request: PollRequest): Promise<WorkflowTask | ActivityTask | undefined>
}

/** What the owner of the executions does with a backlog entry when somebody can take it. */
export interface TaskStarter {
  /** Takes a slot of a local worker for it. */
  reserveLocal(entry: BacklogEntry): boolean
  /** Starts it in the slot that was reserved; gives the slot back when the entry is moot. */
  startLocal(entry: BacklogEntry): void
  /** Starts it for a poll; false when the entry is moot: the poll waits on. */
  startForPoll(entry: BacklogEntry, poll: WaitingPoll): Promise<boolean>
  /** Entries of one task queue from the rows, from this task id on. */
  readBacklog(
    kind: TaskQueueKind,
    namespaceId: string,
    taskQueue: string,
    fromTaskId: number,
    limit: number,
  ): Promise<readonly BacklogEntry[]>
}
