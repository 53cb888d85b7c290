/**
 * The ids of timers and activities in a history of another SDK. Here both are numbered in one row, in the order in which the
 * code asked for them; other SDKs number each kind for itself, or name them otherwise.
 */
import type { HistoryEvent } from '../protocol/event.js'

/** The same history with ids as our code would have given them. One that has such ids already comes back as it is. */
export function withOurNumbers(events: readonly HistoryEvent[]): HistoryEvent[] {
  if (isOurs(events)) return [...events]
  const numberOf = new Map<number, string>()
  return events.map((event) => {
    switch (event.eventType) {
      case 'ActivityTaskScheduled': {
        const activityId = String(numberOf.size + 1)
        numberOf.set(event.eventId, activityId)
        return { ...event, attributes: { ...event.attributes, activityId } }
      }
      case 'TimerStarted': {
        const timerId = String(numberOf.size + 1)
        numberOf.set(event.eventId, timerId)
        return { ...event, attributes: { ...event.attributes, timerId } }
      }
      case 'TimerFired':
      case 'TimerCanceled': {
        const { timerId, startedEventId } = event.attributes
        const attributes = { ...event.attributes, timerId: numberOf.get(startedEventId) ?? timerId }
        return { ...event, attributes } as HistoryEvent
      }
      default:
        return event
    }
  })
}

/** Do the numbers ascend? There may be gaps: what was called off in the task that began it left no event. */
function isOurs(events: readonly HistoryEvent[]): boolean {
  let last = 0
  for (const { eventType, attributes } of events) {
    if (eventType !== 'ActivityTaskScheduled' && eventType !== 'TimerStarted') continue
    const id = eventType === 'TimerStarted' ? attributes.timerId : attributes.activityId
    if (!(Number(id) > last)) return false
    last = Number(id)
  }
  return true
}
