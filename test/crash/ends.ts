/** How an execution of the load has to end, worked out from what its history says came in. No workflow code runs here. */
import type { HistoryEvent } from '../../src/protocol/event.js'
import { decodePayload } from '../../src/workflow/converter.js'
import { DELETED, TERMINATED_BY_LOAD } from './acks.js'
import type { Item, PipelineInput } from './programs.js'
import type { StoredRun } from './stored.js'

const TERMINATIONS: readonly string[] = [TERMINATED_BY_LOAD, 'TerminateIfRunning WorkflowIdReusePolicy', DELETED]

/** The signals among events, in order. */
export function itemsOf(events: readonly HistoryEvent[]): readonly Item[] {
  const items: Item[] = []
  for (const event of events)
    if (event.eventType === 'WorkflowExecutionSignaled')
      items.push(decodePayload(event.attributes.input![0]!, 'signal') as Item)
  return items
}

/** What is wrong with how a closed run ended; '' when nothing is. */
export function expectedEnd({ state, events }: StoredRun): string {
  const { closed } = state
  if (closed?.eventType === 'WorkflowExecutionTerminated')
    return TERMINATIONS.includes(closed.attributes.reason) ? '' : `terminated: ${closed.attributes.reason}`
  if (closed?.eventType !== 'WorkflowExecutionCompleted') return `${closed?.eventType}`
  const result = closed.attributes.result?.[0]
  const found = JSON.stringify(result === undefined ? null : decodePayload(result, 'result'))
  const wanted = JSON.stringify(wantedResult(events))
  return found === wanted ? '' : `its result is ${found}, not ${wanted}`
}

function wantedResult(events: readonly HistoryEvent[]): unknown {
  const [started] = events
  if (started?.eventType !== 'WorkflowExecutionStarted') return 'no beginning'
  const { workflowType, input } = started.attributes
  switch (workflowType) {
    case 'pipeline':
    case 'fanOut': {
      const { values } = decodePayload(input![0]!, 'input') as PipelineInput
      const sum = values.reduce((a, b) => a + b, 0)
      return workflowType === 'pipeline' ? 2 * sum : 3 * sum
    }
    case 'collector': {
      const items = itemsOf(events)
      return items.slice(0, 1 + items.findIndex(({ isLast }) => isLast)).map(({ id }) => id)
    }
    case 'errand':
      return seenAtTheEnd(events)
    case 'hasty': {
      const first = events.find(
        ({ eventType }) => eventType === 'WorkflowExecutionSignaled' || eventType === 'TimerFired',
      )
      return first?.eventType === 'TimerFired' ? 'late' : itemsOf(events)[0]?.id
    }
    default:
      return 'it never ends by itself'
  }
}

/** The signals that stand before the last workflow task was taken. */
function seenAtTheEnd(events: readonly HistoryEvent[]): readonly string[] {
  const { attributes } = events.at(-1)!
  const completed = 'workflowTaskCompletedEventId' in attributes && events[attributes.workflowTaskCompletedEventId - 1]
  if (!completed || completed.eventType !== 'WorkflowTaskCompleted') return []
  return itemsOf(events.slice(0, completed.attributes.startedEventId)).map(({ id }) => id)
}
