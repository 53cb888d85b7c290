/**
 * Activities as the workflow's commands and its history know them: scheduled, asked to stop, ended. Their attempts are
 * in activity-attempt.ts, and history hears of one only with the end.
 */
import { FewMap } from '../base/few-map.js'
import type { RequestCancelActivityTaskCommand, ScheduleActivityTaskCommand } from '../protocol/command.js'
import type { EventOf } from '../protocol/event.js'
import { JSON_PLAIN, type Payloads } from '../protocol/payload.js'
import { scheduledAttributes } from './activity-options.js'
import { isEndBuffered } from './buffer.js'
import { BadCommandError } from './errors.js'
import type { ActivityInfo, ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { pendingActivityBytes } from './weights.js'

/** The details of an activity that was canceled before anybody had taken it. */
const NOT_STARTED: Payloads = [
  { metadata: JSON_PLAIN, data: new TextEncoder().encode(JSON.stringify('ACTIVITY_ID_NOT_STARTED')) },
]

export function scheduleActivity(
  turn: Turn,
  command: ScheduleActivityTaskCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { state } = turn
  const attributes = scheduledAttributes(command, state.started!.attributes, workflowTaskCompletedEventId)
  const { activityId } = attributes
  const namesake = state.activityIds?.get(activityId)
  if (namesake !== undefined && !hasEnded(state, namesake)) {
    const detail = `invalid history builder state for action: add-activitytask-scheduled-event, ActivityID: ${activityId}`
    throw new BadCommandError(command, 'ScheduleActivityDuplicateId', detail)
  }
  const count = state.activities?.size ?? 0
  const { maxPendingActivities } = turn.rules
  if (count >= maxPendingActivities) {
    const detail = `the number of pending activities, ${count}, has reached the per-workflow limit of ${maxPendingActivities}`
    throw new BadCommandError(command, 'PendingActivitiesLimitExceeded', detail)
  }
  const scheduledEventId = turn.append('ActivityTaskScheduled', attributes)
  turn.addTask({ type: 'DispatchActivityTask', scheduledEventId, attempt: 1 })
}

/** True: nobody has taken it, so it is to be canceled at the end of this answer (`cancelUnstartedActivity`). */
export function requestCancelActivity(
  turn: Turn,
  command: RequestCancelActivityTaskCommand,
  workflowTaskCompletedEventId: number,
): boolean {
  const { state } = turn
  const { scheduledEventId } = command
  if (state.activities?.get(scheduledEventId)?.cancelRequestedEventId !== 0) {
    const detail = `invalid history builder state for action: add-activitytask-cancel-requested-event, ScheduledEventID: ${scheduledEventId}`
    throw new BadCommandError(command, 'BadRequestCancelActivityAttributes', detail)
  }
  turn.append('ActivityTaskCancelRequested', { scheduledEventId, workflowTaskCompletedEventId })
  // The code cannot know yet: its wish is recorded, and the end stays what it is.
  if (isEndBuffered(state, scheduledEventId)) return false
  const progress = state.activityProgress?.get(scheduledEventId)
  if (progress?.phase !== 'started') return true
  turn.change({ type: 'activity', scheduledEventId, value: { ...progress, cancelRequested: true } })
  if (progress.incarnation !== '') {
    turn.addTask({ type: 'CancelActivityTask', scheduledEventId, attempt: progress.attempt, reason: 'canceled' })
  }
  return false
}

/** There is nobody to be told, and earlier attempts are forgotten. */
export function cancelUnstartedActivity(turn: Turn, scheduledEventId: number, identity: string): void {
  const { cancelRequestedEventId } = turn.state.activities!.get(scheduledEventId)!
  if (turn.state.activityProgress?.has(scheduledEventId)) {
    turn.change({ type: 'activity', scheduledEventId, value: undefined })
  }
  turn.append('ActivityTaskCanceled', {
    details: NOT_STARTED,
    latestCancelRequestedEventId: cancelRequestedEventId,
    scheduledEventId,
    startedEventId: 0,
    identity,
  })
}

/** One that can still be taken, answered or time out. */
export function findOpenActivity(state: ExecutionState, scheduledEventId: number): ActivityInfo | undefined {
  if (state.closed !== undefined || isEndBuffered(state, scheduledEventId)) return undefined
  return state.activities?.get(scheduledEventId)
}

/** History has not said so yet, but nothing more can happen to it. */
function hasEnded(state: ExecutionState, scheduledEventId: number): boolean {
  if (isEndBuffered(state, scheduledEventId)) return true
  // Asked to stop by an earlier command of this very answer, while nobody had taken it.
  const { cancelRequestedEventId } = state.activities!.get(scheduledEventId)!
  return cancelRequestedEventId !== 0 && state.activityProgress?.get(scheduledEventId)?.phase !== 'started'
}

export function applyActivityTaskScheduled(state: ExecutionState, event: EventOf<'ActivityTaskScheduled'>): void {
  const { eventId, eventTimeMs, attributes } = event
  state.activities ??= new FewMap()
  state.activityIds ??= new FewMap()
  const info = { scheduledEventId: eventId, scheduledAtMs: eventTimeMs, cancelRequestedEventId: 0, attributes }
  state.pendingBytes += pendingActivityBytes(attributes)
  state.put(state.activities, eventId, info)
  state.put(state.activityIds, attributes.activityId, eventId)
}

export function applyActivityTaskCancelRequested(
  state: ExecutionState,
  event: EventOf<'ActivityTaskCancelRequested'>,
): void {
  const { scheduledEventId, scheduledAtMs, attributes } = state.activities!.get(event.attributes.scheduledEventId)!
  const info = { scheduledEventId, scheduledAtMs, cancelRequestedEventId: event.eventId, attributes }
  state.put(state.activities!, scheduledEventId, info)
}

export function applyActivityTaskEnded(state: ExecutionState, scheduledEventId: number): void {
  const { attributes } = state.activities!.get(scheduledEventId)!
  const { activityId } = attributes
  state.pendingBytes -= pendingActivityBytes(attributes)
  state.remove(state.activities, scheduledEventId)
  // The id may have been taken again while the end was buffered.
  if (state.activityIds!.get(activityId) === scheduledEventId) state.remove(state.activityIds, activityId)
}
