/**
 * Waiting for answers on a virtual clock, and reading a run back by the verbs that everybody has.
 */
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { HistoryPage } from '../../src/protocol/description.js'
import type { ExecutionTarget } from '../../src/protocol/ids.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { PlayedRun } from './normalise.js'

const HISTORY_PAGE = 200
/** A call that needs more than this is answered by nobody. */
const LONGEST_CALL_MS = 600_000

/** Memory answers without time passing; what waits for a timer gets its time. */
export async function answered<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = (): void => void (isSettled = true)
  promise.then(settle, settle)
  const untilMs = clock.nowMs() + LONGEST_CALL_MS
  await clock.settle()
  while (!isSettled) {
    const dueMs = clock.nextDueMs()
    if (dueMs === undefined || dueMs > untilMs)
      throw new Error('there is no answer, and nothing is due that would bring one')
    await clock.advanceTo(dueMs)
  }
  return promise
}

/** Lets everything happen that is due by then. */
export async function advanceThrough(clock: VirtualClock, untilMs: number): Promise<void> {
  await clock.settle()
  for (let dueMs = clock.nextDueMs(); dueMs !== undefined && dueMs <= untilMs; dueMs = clock.nextDueMs()) {
    await clock.advanceTo(dueMs)
  }
}

export async function readRun(
  clock: VirtualClock,
  history: HistoryService,
  target: ExecutionTarget & { readonly runId: string },
): Promise<PlayedRun> {
  const { status } = await answered(clock, history.describeWorkflow(target))
  const events: HistoryEvent[] = []
  for (let from: number | undefined = 1; from !== undefined;) {
    const page: HistoryPage = await answered(clock, history.getHistory(target, from, HISTORY_PAGE))
    events.push(...page.events)
    from = page.nextEventId
  }
  return { workflowId: target.workflowId, runId: target.runId, status, events }
}

/** Of the run that follows in its chain. */
export function nextRunOf({ events }: PlayedRun): string | undefined {
  const attributes = events.at(-1)?.attributes
  return attributes !== undefined && 'newExecutionRunId' in attributes ? attributes.newExecutionRunId : undefined
}
