/**
 * What a turn of an execution wants done, as plain data.
 *
 * The shard makes events and progress durable in one commit, and only then tells anyone: dispatches, arms timers,
 * answers callers. A machine performs nothing itself: it reads no clock, awaits nothing, and can be rebuilt.
 */
import type { Failure, TimeoutType } from '../protocol/failure.js'
import type { EventAttributes, HistoryEvent } from '../protocol/event.js'
import type { Payload, Payloads } from '../protocol/payload.js'
import type { StickyAttributes } from '../protocol/worker-tasks.js'

/**
 * An activity as far as history does not hold it. None is kept for an activity whose first attempt is only scheduled:
 * `undefined` says just that.
 */
export interface ActivityProgress {
  readonly phase: 'scheduled' | 'backoff' | 'started'
  /** From 1. */
  readonly attempt: number
  /** Raised by whatever makes an older worker's answer void. */
  readonly stamp: number
  /** When this attempt was scheduled (became takeable, or will); ms. */
  readonly scheduledAtMs: number
  /** 0 unless started. */
  readonly startedAtMs: number
  readonly identity: string
  readonly requestId: string
  /** Of the host whose in-process worker runs it; '' for a remote worker: then only time-outs end a lost attempt. */
  readonly incarnation: string
  /** Of the attempt before. */
  readonly lastFailure: Failure | undefined
  readonly heartbeatDetails: Payloads | undefined
  /** Earliest time-out of the current phase (start-to-close, schedule-to-start, schedule-to-close), or the end of the back-off. 0: none. */
  readonly dueAtMs: number
  readonly dueType: TimeoutType | 'Retry' | undefined
  readonly cancelRequested: boolean
}

/** The workflow task as far as history does not hold it: its attempts, and a start by a remote worker. */
export interface WorkflowTaskProgress {
  /** From 1; above 1 the task is transient: neither Scheduled nor Started is in history until it completes. */
  readonly attempt: number
  /** The id that Scheduled has, or would have had when the task was scheduled (transient). */
  readonly scheduledEventId: number
  readonly scheduledAtMs: number
  /** 0 unless a worker holds it. */
  readonly startedEventId: number
  readonly startedAtMs: number
  readonly identity: string
  readonly requestId: string
  readonly stamp: number
  /** Start-to-close time-out when started; end of the wait when it is not to be taken yet (`isBackingOff`); a stalled one waits so. 0: none. */
  readonly dueAtMs: number
  readonly isBackingOff: boolean
}

/** Why the code of an execution cannot go on until it is changed. Kept so that a restart still shows it. */
export interface Stall {
  readonly eventId: number
  readonly reason: 'WorkflowWorkerUnhandledFailure' | 'NonDeterministicError' | 'BadCommand'
  readonly message: string
  readonly hint: string
  /** Of the definition that stalled. */
  readonly fingerprint: string
  readonly sinceMs: number
  readonly retryAtMs: number
  /** Of what the code threw; absent or '': it threw nothing, or is not known. */
  readonly stackTrace?: string
  /** Of that failure, where its message and stack trace are encoded. */
  readonly encodedAttributes?: Payload
}

/** The only ways in which `progress` changes: plain data, stored as it is. */
export type ProgressChange =
  | { readonly type: 'activity'; readonly scheduledEventId: number; readonly value: ActivityProgress | undefined }
  | { readonly type: 'workflowTask'; readonly value: WorkflowTaskProgress | undefined }
  | { readonly type: 'stall'; readonly value: Stall | undefined }
  /** In memory alone. */
  | { readonly type: 'sticky'; readonly value: StickyAttributes | undefined }
  | { readonly type: 'buffer'; readonly event: HistoryEvent }
  /** The buffer is empty: its events got their ids, or their execution has closed. */
  | { readonly type: 'flushBuffer' }

/** Work that follows from a turn, done from memory once it is durable. Rows for it are derived from the state by history/. */
export type NewTask =
  /** A workflow task can be taken. A local worker takes it at once and keeps the turn open. */
  | { readonly type: 'DispatchWorkflowTask'; readonly scheduledEventId: number }
  /** An attempt of an activity can be taken. */
  | { readonly type: 'DispatchActivityTask'; readonly scheduledEventId: number; readonly attempt: number }
  /** An attempt that an in-process worker runs should be told to stop. */
  | {
      readonly type: 'CancelActivityTask'
      readonly scheduledEventId: number
      readonly attempt: number
      /** 'ended': it was answered by its id. */
      readonly reason: 'canceled' | 'timedOut' | 'closed' | 'ended'
    }
  /** The run has closed and another follows, in the same commit. Whoever starts it says which run was before. */
  | {
      readonly type: 'StartNextRun'
      readonly runId: string
      readonly attributes: EventAttributes['WorkflowExecutionStarted']
    }
