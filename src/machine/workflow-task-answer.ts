/**
 * A worker that holds a workflow task answers it.
 *
 * Invariant: the answer is carried out whole, or not at all. When one command is bad the task has failed instead, as if
 * the worker had said so.
 */
import type { LoomError } from '../base/errors.js'
import type { Command } from '../protocol/command.js'
import type { Failure } from '../protocol/failure.js'
import type { RespondWorkflowTaskCompletedRequest } from '../protocol/worker-tasks.js'
import { carryOutCommands, checkCommands } from './commands.js'
import { BadCommandError, OversizedCommandError } from './errors.js'
import { HISTORY_SERVICE, terminateExecution } from './lifecycle.js'
import type { WorkflowTaskProgress } from './transition.js'
import type { Turn } from './turn.js'
import {
  endAttempt,
  failHeldWorkflowTask,
  requireHeld,
  scheduleWorkflowTask,
  type WorkflowTaskId,
} from './workflow-task.js'
import { setSticky } from './sticky.js'
import { appendScheduled, startedAttributes } from './workflow-task-start.js'

export interface WorkflowTaskAnswer extends Pick<
  RespondWorkflowTaskCompletedRequest,
  'commands' | 'identity' | 'sdk' | 'forceCreateNewWorkflowTask' | 'stickyAttributes'
> {
  readonly token: WorkflowTaskId
  /** Of the history that the worker was given. */
  readonly historySizeBytes: number
  /** One command brings more than one may, or all of them together do: the execution ends by it. */
  readonly tooBig?: LoomError | undefined
}

/** Returns why the task has failed, for the worker to know; undefined: it is completed. Either is to be committed. */
export function completeWorkflowTask(turn: Turn, answer: WorkflowTaskAnswer): LoomError | undefined {
  const held = requireHeld(turn.state, answer.token)
  checkCommands(answer.commands)
  const mark = turn.mark()
  try {
    carryOutAnswer(turn, held, answer)
  } catch (error) {
    turn.rollBack(mark)
    if (error === answer.tooBig) return endByAnswer(turn, held, answer.identity, error as LoomError)
    if (!(error instanceof BadCommandError)) throw error
    const failure: Failure = { type: 'none', message: error.message }
    endAttempt(turn, held, { cause: error.failedCause, failure, identity: answer.identity })
    return error
  }
  turn.keep()
  return undefined
}

function carryOutAnswer(turn: Turn, held: WorkflowTaskProgress, answer: WorkflowTaskAnswer): void {
  const { identity, sdk } = answer
  const { scheduledEventId, startedEventId } = held
  if (held.attempt > 1) {
    appendScheduled(turn, held, held.attempt)
    turn.append('WorkflowTaskStarted', startedAttributes(held, answer.historySizeBytes), held.startedAtMs)
  }
  turn.change({ type: 'workflowTask', value: undefined })
  // Before the commands: a task that they schedule is for that worker.
  setSticky(turn, answer.stickyAttributes)
  const completedEventId = turn.append('WorkflowTaskCompleted', { scheduledEventId, startedEventId, identity, sdk })
  carryOutCommands(turn, commandsUpTo(answer), completedEventId, identity)
  if (answer.tooBig !== undefined) throw answer.tooBig
  if (answer.forceCreateNewWorkflowTask && turn.state.closed === undefined) scheduleWorkflowTask(turn)
}

/** One before that is bad goes first, and so does what is wrong with the one that is too big itself. */
function commandsUpTo({ commands, tooBig }: WorkflowTaskAnswer): readonly Command[] {
  if (tooBig === undefined) return commands
  return tooBig instanceof OversizedCommandError ? commands.slice(0, tooBig.at + 1) : []
}

/** As in Temporal: the task fails with the cause of the command, and the execution is terminated for it. */
function endByAnswer(turn: Turn, held: WorkflowTaskProgress, identity: string, tooBig: LoomError): LoomError {
  // A later attempt is left to its time-out.
  if (held.attempt > 1) throw tooBig
  if (tooBig instanceof OversizedCommandError) {
    const { failedCause: cause, message } = tooBig
    failHeldWorkflowTask(turn, held, { cause, failure: { type: 'none', message }, identity })
  }
  terminateExecution(turn, { reason: tooBig.message, details: undefined, identity: HISTORY_SERVICE })
  return tooBig
}
