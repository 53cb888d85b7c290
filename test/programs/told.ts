/**
 * Histories as texts that are equal when the histories are: without what chance drew, and without the attempts that no event
 * but the last tells of.
 */
import { WORKER_LOST, type TimeoutFailureInfo } from '../../src/protocol/failure.js'
import type { EventType, HistoryEvent } from '../../src/protocol/event.js'
import type { Payload } from '../../src/protocol/payload.js'
import { HERE } from './interpreter.js'

/** Sizes count the bytes of attempts, and polls have ids of chance. */
const HIDDEN: Partial<Record<EventType, string>> = {
  WorkflowTaskStarted: 'historySizeBytes',
  ActivityTaskStarted: 'requestId',
}
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
const FRACTION = /0\.\d{3,}(e-\d+)?|\d(\.\d+)?e-\d+/g

/** Names what chance drew by the order in which it shows up. */
export class Names {
  readonly #known = new Map<string, string>()

  put(text: string): string {
    return text.replace(UUID, (uuid) => this.#nameOf(uuid)).replace(FRACTION, '0.…')
  }

  #nameOf(uuid: string): string {
    let name = this.#known.get(uuid)
    if (name === undefined) this.#known.set(uuid, (name = `uuid-${this.#known.size + 1}`))
    return name
  }
}

/** A line for each event of one run. */
export function linesOf(history: readonly HistoryEvent[], names: Names): string[] {
  return new HistoryText(history).lines.map((line) => names.put(line))
}

/**
 * Attempts of the host itself are not in it: one that is lost is tried again, and one that is called off either stops, or is
 * lost with its host, or was just lost and never taken again. That it ended is told at the end, since the code that called it
 * off does not look at it. So events are numbered without these.
 */
class HistoryText {
  readonly #history: readonly HistoryEvent[]
  /** By event id. */
  readonly #numbers: readonly (number | '-')[]

  constructor(history: readonly HistoryEvent[]) {
    this.#history = history
    let count = 0
    this.#numbers = [0, ...history.map((event) => (this.#isOfAttempt(event) ? '-' : ++count))]
  }

  get lines(): string[] {
    const stopped = this.#history.filter((event) => this.#isStopped(event)).map((event) => this.#stopped(event))
    const lines = this.#history.filter((event) => !this.#isOfAttempt(event)).map((event) => this.#line(event))
    return [...lines, ...stopped.sort()]
  }

  #line({ eventId, eventType, eventTimeMs, attributes }: HistoryEvent): string {
    const hidden = HIDDEN[eventType]
    const isAfar = eventType === 'ActivityTaskTimedOut' && !this.#isHere(attributes.scheduledEventId)
    const text = JSON.stringify(attributes, (key, value: unknown) => {
      if (key === hidden || key === 'stackTrace') return undefined
      if (key.endsWith('EventId')) return this.#numbers[value as number]
      // What the attempt before failed with: of a host's own that it was lost, or not.
      if (isTimeout(value) && !isAfar) return { ...value, cause: undefined }
      return isPayload(value) ? `${value.metadata['encoding']}: ${Buffer.from(value.data).toString()}` : value
    })
    return `${this.#numbers[eventId]} +${eventTimeMs - this.#history[0]!.eventTimeMs} ${eventType} ${text}`
  }

  #stopped({ eventTimeMs, attributes }: HistoryEvent): string {
    const { scheduledEventId } = attributes as { readonly scheduledEventId: number }
    return `+${eventTimeMs - this.#history[0]!.eventTimeMs} stopped ${this.#numbers[scheduledEventId]}`
  }

  #isOfAttempt(event: HistoryEvent): boolean {
    const { eventType, attributes } = event
    return (eventType === 'ActivityTaskStarted' && this.#isHere(attributes.scheduledEventId)) || this.#isStopped(event)
  }

  #isStopped({ eventType, attributes }: HistoryEvent): boolean {
    if (eventType !== 'ActivityTaskCanceled' && eventType !== 'ActivityTaskFailed') return false
    if (!this.#isHere(attributes.scheduledEventId)) return false
    if (eventType === 'ActivityTaskCanceled') return true
    const { retryState, failure } = attributes
    return (
      retryState === 'CancelRequested' && failure?.type === 'application' && failure.applicationType === WORKER_LOST
    )
  }

  #isHere(scheduledEventId: number): boolean {
    const scheduled = this.#history[scheduledEventId - 1]!
    return scheduled.eventType === 'ActivityTaskScheduled' && scheduled.attributes.taskQueue === HERE
  }
}

function isPayload(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null && 'metadata' in value && 'data' in value
}

function isTimeout(value: unknown): value is TimeoutFailureInfo {
  return typeof value === 'object' && value !== null && (value as Partial<TimeoutFailureInfo>).type === 'timeout'
}
