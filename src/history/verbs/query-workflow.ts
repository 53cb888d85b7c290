/**
 * Queries: how the code of an execution stands. Answered by the code of a worker, open or closed, in memory or replayed;
 * nothing is written.
 *
 * Invariant: the answer is drawn from everything that happened before the query came, and told when that is durable.
 */
import { LoomError } from '../../base/errors.js'
import type { WorkflowStatus } from '../../protocol/event.js'
import type {
  QueryRejectCondition,
  QueryWorkflowRequest,
  QueryWorkflowResponse,
  RespondQueryTaskCompletedRequest,
} from '../../protocol/query.js'
import type { HistoryContext } from '../context.js'
import { checkPayloads } from '../limits.js'
import { find } from './find.js'

export async function queryWorkflow(
  context: HistoryContext,
  request: QueryWorkflowRequest,
): Promise<QueryWorkflowResponse> {
  const { queryType, queryArgs, queryRejectCondition = 'None', workflowId } = request
  checkPayloads(queryArgs, context.settings, 'queryArgs')
  if (queryType === '') throw new LoomError('LOOM_INVALID_ARGUMENT', 'QueryType is not set on request.')
  const execution = await find(context, request)
  // Waits for the end of a task that is open: its code is in the middle of something.
  const { status, stall } = await execution.transact(({ state }) => ({ status: state.status, stall: state.stall }))
  if (isRejected(status, queryRejectCondition)) return { result: undefined, queryRejected: { status } }
  if (stall !== undefined && status === 'Running')
    throw new LoomError('LOOM_STALLED', `${workflowId} cannot be queried, its code is stalled: ${stall.message}`)
  const { taskQueue, workflowType } = execution.state.started!.attributes
  if (!context.acceptsType(execution.namespaceId, taskQueue, workflowType)) {
    const result = await context.remoteQueries.ask(execution, { queryType, queryArgs })
    return { result, queryRejected: undefined }
  }
  const { code } = execution
  const readHistory = () => context.host.readDurable(execution)
  const query = { execution, workflowType, code, queryType, queryArgs, readHistory }
  const result = await context.queries.query(query)
  if (code !== undefined && execution.goneBy === undefined) await execution.settled()
  return { result, queryRejected: undefined }
}

export function respondQueryTaskCompleted(
  context: HistoryContext,
  request: RespondQueryTaskCompletedRequest,
): Promise<void> {
  checkPayloads(request.answer, context.settings, 'answer')
  context.remoteQueries.respond(request.token.queryId, request)
  return Promise.resolve()
}

function isRejected(status: WorkflowStatus, condition: QueryRejectCondition): boolean {
  if (condition === 'None' || status === 'Running') return false
  return condition === 'NotOpen' || status !== 'Completed'
}
