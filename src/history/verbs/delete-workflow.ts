/** A run is taken away, with all of its rows. One that is open is terminated first. */
import { isLoomError } from '../../base/errors.js'
import { terminateExecution } from '../../machine/lifecycle.js'
import type { DeleteWorkflowRequest } from '../../protocol/execution-requests.js'
import type { HistoryContext } from '../context.js'
import { find } from './find.js'

/** What Temporal writes into the history that is deleted next; whoever waits for the result reads it. */
const REASON = 'Delete workflow execution'

export async function deleteWorkflow(context: HistoryContext, request: DeleteWorkflowRequest): Promise<void> {
  const { identity, runId } = request
  let execution = await find(context, request)
  while (execution.isOpen) {
    const open = execution
    try {
      await open.transact((turn) => {
        terminateExecution(turn, { reason: REASON, details: undefined, identity })
        open.isDoomed = true
      })
    } catch (error) {
      if (!isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
      // Perhaps another run has followed it.
      if (runId === undefined) execution = await find(context, request)
    }
  }
  await execution.settled()
  const { hash, retentionKey } = execution
  await context.deletions.delete({ ref: execution, hash, retentionKey, rowIds: undefined })
}
