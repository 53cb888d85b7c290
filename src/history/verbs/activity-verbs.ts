/** What is said of a running attempt, beside its end. */
import { recordHeartbeat } from '../../machine/activity-heartbeat.js'
import type { HeartbeatResponse, RecordActivityTaskHeartbeatRequest } from '../../protocol/services.js'
import type { HistoryContext } from '../context.js'
import { checkPayloads } from '../limits.js'
import { find } from './find.js'

export async function recordActivityTaskHeartbeat(
  context: HistoryContext,
  { token, details }: RecordActivityTaskHeartbeatRequest,
): Promise<HeartbeatResponse> {
  const bytes = checkPayloads(details, context.settings, 'details')
  const execution = await find(context, token)
  return { cancelRequested: await execution.transact((turn) => recordHeartbeat(turn, token, details), bytes) }
}
