/** Signal: recorded once however often it is sent, and seen by the code in the order in which it came. */
import { LoomError } from '../../base/errors.js'
import { signalExecution } from '../../machine/signal.js'
import type { EventAttributes } from '../../protocol/event.js'
import { headerBytes } from '../../protocol/payload.js'
import type { SignalWorkflowRequest } from '../../protocol/execution-requests.js'
import type { HistoryContext } from '../context.js'
import type { Execution } from '../execution.js'
import { checkPayloads } from '../limits.js'
import { onCurrentRun } from './find.js'

export async function signalWorkflow(context: HistoryContext, request: SignalWorkflowRequest): Promise<void> {
  const { signalName, input, header, identity, requestId } = request
  const bytes = checkPayloads(input, context.settings, 'input') + headerBytes(header)
  const signal = { signalName, input, identity, requestId, header }
  await onCurrentRun(context, request, (execution) => signalRun(context, execution, signal, bytes))
}

/** `bytes`: what it weighs. Rejects with LOOM_EXHAUSTED when so many wait for this run that it would not come to them soon. */
export async function signalRun(
  { settings }: HistoryContext,
  execution: Execution,
  signal: EventAttributes['WorkflowExecutionSignaled'],
  bytes: number,
): Promise<void> {
  if (execution.waitingCauseCount >= settings.maxWaitingSignals) {
    const message = `${execution.workflowId}: ${settings.maxWaitingSignals} signals and more wait already`
    throw new LoomError('LOOM_EXHAUSTED', message)
  }
  await execution.cause((turn) => signalExecution(turn, signal), bytes)
}
