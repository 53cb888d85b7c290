/** What history and a worker of the same process know each other by: no polls, no tokens, no copies. */
import type { Command } from './command.js'
import type { HistoryEvent, WorkflowTaskFailedCause } from './event.js'
import type { Failure } from './failure.js'
import type { ActivityTaskToken, ExecutionRef } from './ids.js'
import type { Header, Payloads } from './payload.js'
import type { LocalQuery } from './query.js'
import type { ActivityTask } from './worker-tasks.js'

/**
 * One workflow task in the hands of a local worker, open from its first cause to quiescence. While it is open nothing of
 * the execution is staged; `nextEvent` makes events of causes as windows open, and one of the last three verbs ends it.
 */
export interface LocalWorkflowTask {
  readonly execution: ExecutionRef
  readonly workflowType: string
  readonly taskQueue: string
  readonly attempt: number
  /** Of the start. */
  readonly header: Header | undefined
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
  /** Answers from the code in memory, or from code that is replayed for it. */
  query(query: LocalQuery): Promise<Payloads | undefined>
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
