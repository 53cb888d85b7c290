/** The two parts of a state, comparable: an empty map is as good as none, and the order within a map does not matter. */
import type { ExecutionState } from '../../src/machine/state.js'

/** What history amounts to. */
export function recordedOf(state: ExecutionState): object {
  const { status, nextEventId, lastEventTimeMs, started, closed, workflowTask, previousStartedEventId } = state
  return {
    ...{ status, nextEventId, lastEventTimeMs, started, closed, workflowTask, previousStartedEventId },
    memo: state.memo,
    searchAttributes: state.searchAttributes,
    completedWorkflowTasks: state.completedWorkflowTasks,
    activities: state.activities ?? new Map(),
    activityIds: state.activityIds ?? new Map(),
    timers: state.timers ?? new Map(),
    signalRequestIds: state.signalRequestIds ?? new Set(),
    ...{ signalCount: state.signalCount, pendingBytes: state.pendingBytes },
  }
}

/** What history does not hold. */
export function progressOf(state: ExecutionState): object {
  const { activityProgress, workflowTaskProgress, buffered, stall, progressBytes, bufferedBytes } = state
  const rows = { activityProgress: activityProgress ?? new Map(), workflowTaskProgress, buffered, stall }
  return { ...rows, progressBytes, bufferedBytes }
}
