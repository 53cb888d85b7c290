/**
 * What happens while a worker holds a workflow task: history stands still from Started to the answer, so that the
 * worker's commands follow what it has seen. Such events wait in progress, without ids, and are flushed when the task ends.
 *
 * Invariant: there is a buffer only while a task is held, or within the turn that ends it.
 */
import type { EventAttributes, EventOf, EventType, HistoryEvent } from '../protocol/event.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'

type ActivityEnd = EventOf<
  'ActivityTaskCompleted' | 'ActivityTaskFailed' | 'ActivityTaskTimedOut' | 'ActivityTaskCanceled'
> &
  HistoryEvent

/** Does a worker hold a workflow task? A local one never does: its task is started and completed in one turn. */
export function isWorkflowTaskHeld(state: ExecutionState): boolean {
  return state.workflowTaskProgress !== undefined && state.workflowTaskProgress.startedEventId !== 0
}

/** Has more come in than a worker that holds a task may hold up? */
export function isBufferFull({ state, rules }: Turn): boolean {
  const { buffered, bufferedBytes } = state
  if (buffered === undefined) return false
  // All of them are written with the answer, in one commit.
  return buffered.length >= rules.maxBufferedEvents || bufferedBytes >= rules.maxBufferedBytes
}

/** Records what came from outside, not from a command. Returns its event id; 0 when it has to wait for one. */
export function record<T extends EventType>(
  turn: Turn,
  eventType: T,
  attributes: EventAttributes[T],
  happenedAtMs?: number,
): number {
  if (!isWorkflowTaskHeld(turn.state)) return turn.append(eventType, attributes, happenedAtMs)
  turn.buffer(eventType, attributes, happenedAtMs)
  return 0
}

/** Gives what was buffered its place: in order of arrival, but what ends activities comes last. Was there anything? */
export function flushBuffer(turn: Turn): boolean {
  const { buffered } = turn.state
  if (buffered === undefined) return false
  turn.change({ type: 'flushBuffer' })
  /** By the activity's scheduled event id. */
  const startedEventIds = new Map<number, number>()
  for (const event of buffered) {
    if (isActivityEnd(event)) continue
    const eventId = turn.appendBuffered(event)
    if (event.eventType === 'ActivityTaskStarted') startedEventIds.set(event.attributes.scheduledEventId, eventId)
  }
  for (const event of buffered) {
    if (!isActivityEnd(event)) continue
    // One that was never started has none.
    const startedEventId = startedEventIds.get(event.attributes.scheduledEventId) ?? 0
    turn.appendBuffered({ ...event, attributes: { ...event.attributes, startedEventId } } as HistoryEvent)
  }
  return true
}

/** Has this activity (by its scheduled event id) or timer (by its started event id) ended, though history does not say so yet? */
export function isEndBuffered(state: ExecutionState, eventId: number): boolean {
  if (state.buffered === undefined) return false
  for (const event of state.buffered) {
    if (isActivityEnd(event) && event.attributes.scheduledEventId === eventId) return true
    if (event.eventType === 'TimerFired' && event.attributes.startedEventId === eventId) return true
  }
  return false
}

/** The firing of that timer that waits; there cannot be two, since starting it again takes an answer. */
export function findBufferedFiring(state: ExecutionState, timerId: string): EventOf<'TimerFired'> | undefined {
  return state.buffered?.find((event) => event.eventType === 'TimerFired' && event.attributes.timerId === timerId) as
    EventOf<'TimerFired'> | undefined
}

/** Takes one event out of the buffer, as if it had not happened. */
export function dropBuffered(turn: Turn, dropped: HistoryEvent): void {
  const { buffered } = turn.state
  turn.change({ type: 'flushBuffer' })
  for (const event of buffered!) if (event !== dropped) turn.change({ type: 'buffer', event })
}

function isActivityEnd(event: HistoryEvent): event is ActivityEnd {
  switch (event.eventType) {
    case 'ActivityTaskCompleted':
    case 'ActivityTaskFailed':
    case 'ActivityTaskTimedOut':
    case 'ActivityTaskCanceled':
      return true
    default:
      return false
  }
}
