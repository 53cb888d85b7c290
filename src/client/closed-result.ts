/** From the closing event of a run to what `result()` gives or throws. */
import { LoomError } from '../base/errors.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type { Workflow } from '../workflow/definition.js'
import { errorOf } from '../workflow/failure-codec.js'
import { ApplicationFailure, TerminatedFailure, TimeoutFailure } from '../workflow/failures.js'
import { decodeParsed } from '../workflow/schema.js'
import { WorkflowFailedError } from './errors.js'

export function closedResult(
  event: HistoryEvent,
  { workflowId, runId = '' }: ExecutionTarget,
  definition: Workflow | undefined,
  converter: DataConverter,
): unknown {
  const run = { workflowId, runId }
  switch (event.eventType) {
    case 'WorkflowExecutionCompleted':
      return decodeParsed(definition?.output, event.attributes.result, `result of workflow ${workflowId}`, converter)
    case 'WorkflowExecutionFailed':
      throw new WorkflowFailedError(run, 'Failed', errorOf(event.attributes.failure, converter))
    case 'WorkflowExecutionCanceled': {
      const { details } = event.attributes
      const failure = { type: 'canceled', message: 'cancelled', ...(details !== undefined && { details }) } as const
      throw new WorkflowFailedError(run, 'Canceled', errorOf(failure, converter))
    }
    case 'WorkflowExecutionTimedOut':
      throw new WorkflowFailedError(run, 'TimedOut', new TimeoutFailure('workflow timeout', 'StartToClose'))
    case 'WorkflowExecutionContinuedAsNew':
      throw new WorkflowFailedError(run, 'ContinuedAsNew', new ApplicationFailure('the run was continued as a new one'))
    case 'WorkflowExecutionTerminated':
      throw new WorkflowFailedError(run, 'Terminated', new TerminatedFailure(event.attributes.reason || 'terminated'))
    default:
      throw new LoomError('LOOM_CORRUPT', `workflow ${workflowId}: ${event.eventType} is no closing event`)
  }
}
