/**
 * What must be true of a store, given what was acknowledged by processes that are dead: told from acknowledgements,
 * ledger and histories alone.
 *
 * Invariant: what was true once stays true, so the model remembers every history it has seen.
 */
import { isDeepStrictEqual } from 'node:util'
import { ledgerProblem, type LedgerLine } from '../../examples/flights/ledger.js'
import { WORKER_LOST } from '../../src/protocol/failure.js'
import type { EventOf, EventType, HistoryEvent } from '../../src/protocol/event.js'
import { decodePayload } from '../../src/workflow/converter.js'
import type { Ack } from './acks.js'
import { expectedEnd, itemsOf } from './ends.js'
import { SCRIPTED } from './programs.js'
import { REMOTE_QUEUE } from './shape.js'
import type { Stored, StoredRun } from './stored.js'

export interface ModelCounts {
  readonly runs: number
  readonly events: number
  readonly acks: number
  readonly effects: number
  /** Attempts that were running when their process died. */
  readonly lostAttempts: number
}

export class Model {
  readonly #acks: Ack[] = []
  /** Of the last store that was read, by run id. */
  #seen = new Map<string, readonly HistoryEvent[]>()
  /** Runs that somebody wanted deleted. */
  readonly #doomed = new Set<string>()
  readonly #problems: string[] = []

  note(ack: Ack): void {
    this.#acks.push(ack)
    if (ack.ack === 'deleting') this.#doomed.add(ack.runId)
  }

  get ackCount(): number {
    return this.#acks.length
  }

