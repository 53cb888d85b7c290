/** A client asks an execution to cancel itself. */
import { isLoomError } from '../../base/errors.js'
import { requestCancelExecution } from '../../machine/cancel-request.js'
import type { RequestCancelWorkflowRequest } from '../../protocol/execution-requests.js'
import type { HistoryContext } from '../context.js'
import { checkText } from '../limits.js'
import { find } from './find.js'

export async function requestCancelWorkflow(
  context: HistoryContext,
  request: RequestCancelWorkflowRequest,
): Promise<void> {
  const { reason, identity, requestId, firstExecutionRunId } = request
  const bytes = checkText(reason, context.settings, 'reason')
  const execution = await find(context, request)
  const asked = { reason, identity, requestId, firstExecutionRunId }
  try {
    await execution.cause((turn) => requestCancelExecution(turn, asked), bytes)
  } catch (error) {
    // It closed in the very task that was to see the request: what was wanted has come.
    if (!isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
  }
}
