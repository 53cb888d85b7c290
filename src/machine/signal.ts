/** Signals: recorded as they come, seen by the code in that order, never lost. */
import type { EventAttributes, EventOf } from '../protocol/event.js'
import { record } from './buffer.js'
import { ExecutionClosedError, LimitExceededError } from './errors.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { requestIdBytes } from './weights.js'
import { scheduleWorkflowTask } from './workflow-task.js'

/** False: the signal with that request id is there already, and nothing was done. */
export function signalExecution(turn: Turn, signal: EventAttributes['WorkflowExecutionSignaled']): boolean {
  if (turn.state.closed !== undefined) throw new ExecutionClosedError()
  const { signalName, input, identity, requestId, header } = signal
  if (requestId !== '' && isKnown(turn.state, requestId)) return false
  requireRoom(turn)
  record(turn, 'WorkflowExecutionSignaled', { signalName, input, identity, requestId, header })
  scheduleWorkflowTask(turn)
  return true
}

/** Signals that are never read would fill the history: their sender is to know. */
function requireRoom({ state, rules }: Turn): void {
  const { maxSignalsPerExecution } = rules
  // Those that wait in the buffer are few, and counted when they get their ids.
  if (state.signalCount + bufferedSignals(state) < maxSignalsPerExecution) return
  throw new LimitExceededError(`the execution has taken ${maxSignalsPerExecution} signals, as many as a run may`)
}

function bufferedSignals({ buffered }: ExecutionState): number {
  if (buffered === undefined) return 0
  let count = 0
  for (const { eventType } of buffered) if (eventType === 'WorkflowExecutionSignaled') count++
  return count
}

function isKnown(state: ExecutionState, requestId: string): boolean {
  if (state.signalRequestIds?.has(requestId)) return true
  if (state.buffered === undefined) return false
  for (const { eventType, attributes } of state.buffered) {
    if (eventType === 'WorkflowExecutionSignaled' && attributes.requestId === requestId) return true
  }
  return false
}

export function applyExecutionSignaled(state: ExecutionState, event: EventOf<'WorkflowExecutionSignaled'>): void {
  const { requestId } = event.attributes
  state.signalCount++
  if (requestId === '') return
  state.pendingBytes += requestIdBytes(requestId)
  state.signalRequestIds ??= new Set()
  state.addTo(state.signalRequestIds, requestId)
}
