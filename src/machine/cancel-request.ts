/** Requests to cancel an execution: one is recorded, the code sees it and decides. */
import type { EventAttributes, EventOf } from '../protocol/event.js'
import { record } from './buffer.js'
import { NotFoundError } from './errors.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { endFirstTaskWait, scheduleWorkflowTask } from './workflow-task.js'

export interface CancelRequest {
  readonly reason: string
  readonly identity: string
  readonly requestId: string
  /** Only a run of the chain that began with this one. Undefined: of any. */
  readonly firstExecutionRunId: string | undefined
}

/** False: it was asked for already, or the execution has closed. Either is as good as asked for, and nothing was done. */
export function requestCancelExecution(turn: Turn, request: CancelRequest): boolean {
  const { state } = turn
  const { reason: cause, identity, requestId, firstExecutionRunId } = request
  if (firstExecutionRunId !== undefined && firstExecutionRunId !== state.started!.attributes.firstExecutionRunId) {
    throw new NotFoundError('workflow execution not found')
  }
  if (state.closed !== undefined || isCancelRequested(state)) return false
  const attributes: EventAttributes['WorkflowExecutionCancelRequested'] = { cause, identity, requestId }
  record(turn, 'WorkflowExecutionCancelRequested', attributes)
  // The wait before the first task holds up signals, but not this.
  if (!endFirstTaskWait(turn)) scheduleWorkflowTask(turn)
  return true
}

/** Has somebody asked, be it recorded or still buffered? */
function isCancelRequested({ cancelRequestedEventId, buffered }: ExecutionState): boolean {
  if (cancelRequestedEventId !== 0) return true
  return buffered?.some(({ eventType }) => eventType === 'WorkflowExecutionCancelRequested') === true
}

export function applyExecutionCancelRequested(
  state: ExecutionState,
  event: EventOf<'WorkflowExecutionCancelRequested'>,
): void {
  state.cancelRequestedEventId = event.eventId
}
