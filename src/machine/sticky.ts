/**
 * Stickiness: a worker that has the code of an execution in memory asks that its next workflow tasks come to a task queue
 * of its own. It is a wish: nobody who takes the task in time there, and it goes to the normal queue.
 *
 * Invariant: it lives in memory alone; a task that was scheduled by it names its queue in history, and has a time-out row.
 */
import type { StickyAttributes } from '../protocol/worker-tasks.js'
import type { ExecutionState, WorkflowTaskInfo } from './state.js'
import type { Turn } from './turn.js'
import { scheduleWorkflowTask } from './workflow-task.js'

/** For a task whose sticky attributes were lost with the memory of its host. */
const DEFAULT_SCHEDULE_TO_START_MS = 5_000

/** `undefined` ends it. */
export function setSticky(turn: Turn, value: StickyAttributes | undefined): void {
  if (turn.state.sticky !== value) turn.change({ type: 'sticky', value })
}

/** When a task that waits at a sticky queue goes to the normal one; 0: it is not sticky, or no longer waits. */
export function stickyDueAtMs({ workflowTask, sticky }: ExecutionState): number {
  if (workflowTask === undefined || !isSticky(workflowTask)) return 0
  return workflowTask.scheduledAtMs + (sticky?.scheduleToStartTimeoutMs ?? DEFAULT_SCHEDULE_TO_START_MS)
}

export function isSticky(task: WorkflowTaskInfo): boolean {
  return task.normalTaskQueue !== undefined
}

/** Nobody took it at the sticky queue. False when somebody has, or it is not that task any more. */
export function timeoutStickyTask(turn: Turn, scheduledEventId: number): boolean {
  const { workflowTask, workflowTaskProgress, closed } = turn.state
  if (closed !== undefined || workflowTaskProgress !== undefined) return false
  if (workflowTask?.scheduledEventId !== scheduledEventId || !isSticky(workflowTask)) return false
  turn.append('WorkflowTaskTimedOut', { scheduledEventId, startedEventId: 0, timeoutType: 'ScheduleToStart' })
  setSticky(turn, undefined)
  scheduleWorkflowTask(turn)
  return true
}
