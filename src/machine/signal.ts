/** Signals: recorded as they come, seen by the code in that order, never lost. */
import type { EventAttributes, EventOf } from '../protocol/event.js'
import { record } from './buffer.js'
import { ExecutionClosedError } from './errors.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { scheduleWorkflowTask } from './workflow-task.js'

/** False: the signal with that request id is there already, and nothing was done. */
export function signalExecution(turn: Turn, signal: EventAttributes['WorkflowExecutionSignaled']): boolean {
  if (turn.state.closed !== undefined) throw new ExecutionClosedError()
  const { signalName, input, identity, requestId } = signal
  if (requestId !== '' && isKnown(turn.state, requestId)) return false
  record(turn, 'WorkflowExecutionSignaled', { signalName, input, identity, requestId })
  scheduleWorkflowTask(turn)
  return true
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
  if (requestId === '') return
  state.signalRequestIds ??= new Set()
  state.addTo(state.signalRequestIds, requestId)
}
