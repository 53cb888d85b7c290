/**
 * Workflow tasks of in-process workers: never held, but started and completed in the turn that ends them. Until then what
 * happens is recorded as it comes, behind Scheduled.
 *
 * When the code cannot go on, one WorkflowTaskFailed is recorded and the execution is stalled: a transient task that waits,
 * whatever else happens, until it is retried. Further failures of it leave no events; the try that succeeds does.
 */
import { assert } from '../base/assert.js'
import type { Command } from '../protocol/command.js'
import type { WorkflowTaskFailedCause } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import { isWorkflowTaskHeld } from './buffer.js'
import { carryOutCommands, checkCommands } from './commands.js'
import type { Stall } from './transition.js'
import type { Turn } from './turn.js'
import { endBackoff, transientAttempt } from './workflow-task.js'
import { appendScheduled, isSeriesOver } from './workflow-task-start.js'

interface LocalWorkflowTaskRun {
  /** When the first window of the task opened. */
  readonly beginTimeMs: number
  readonly identity: string
  readonly historySizeBytes: number
}

export interface LocalWorkflowTaskAnswer extends LocalWorkflowTaskRun {
  readonly sdk: string
  readonly commands: readonly Command[]
}

export interface LocalWorkflowTaskFailure extends LocalWorkflowTaskRun {
  readonly cause: WorkflowTaskFailedCause
  readonly failure: Failure | undefined
  readonly stall: Stall
}

/**
 * Returns where in `turn.events` the first command's event is; the others follow, one for each command. A bad command
 * throws, and nothing of the answer is left in the turn: the caller then fails the task.
 */
export function completeLocalWorkflowTask(turn: Turn, answer: LocalWorkflowTaskAnswer): number {
  const { commands, identity, sdk } = answer
  checkCommands(commands)
  const { state } = turn
  const firstEventId = state.nextEventId
  const mark = turn.mark()
  try {
    appendStart(turn, answer)
    const { scheduledEventId, startedEventId } = state.workflowTask!
    const completedEventId = turn.append('WorkflowTaskCompleted', { scheduledEventId, startedEventId, identity, sdk })
    if (state.stall !== undefined) turn.change({ type: 'stall', value: undefined })
    if (state.sticky !== undefined) turn.change({ type: 'sticky', value: undefined })
    carryOutCommands(turn, commands, completedEventId, identity)
    turn.keep()
    return mark.eventCount + completedEventId - firstEventId + 1
  } catch (error) {
    turn.rollBack(mark)
    throw error
  }
}

/** The code cannot go on: no task is made for it, whatever happens, until `retryStalledWorkflowTask`. */
export function failLocalWorkflowTask(turn: Turn, failed: LocalWorkflowTaskFailure): void {
  const { state } = turn
  const { cause, failure, identity, stall } = failed
  const transient = state.workflowTaskProgress
  let attempt = 1
  if (transient === undefined || (state.stall === undefined && isSeriesOver(state, transient))) {
    appendStart(turn, failed)
    const { scheduledEventId, startedEventId } = state.workflowTask!
    turn.append('WorkflowTaskFailed', { scheduledEventId, startedEventId, cause, failure, identity })
  } else attempt = transient.attempt
  turn.change({ type: 'stall', value: stall })
  const value = transientAttempt(state.nextEventId, attempt + 1, turn.eventTimeMs, stall.retryAtMs, true)
  turn.change({ type: 'workflowTask', value })
}

/** Gives the code another try. The stall stands until that succeeds. False when there is none, or it is being tried. */
export function retryStalledWorkflowTask(turn: Turn): boolean {
  const { stall, workflowTaskProgress } = turn.state
  if (stall === undefined || workflowTaskProgress === undefined || !workflowTaskProgress.isBackingOff) return false
  endBackoff(turn, workflowTaskProgress)
  return true
}

/** Writes down Started, and Scheduled if the task was transient so far. */
function appendStart(turn: Turn, { beginTimeMs, identity, historySizeBytes }: LocalWorkflowTaskRun): void {
  const { state } = turn
  assert(!isWorkflowTaskHeld(state), "a held workflow task is not the local worker's to end")
  const transient = state.workflowTaskProgress
  if (transient !== undefined) {
    appendScheduled(turn, transient, isSeriesOver(state, transient) ? 1 : transient.attempt)
    turn.change({ type: 'workflowTask', value: undefined })
  }
  assert(state.workflowTask !== undefined && state.closed === undefined, 'no workflow task is pending')
  const { scheduledEventId } = state.workflowTask
  turn.append('WorkflowTaskStarted', { scheduledEventId, identity, requestId: '', beginTimeMs, historySizeBytes })
}
