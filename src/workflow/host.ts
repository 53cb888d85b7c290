/**
 * Who drives the code of an execution: the contract between a run and its worker.
 *
 * The worker wakes the run when something waits for it. The run then asks for one cause a window, in recorded order,
 * until the answer is undefined, or the code has ended or cannot go on; one `quiescent` follows at once, and the task
 * ends there. If none was open the worker does nothing. Waking a run that is not at rest changes nothing. After a
 * closing command, a problem or `close` the run calls nobody again.
 *
 * All of these are called with no window open, from within the train: so none may run code of the application or
 * settle its promises. That is what `train.later` and `train.afterRound` are for.
 */
import type { LoomError } from '../base/errors.js'
import type { Command } from '../protocol/command.js'
import type { HistoryEvent, WorkflowTaskFailedCause } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'

/** Why the code cannot go on. It is no failure of the execution: that waits for changed code. */
export interface Problem {
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure
  /** What to do about it, as a sentence. */
  readonly hint: string
  /** Of the recorded event that the code does not match. */
  readonly eventId?: number | undefined
  /** Its history cannot be decoded, or its commands not be encoded, as things are: there is nothing wrong with the code. */
  readonly unreadable?: LoomError | undefined
  /** The two sides, where they differ. */
  readonly difference?: { readonly recorded: string; readonly asked: string } | undefined
}

/** What a task came to. */
export interface Quiescence {
  /** The closing one is the last. Empty when there is a problem. */
  readonly commands: readonly Command[]
  /** Set when the code cannot go on: it gets no window again, and may be closed. */
  readonly problem?: Problem | undefined
}

/** One line of `ctx.log`. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: object
  readonly message: string
}

export interface RunHost {
  /** When the open task began, ms since the epoch: what `ctx.now()` counts from. Read with a task's first cause. */
  readonly beginTimeMs: number
  /** The next cause, WorkflowExecutionStarted first; undefined when nothing waits or the task has had its share. */
  nextEvent(): HistoryEvent | undefined
  /** As `nextEvent`, but only what is recorded already: asked when the code has ended, and sees nothing more. */
  nextRecorded(): HistoryEvent | undefined
  /**
   * The code waits, has ended, or cannot go on. What the commands become is given to `recorded`: from in here, or
   * later, but before the run is woken again.
   */
  quiescent(outcome: Quiescence): void
  /**
   * Something that is not the run's called ctx while no task was open. The next task ends with this problem: have one
   * made, and keep the run until then. Called behind the last slot, so that it may be logged.
   */
  strayed(problem: Problem): void
  /** Not called while replaying. Write it when the task is durable. */
  log(line: LogLine): void
}
