/**
 * The commands of one answer become events, in their order and one for each. The first bad one throws, and whoever
 * called takes all of them back.
 */
import { unreachable } from '../base/assert.js'
import { LoomError } from '../base/errors.js'
import type { Command, CommandType } from '../protocol/command.js'
import { cancelUnstartedActivity, requestCancelActivity, scheduleActivity } from './activity.js'
import { flushBuffer } from './buffer.js'
import { cancelExecution, completeExecution, continueExecution, failExecution } from './lifecycle.js'
import { recordMarker } from './marker.js'
import { modifyProperties, upsertSearchAttributes } from './properties.js'
import { cancelTimer, startTimer } from './timer.js'
import type { Turn } from './turn.js'
import { scheduleWorkflowTask } from './workflow-task.js'

const CLOSES: Readonly<Record<CommandType, boolean>> = {
  ScheduleActivityTask: false,
  RequestCancelActivityTask: false,
  StartTimer: false,
  CancelTimer: false,
  RecordMarker: false,
  UpsertWorkflowSearchAttributes: false,
  ModifyWorkflowProperties: false,
  CompleteWorkflowExecution: true,
  FailWorkflowExecution: true,
  CancelWorkflowExecution: true,
  ContinueAsNewWorkflowExecution: true,
}

/** An answer that makes no sense as a whole is refused (LOOM_INVALID_ARGUMENT): the worker, not the workflow, is wrong. */
export function checkCommands(commands: readonly Command[]): void {
  for (let at = 0; at < commands.length; at++) {
    const { type } = commands[at]!
    if (!Object.hasOwn(CLOSES, type)) throw new LoomError('LOOM_INVALID_ARGUMENT', `unknown command type: ${type}`)
    if (!CLOSES[type] || at === commands.length - 1) continue
    const types = commands.map((command) => command.type).join(', ')
    const message = `invalid command sequence: [${types}], command ${type} must be the last command.`
    throw new LoomError('LOOM_INVALID_ARGUMENT', message)
  }
}

/** `completedEventId` is that of the WorkflowTaskCompleted before them. Afterwards what was buffered gets its place. */
export function carryOutCommands(
  turn: Turn,
  commands: readonly Command[],
  completedEventId: number,
  identity: string,
): void {
  // They end behind everything else of this answer.
  let unstarted: number[] | undefined
  for (const command of commands) {
    switch (command.type) {
      case 'ScheduleActivityTask':
        scheduleActivity(turn, command, completedEventId)
        break
      case 'RequestCancelActivityTask':
        if (requestCancelActivity(turn, command, completedEventId)) (unstarted ??= []).push(command.scheduledEventId)
        break
      case 'StartTimer':
        startTimer(turn, command, completedEventId)
        break
      case 'CancelTimer':
        cancelTimer(turn, command, completedEventId, identity)
        break
      case 'RecordMarker':
        recordMarker(turn, command, completedEventId)
        break
      case 'UpsertWorkflowSearchAttributes':
        upsertSearchAttributes(turn, command, completedEventId)
        break
      case 'ModifyWorkflowProperties':
        modifyProperties(turn, command, completedEventId)
        break
      case 'CompleteWorkflowExecution':
        return completeExecution(turn, command, completedEventId)
      case 'FailWorkflowExecution':
        return failExecution(turn, command, completedEventId)
      case 'CancelWorkflowExecution':
        return cancelExecution(turn, command, completedEventId)
      case 'ContinueAsNewWorkflowExecution':
        return continueExecution(turn, command, completedEventId)
      default:
        return unreachable(command)
    }
  }
  const wasFlushed = flushBuffer(turn)
  if (unstarted !== undefined) for (const eventId of unstarted) cancelUnstartedActivity(turn, eventId, identity)
  if (wasFlushed || unstarted !== undefined) scheduleWorkflowTask(turn)
}
