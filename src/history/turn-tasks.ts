/** What the tasks of a turn mean for its staging: a workflow task to open, a run to begin in the same commit. */
import type { LiveTurn } from '../machine/machine.js'
import type { NewTask } from '../machine/transition.js'
import { namedBytes, payloadsBytes } from '../machine/weights.js'

/** Events that waited for the end of a held task are written with it, 2 MB of them at most; so is what the next run begins with. */
export function moreBytes({ changes, state, tasks }: LiveTurn): number {
  for (let at = 0; at < changes.length; at++) if (changes[at]!.type === 'flushBuffer') return Infinity
  const next = state.closed === undefined ? undefined : nextRunOf(tasks)
  if (next === undefined) return 0
  const { input, lastCompletionResult, memo, searchAttributes } = next.attributes
  return payloadsBytes(input) + payloadsBytes(lastCompletionResult) + namedBytes(memo) + namedBytes(searchAttributes)
}

export type NextRun = Extract<NewTask, { type: 'StartNextRun' }>

export function nextRunOf(tasks: readonly NewTask[]): NextRun | undefined {
  for (let at = 0; at < tasks.length; at++) {
    const task = tasks[at]!
    if (task.type === 'StartNextRun') return task
  }
  return undefined
}

export function hasWorkflowTask(tasks: readonly NewTask[]): boolean {
  for (let at = 0; at < tasks.length; at++) if (tasks[at]!.type === 'DispatchWorkflowTask') return true
  return false
}
