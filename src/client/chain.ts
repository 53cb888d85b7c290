/** Following an execution from one run of its chain to the next. */
import { isLoomError } from '../base/errors.js'
import { nextRunIdOf } from '../machine/next-run.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { QueryWorkflowRequest, QueryWorkflowResponse } from '../protocol/query.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { HistoryService } from '../protocol/services.js'

/** The end of the chain, from the end of one of its runs; waits for it. */
export async function chainEnd(
  service: HistoryService,
  target: ExecutionTarget,
  closed: HistoryEvent,
): Promise<{ readonly event: HistoryEvent; readonly run: ExecutionTarget }> {
  let event = closed
  let run = target
  for (let runId = nextRunIdOf(event); runId !== undefined; runId = nextRunIdOf(event)) {
    run = { ...target, runId }
    event = await service.waitClosed(run)
  }
  return { event, run }
}

/** Acts on the run of the chain that is open. Rejects with LOOM_EXECUTION_CLOSED when its last one has closed. */
export async function onOpenRun(
  service: HistoryService,
  target: ExecutionTarget,
  act: (run: ExecutionTarget) => Promise<void>,
): Promise<ExecutionTarget> {
  for (let run = target; ;) {
    try {
      await act(run)
      return run
    } catch (error) {
      if (run.runId === undefined || !isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
      const runId = nextRunIdOf(await service.waitClosed(run))
      if (runId === undefined) throw error
      run = { ...run, runId }
    }
  }
}

/** As `onOpenRun` for a request that a closed run passes over without an error: then the next one is asked. */
export async function askOpenRun(
  service: HistoryService,
  target: ExecutionTarget,
  ask: (run: ExecutionTarget) => Promise<void>,
): Promise<ExecutionTarget> {
  for (let run = target; ;) {
    await ask(run)
    const isOpen = run.runId === undefined || (await service.describeWorkflow(run)).status === 'Running'
    const runId = isOpen ? undefined : nextRunIdOf(await service.waitClosed(run))
    if (runId === undefined) return run
    run = { ...run, runId }
  }
}

/** Asks the run of the chain that is open, or its last one. */
export async function askLastRun(
  service: HistoryService,
  request: QueryWorkflowRequest,
): Promise<QueryWorkflowResponse> {
  for (let asked = request; ;) {
    const answer = await service.queryWorkflow({ ...asked, queryRejectCondition: 'NotOpen' })
    if (answer.queryRejected === undefined) return answer
    const { namespaceId, workflowId, runId } = asked
    const nextRun = runId && nextRunIdOf(await service.waitClosed({ namespaceId, workflowId, runId }))
    if (!nextRun) return await service.queryWorkflow(asked)
    asked = { ...asked, runId: nextRun }
  }
}
