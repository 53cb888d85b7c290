/**
 * Checks what is in the store, once no worker lives: each flight against a plain computation, against what the runner was
 * told, and the ledger of effects against the histories.
 */
import type { HistoryEvent, Loom } from '../../src/index.js' // 'shardloom'
import type { Board } from './board.js'
import { delayClass, distanceClass, gateOf, reportOf, routeOf, type Flight, type Landing } from './data.js'
import { flightDefinitions } from './flights.js'
import { ledgerProblem, type LedgerLine } from './ledger.js'
import { workflowIdOf } from './store.js'

const ACTIVITIES_OF_A_FLIGHT = 5
const AT_ONCE = 64

export interface Verification {
  /** Empty: all is well. */
  readonly problems: readonly string[]
  readonly events: number
  readonly effects: number
  /** Attempts that did not come to their end, and were followed by another. */
  readonly cutShort: number
}

/** What a flight comes to, without a workflow. */
export function plainLanding(flight: Flight, gate: string): Landing {
  const landing = { route: routeOf(flight), distance: distanceClass(flight), delay: delayClass(flight), gate }
  return { ...landing, report: reportOf(landing) }
}

export async function verifyFlights(
  loom: Loom,
  flights: readonly Flight[],
  board: Board,
  ledger: ReadonlyMap<string, readonly LedgerLine[]>,
): Promise<Verification> {
  const verifier = new Verifier(loom, board, ledger)
  for (let first = 0; first < flights.length; first += AT_ONCE) {
    const some = flights.slice(first, first + AT_ONCE)
    await Promise.all(some.map((flight, at) => verifier.verify(first + at, flight)))
  }
  return verifier.finish()
}

class Verifier {
  readonly #loom: Loom
  readonly #board: Board
  readonly #ledger: ReadonlyMap<string, readonly LedgerLine[]>
  readonly #flight = flightDefinitions(() => Promise.reject(new Error('nothing is performed here'))).flight
  readonly #problems: string[] = []
  readonly #keys = new Set<string>()
  #events = 0
  #cutShort = 0

  constructor(loom: Loom, board: Board, ledger: ReadonlyMap<string, readonly LedgerLine[]>) {
    this.#loom = loom
    this.#board = board
    this.#ledger = ledger
  }

  async verify(index: number, flight: Flight): Promise<void> {
    const handle = this.#loom.handle(this.#flight, workflowIdOf(index))
    const { status, runId, historyLength } = await handle.describe()
    if (status !== 'Completed') return this.#problem(index, `it is ${status}`)
    if (runId !== this.#board.started.get(index))
      this.#problem(index, `run ${runId} is not the one that was acknowledged`)

    const wanted = JSON.stringify(ordered(plainLanding(flight, gateOf(index))))
    const landing = JSON.stringify(ordered(await handle.result()))
    if (landing !== wanted) this.#problem(index, `its result is ${landing}, not ${wanted}`)
    const told = this.#board.landed.get(index)
    if (told === undefined || JSON.stringify(ordered(told)) !== landing) this.#problem(index, 'another result was told')

    const events: HistoryEvent[] = []
    for await (const page of this.#loom.handle(workflowIdOf(index), runId).history().pages()) events.push(...page)
    if (events.length !== historyLength) this.#problem(index, `it has ${events.length} events, not ${historyLength}`)
    this.#verifyHistory(index, events)
    this.#verifyLedger(index, runId, events)
  }

  finish(): Verification {
    for (const key of this.#ledger.keys())
      if (!this.#keys.has(key)) this.#problems.push(`the ledger has lines of ${key}, and no history has`)
    for (const { shard, attemptCount, timerCount, backlogCount } of this.#loom.admin.shards.list())
      if (attemptCount + timerCount + backlogCount > 0)
        this.#problems.push(`something is left to be done in shard ${shard}`)
    let effects = 0
    for (const lines of this.#ledger.values()) effects += lines.length
    const problems = [...this.#problems, ...this.#board.contradictions]
    return { problems, events: this.#events, effects, cutShort: this.#cutShort }
  }

  /** Each thing once, and no gap. */
  #verifyHistory(index: number, events: readonly HistoryEvent[]): void {
    this.#events += events.length
    events.forEach(({ eventId }, at) => {
      if (eventId !== at + 1) this.#problem(index, `event ${eventId} stands at place ${at + 1}`)
    })
    const count = (type: HistoryEvent['eventType']): number => events.filter((one) => one.eventType === type).length
    const counts = [count('ActivityTaskCompleted'), count('TimerFired'), count('WorkflowExecutionSignaled')]
    if (counts.join() !== `${ACTIVITIES_OF_A_FLIGHT},1,1`)
      this.#problem(index, `activities, timers and signals: ${counts.join()}`)
  }

  #verifyLedger(index: number, runId: string, events: readonly HistoryEvent[]): void {
    const activityIds = new Map<number, string>()
    for (const event of events) {
      if (event.eventType === 'ActivityTaskScheduled') activityIds.set(event.eventId, event.attributes.activityId)
      if (event.eventType !== 'ActivityTaskStarted') continue
      const { scheduledEventId, attempt } = event.attributes
      const key = `${runId}/${activityIds.get(scheduledEventId)!}`
      const problem = ledgerProblem(this.#ledger.get(key), attempt)
      if (problem !== '') this.#problem(index, `activity ${key} ${problem}`)
      this.#keys.add(key)
      this.#cutShort += attempt - 1
    }
  }

  #problem(index: number, text: string): void {
    this.#problems.push(`flight ${index}: ${text}`)
  }
}

/** The same fields in the same order, so that two can be compared as text. */
function ordered({ route, distance, delay, gate, report }: Landing): Landing {
  return { route, distance, delay, gate, report }
}