  /** What is wrong; empty when nothing is. */
  check(stored: Stored, ledger: ReadonlyMap<string, readonly LedgerLine[]>): readonly string[] {
    this.#problems.length = 0
    this.#problems.push(...stored.problems)
    for (const ack of this.#acks) this.#checkAck(ack, stored)
    for (const [runId, events] of this.#seen) this.#checkGrown(runId, events, stored.runs.get(runId))
    for (const run of stored.runs.values()) this.#checkRun(run, ledger)
    for (const key of ledger.keys()) this.#checkKey(key, stored)
    this.#seen = new Map([...stored.runs].map(([runId, { events }]) => [runId, events]))
    return [...this.#problems]
  }

  /** Beside that, when everything was ended in peace: nothing is open, and no row waits. */
  checkDrained(stored: Stored): readonly string[] {
    const open = [...stored.runs.values()].filter(({ state }) => state.closed === undefined)
    const left = stored.taskRowCount === 0 ? [] : [`${stored.taskRowCount} rows wait, and nothing is open`]
    return [...open.map(({ workflowId, runId }) => `run ${runId} of ${workflowId} is open`), ...left]
  }

  counts(stored: Stored, ledger: ReadonlyMap<string, readonly LedgerLine[]>): ModelCounts {
    const runs = [...stored.runs.values()]
    const starts = runs.flatMap(({ events }) => ofType(events, 'ActivityTaskStarted'))
    return {
      runs: runs.length,
      events: runs.reduce((sum, { events }) => sum + events.length, 0),
      acks: this.#acks.length,
      effects: [...ledger.values()].reduce((sum, lines) => sum + lines.length, 0),
      lostAttempts: starts.filter(({ attributes }) => typeOf(attributes.lastFailure) === WORKER_LOST).length,
    }
  }

  #checkAck(ack: Ack, { runs }: Stored): void {
    if (ack.ack === 'open' || ack.ack === 'drained') return
    const run = runs.get(ack.runId)
    if (ack.ack === 'deleted' && run !== undefined) return this.#problem(`run ${ack.runId} was deleted, and is there`)
    if (run === undefined && this.#doomed.has(ack.runId)) return
    if (run === undefined) return this.#problem(`acknowledged as ${ack.ack}, and not there: run ${ack.runId}`)
    const { events, runId } = run
    switch (ack.ack) {
      case 'started':
        if (run.workflowId !== ack.workflowId)
          this.#problem(`run ${runId} is of ${run.workflowId}, not ${ack.workflowId}`)
        return
      case 'signaled': {
        const ids = itemsOf([...events, ...(run.state.buffered ?? [])]).map(({ id }) => id)
        if (ids.filter((id) => id === ack.id).length !== 1) this.#problem(`run ${runId} has signal ${ack.id} not once`)
        if (ack.after !== undefined && ids.indexOf(ack.after) >= ids.indexOf(ack.id))
          this.#problem(`run ${runId} has signal ${ack.id} before ${ack.after}`)
        return
      }
      case 'terminated':
        if (run.state.closed?.eventType !== 'WorkflowExecutionTerminated')
          this.#problem(`run ${runId} was terminated, and is ${run.state.status}`)
        return
      case 'deleting':
      case 'deleted':
        return
      case 'ended':
        this.#checkEnded(ack, run)
    }
  }

  #checkEnded({ status, value }: Ack & { ack: 'ended' }, { runId, state }: StoredRun): void {
    if (state.status !== status) return this.#problem(`run ${runId} was told as ${status}, and is ${state.status}`)
    const { closed } = state
    if (closed?.eventType !== 'WorkflowExecutionCompleted') return
    const result = closed.attributes.result?.[0]
    const recorded = result === undefined ? null : decodePayload(result, 'result')
    if (!isDeepStrictEqual(recorded, value))
      this.#problem(`run ${runId} was told to give ${JSON.stringify(value)}, and gives ${JSON.stringify(recorded)}`)
  }

  /** A history that was durable once is the beginning of what it is now. */
  #checkGrown(runId: string, before: readonly HistoryEvent[], now: StoredRun | undefined): void {
    if (now === undefined && this.#doomed.has(runId)) return
    if (now === undefined) return this.#problem(`run ${runId} is gone`)
    if (!isDeepStrictEqual(now.events.slice(0, before.length), before))
      this.#problem(`run ${runId}: its first ${before.length} events have changed`)
  }

  #checkRun(run: StoredRun, ledger: ReadonlyMap<string, readonly LedgerLine[]>): void {
    const { runId, events, state } = run
    const ids = itemsOf([...events, ...(state.buffered ?? [])]).map(({ id }) => id)
    if (new Set(ids).size < ids.length) this.#problem(`run ${runId} has a signal twice`)
    const isRemote = state.started?.attributes.taskQueue === REMOTE_QUEUE
    if (!isRemote)
      for (const { eventId } of [...ofType(events, 'WorkflowTaskFailed'), ...ofType(events, 'WorkflowTaskTimedOut')])
        this.#problem(`run ${runId}: its workflow task did not complete: event ${eventId}`)
    this.#checkAttempts(run, ledger)
    if (state.closed === undefined) return
    const problem = expectedEnd(run)
    if (problem !== '') this.#problem(`run ${runId} of ${run.workflowId} ended otherwise than it should: ${problem}`)
  }

  #checkAttempts({ runId, events, state }: StoredRun, ledger: ReadonlyMap<string, readonly LedgerLine[]>): void {
    const isRemote = state.started?.attributes.taskQueue === REMOTE_QUEUE
    const activityIds = new Map(
      ofType(events, 'ActivityTaskScheduled').map(({ eventId, attributes }) => [eventId, attributes.activityId]),
    )
    for (const { attributes } of ofType(events, 'ActivityTaskStarted')) {
      const { attempt, lastFailure, scheduledEventId } = attributes
      const key = `${runId}/${activityIds.get(scheduledEventId)}`
      const problem = ledgerProblem(ledger.get(key), attempt)
      if (problem !== '') this.#problem(`activity ${key} ${problem}`)
      const cause = typeOf(lastFailure)
      // Only time tells that a remote worker is lost.
      const lost = isRemote ? 'timeout' : WORKER_LOST
      if (attempt > 1 && cause !== SCRIPTED && cause !== lost)
        this.#problem(`activity ${key} was tried again because of ${cause}`)
    }
  }

  /** Nothing has effects before it is durable that it was scheduled. */
  #checkKey(key: string, { runs }: Stored): void {
    const [runId, activityId] = key.split('/') as [string, string]
    if (!runs.has(runId) && this.#doomed.has(runId)) return
    const scheduled = ofType(runs.get(runId)?.events ?? [], 'ActivityTaskScheduled')
    if (!scheduled.some(({ attributes }) => attributes.activityId === activityId))
      this.#problem(`the ledger has lines of ${key}, which was never scheduled`)
  }

  #problem(text: string): void {
    this.#problems.push(text)
  }
}

function ofType<T extends EventType>(events: readonly HistoryEvent[], type: T): EventOf<T>[] {
  return events.filter(({ eventType }) => eventType === type) as unknown as EventOf<T>[]
}

function typeOf(failure: { readonly type: string } | undefined): string {
  if (failure === undefined) return 'nothing'
  return 'applicationType' in failure ? String(failure.applicationType) : failure.type
}
