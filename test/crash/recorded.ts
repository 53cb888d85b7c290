/** The two parts of a state, comparable: an empty map is as good as none, and the order within a map does not matter. */
import type { ExecutionState } from '../../src/machine/state.js'

/** What history amounts to. */
export function recordedOf(state: ExecutionState): object {
  const { status, nextEventId, lastEventTimeMs, started, closed, workflowTask, previousStartedEventId } = state
  return {
    ...{ status, nextEventId, lastEventTimeMs, started, closed, workflowTask, previousStartedEventId },
    memo: state.memo,
    completedWorkflowTasks: state.completedWorkflowTasks,
    activities: state.activities ?? new Map(),
    activityIds: state.activityIds ?? new Map(),
    timers: state.timers ?? new Map(),
    signalRequestIds: state.signalRequestIds ?? new Set(),
  }
}

/** What history does not hold. */
export function progressOf({ activityProgress, workflowTaskProgress, buffered, stall }: ExecutionState): object {
  return { activityProgress: activityProgress ?? new Map(), workflowTaskProgress, buffered, stall }
}
