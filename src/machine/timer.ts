/** User timers: started and canceled by commands, fired when they are due. */
import { FewMap } from '../base/few-map.js'
import { MAX_DURATION_MS } from '../base/duration.js'
import type { CancelTimerCommand, StartTimerCommand } from '../protocol/command.js'
import type { EventOf, WorkflowTaskFailedCause } from '../protocol/event.js'
import { dropBuffered, findBufferedFiring, isEndBuffered, record } from './buffer.js'
import { BadCommandError } from './errors.js'
import type { ExecutionState, TimerInfo } from './state.js'
import type { Turn } from './turn.js'
import { pendingTimerBytes } from './weights.js'
import { scheduleWorkflowTask } from './workflow-task.js'

/** The very timer that a due task was made for. */
export type TimerDue = Pick<TimerInfo, 'timerId' | 'startedEventId'>

/** 0 ms is legal: it fires as soon as it is seen to be due. */
export function startTimer(turn: Turn, command: StartTimerCommand, workflowTaskCompletedEventId: number): void {
  const { timerId, startToFireTimeoutMs } = command
  if (timerId === '') throw badStart(command, 'BadStartTimerAttributes', 'TimerId is not set on StartTimerCommand.')
  // Written so that NaN is refused too.
  if (!(startToFireTimeoutMs >= 0 && startToFireTimeoutMs <= MAX_DURATION_MS)) {
    const why = startToFireTimeoutMs < 0 ? 'negative duration' : `not between 0 and ${MAX_DURATION_MS} ms`
    const detail = `An invalid StartToFireTimeout is set on StartTimerCommand: ${why}. TimerId=${timerId}`
    throw badStart(command, 'BadStartTimerAttributes', detail)
  }
  if (findRunning(turn.state, timerId) !== undefined) {
    const detail = `invalid history builder state for action: add-timer-started-event, TimerID: ${timerId}`
    throw badStart(command, 'StartTimerDuplicateId', detail)
  }
  const wholeMs = Math.ceil(startToFireTimeoutMs)
  turn.append('TimerStarted', { timerId, startToFireTimeoutMs: wholeMs, workflowTaskCompletedEventId })
}

function badStart(command: StartTimerCommand, cause: WorkflowTaskFailedCause, detail: string): BadCommandError {
  return new BadCommandError(command, cause, detail)
}

/** A firing that the code has not seen is taken back. */
export function cancelTimer(
  turn: Turn,
  command: CancelTimerCommand,
  workflowTaskCompletedEventId: number,
  identity: string,
): void {
  const { timerId } = command
  let startedEventId = findRunning(turn.state, timerId)?.startedEventId
  if (startedEventId === undefined) {
    const fired = findBufferedFiring(turn.state, timerId)
    if (fired === undefined) {
      const detail = `invalid history builder state for action: add-timer-canceled-event, TimerID: ${timerId}`
      throw new BadCommandError(command, 'BadCancelTimerAttributes', detail)
    }
    dropBuffered(turn, fired)
    startedEventId = fired.attributes.startedEventId
  }
  turn.append('TimerCanceled', { timerId, startedEventId, workflowTaskCompletedEventId, identity })
}

/** False when that timer is not running any more, and nothing was done. */
export function fireTimer(turn: Turn, due: TimerDue): boolean {
  if (!recordFiring(turn, due)) return false
  scheduleWorkflowTask(turn)
  return true
}

/** Those that are due at one instant, in the order of their start: the code sees them in one task. Returns how many fired. */
export function fireTimers(turn: Turn, due: Iterable<TimerDue>): number {
  let count = 0
  for (const timer of due) if (recordFiring(turn, timer)) count++
  if (count > 0) scheduleWorkflowTask(turn)
  return count
}

/**
 * A task may run twice, or be under way when its timer is canceled, and a `timerId` may be used again: a due task does
 * something only while the very timer it was made for is still running.
 */
function recordFiring(turn: Turn, { timerId, startedEventId }: TimerDue): boolean {
  const { state } = turn
  if (state.closed !== undefined || findRunning(state, timerId)?.startedEventId !== startedEventId) return false
  record(turn, 'TimerFired', { timerId, startedEventId })
  return true
}

function findRunning(state: ExecutionState, timerId: string): TimerInfo | undefined {
  const timer = state.timers?.get(timerId)
  return timer === undefined || isEndBuffered(state, timer.startedEventId) ? undefined : timer
}

export function applyTimerStarted(state: ExecutionState, event: EventOf<'TimerStarted'>): void {
  const { timerId, startToFireTimeoutMs } = event.attributes
  const fireAtMs = event.eventTimeMs + startToFireTimeoutMs
  state.timers ??= new FewMap()
  // The id may have been taken again while the firing of the one before is buffered: it is held once.
  if (state.timers.get(timerId) === undefined) state.pendingBytes += pendingTimerBytes(timerId)
  state.put(state.timers, timerId, { timerId, startedEventId: event.eventId, fireAtMs })
}

/** A firing may be flushed after its id was taken again: it ends only its own timer. */
export function applyTimerEnded(state: ExecutionState, event: EventOf<'TimerFired'> | EventOf<'TimerCanceled'>): void {
  const { timerId, startedEventId } = event.attributes
  if (state.timers?.get(timerId)?.startedEventId !== startedEventId) return
  state.pendingBytes -= pendingTimerBytes(timerId)
  state.remove(state.timers, timerId)
}
