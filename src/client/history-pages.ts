/** The history of one execution, read page by page as it is asked for. */
import { historyJson, type HistoryJson } from '../check/history-json.js'
import { LoomError } from '../base/errors.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionTarget } from '../protocol/ids.js'
import type { HistoryService } from '../protocol/services.js'
import { checkNames } from './known-names.js'

/** Which part of a history, and in what pieces. */
export interface HistoryOptions {
  /** Default 1: from the beginning. */
  readonly fromEventId?: number | undefined
  /** Events read at a time. Default, and at most, the setting `maxHistoryPageEvents` (1,000). */
  readonly pageEvents?: number | undefined
}

/** Events of one execution in order, those that were durable when their page was read. Each loop reads anew. */
export interface WorkflowHistory extends AsyncIterable<HistoryEvent> {
  /** The same events, page by page. */
  pages(): AsyncIterable<readonly HistoryEvent[]>
  /** All of them as JSON can carry them: to be saved, and checked against changed code by `checkReplay`. */
  toJson(): Promise<HistoryJson>
}

export class EventPages implements WorkflowHistory {
  readonly #service: HistoryService
  readonly #target: ExecutionTarget
  readonly #fromEventId: number
  readonly #pageEvents: number

  constructor(service: HistoryService, target: ExecutionTarget, options: HistoryOptions) {
    checkNames(options, ['fromEventId', 'pageEvents'] satisfies (keyof HistoryOptions)[], 'options')
    const { fromEventId = 1, pageEvents = 1000 } = options
    this.#service = service
    this.#target = target
    this.#fromEventId = positive(fromEventId, 'options.fromEventId')
    this.#pageEvents = positive(pageEvents, 'options.pageEvents')
  }

  async *pages(): AsyncGenerator<readonly HistoryEvent[], void, undefined> {
    let target = this.#target
    // A page must not come from another run than the one before.
    if (target.runId === undefined) {
      const { runId } = await this.#service.describeWorkflow(target)
      target = { ...target, runId }
    }
    for (let next: number | undefined = this.#fromEventId; next !== undefined;) {
      const { events, nextEventId } = await this.#service.getHistory(target, next, this.#pageEvents)
      yield events
      next = nextEventId
    }
  }

  async toJson(): Promise<HistoryJson> {
    const events: HistoryEvent[] = []
    for await (const event of this) events.push(event)
    return historyJson(events)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<HistoryEvent, void, undefined> {
    for await (const events of this.pages()) yield* events
  }
}

function positive(value: number, path: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: not a whole number of at least 1: ${String(value)}`)
}
