/**
 * Heartbeats: a running attempt says that it is alive, and how far it has come. They are progress alone: history hears of
 * the last details only when a time-out ends the activity.
 */
import type { Payloads } from '../protocol/payload.js'
import { startedDue } from './activity-attempt.js'
import { type ActivityAttemptId, requireStarted } from './activity-end.js'
import type { Turn } from './turn.js'

/** `details` replace those of the heartbeat before, also when there are none, as in Temporal. True: it is asked to stop. */
export function recordHeartbeat(turn: Turn, id: ActivityAttemptId, details: Payloads | undefined): boolean {
  const progress = requireStarted(turn, id)
  const { scheduledEventId } = id
  const info = turn.state.activities!.get(scheduledEventId)!
  const { dueAtMs, dueType } = startedDue(info, progress.startedAtMs, turn.eventTimeMs)
  const value = { ...progress, heartbeatDetails: details, dueAtMs, dueType }
  turn.change({ type: 'activity', scheduledEventId, value })
  return progress.cancelRequested
}
