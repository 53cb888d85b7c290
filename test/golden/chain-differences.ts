/**
 * The recorded server lets no run of a chain begin its work within about a second of the run before; we do, on purpose. What
 * it would have recorded without that floor, by scenario and run.
 */
import type { Difference } from './differences.js'
import type { GoldenEvent, Scenario } from './scenario.js'

const WHY =
  'A chain does what its policy, schedule or code says; whoever continues as new in a circle is not slowed down.'

/** Seconds from the start of a run to its first task, where the floor changed them. */
const BACKOFFS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'continue-as-new': { run2: 0 },
  'continue-as-new-other-type': { run2: 0 },
  'continue-as-new-pending-activity': { run2: 0 },
  // The third run is counted from the start of the second, which the floor moved.
  'cron-continue-as-new': { run2: 0, run3: 2 },
  'sdk-continue-as-new-memo': { run2: 0 },
  'signal-old-run-after-continue-as-new': { run2: 0 },
  'workflow-retry-chain': { run2: 0.3, run3: 0.6 },
  'workflow-retry-exhausted': { run2: 0.1 },
  'workflow-retry-next-delay': { run2: 0.5 },
}

export const CHAIN_DIFFERENCES: readonly Difference[] = Object.entries(BACKOFFS).map(([scenario, backoffs]) => ({
  scenario,
  what: 'There is no floor of 1 s between the runs of a chain.',
  why: WHY,
  adjust: (recording) => withoutFloor(recording, backoffs),
}))

/** The recording as it would be without the floor, where there was one. */
export function withoutFloorOf(scenario: Scenario): Scenario {
  const backoffs = BACKOFFS[scenario.name]
  return backoffs === undefined ? scenario : withoutFloor(scenario, backoffs)
}

function withoutFloor(scenario: Scenario, backoffs: Readonly<Record<string, number>>): Scenario {
  const runs = scenario.runs.map((run) => {
    const backoff = backoffs[run.label]
    if (backoff === undefined) return run
    const events = run.events.map((event) => withBackoff(event, backoff))
    return { ...run, events: backoff === 0 ? withTaskAtOnce(events) : events }
  })
  return { ...scenario, runs }
}

function withBackoff(event: GoldenEvent, firstWorkflowTaskBackoff: number): GoldenEvent {
  if (event.eventType === 'WorkflowExecutionStarted') {
    const { firstWorkflowTaskBackoff: _, ...started } = event
    return { ...started, ...(firstWorkflowTaskBackoff > 0 && { firstWorkflowTaskBackoff }) }
  }
  const isDelayed = event.eventType === 'WorkflowTaskScheduled' && event['atMs'] !== undefined
  return isDelayed ? { ...event, atMs: firstWorkflowTaskBackoff * 1000 } : event
}

/** The first task is there before whatever came in the meantime. */
function withTaskAtOnce(events: readonly GoldenEvent[]): readonly GoldenEvent[] {
  const at = events.findIndex(({ eventType }) => eventType === 'WorkflowTaskScheduled')
  if (at < 2) return events
  const [started, ...between] = events.slice(0, at)
  const inOrder = [started!, events[at]!, ...between, ...events.slice(at + 1)]
  return inOrder.map((event, index) => ({ ...event, eventId: index + 1, ...renamed(event, at) }))
}

function renamed(event: GoldenEvent, at: number): { readonly scheduledEventId?: number } {
  return event['scheduledEventId'] === at + 1 ? { scheduledEventId: 2 } : {}
}
