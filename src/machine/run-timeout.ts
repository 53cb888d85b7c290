/**
 * The time-outs of a run and of its chain: one instant a run, the earlier of both. A run's counts from when it is to begin
 * its work; when the whole chain is over time nothing follows.
 */
import type { Failure } from '../protocol/failure.js'
import { clearProgress } from './lifecycle.js'
import { followRun } from './next-run.js'
import type { ExecutionState } from './state.js'
import type { Turn } from './turn.js'
import { forceCloseWorkflowTask } from './workflow-task.js'

const TIMED_OUT: Failure = { type: 'timeout', message: 'workflow timeout', timeoutType: 'StartToClose' }

/** ms since the epoch; 0: never. */
export function runExpiryMs(state: ExecutionState): number {
  const { eventTimeMs, attributes } = state.started!
  const { workflowRunTimeoutMs, workflowExecutionExpirationTimeMs, firstWorkflowTaskBackoffMs = 0 } = attributes
  const chainEndsMs = workflowExecutionExpirationTimeMs ?? 0
  if (workflowRunTimeoutMs === 0) return chainEndsMs
  const runEndsMs = eventTimeMs + firstWorkflowTaskBackoffMs + workflowRunTimeoutMs
  return chainEndsMs === 0 ? runEndsMs : Math.min(runEndsMs, chainEndsMs)
}

/** `dueAtMs`: when what this task was made for was due, or later. False when the run has ended, or is not over time yet. */
export function timeoutRun(turn: Turn, dueAtMs: number): boolean {
  const { state } = turn
  if (state.closed !== undefined) return false
  const expiresAtMs = runExpiryMs(state)
  if (expiresAtMs === 0 || expiresAtMs > dueAtMs) return false
  forceCloseWorkflowTask(turn, '')
  const isOfChain = expiresAtMs === state.started!.attributes.workflowExecutionExpirationTimeMs
  turn.append(
    'WorkflowExecutionTimedOut',
    isOfChain ? { retryState: 'Timeout' } : followRun(turn, { failure: TIMED_OUT, result: undefined }),
  )
  clearProgress(turn)
  return true
}
