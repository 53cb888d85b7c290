/**
 * Lines that say that a limit is near or was reached. A flood of executions is no flood of lines: of those beyond the bound
 * of a minute only the number is told.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Settings } from '../protocol/settings.js'
import { warningsOf, type Sized } from './growth.js'

const MINUTE_MS = 60_000

interface LimitLogParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: Settings
}

export class LimitLog {
  readonly #parts: LimitLogParts
  #minuteEndsMs = 0
  #lineCount = 0
  #leftOutCount = 0

  constructor(parts: LimitLogParts) {
    this.#parts = parts
  }

  /** Something of it has become big; `bits` say what. */
  grown(execution: Sized, bits: number, payloadBytes: number | undefined): void {
    for (const message of warningsOf(bits))
      this.#say('warn', { ...factsOf(execution), ...(payloadBytes !== undefined && { payloadBytes }) }, message)
  }

  ended(execution: Sized, reason: string): void {
    this.#say('error', factsOf(execution), `an execution is terminated: ${reason}`)
  }

  #say(level: 'warn' | 'error', fields: object, message: string): void {
    const { clock, logger, settings } = this.#parts
    const nowMs = clock.monotonicMs()
    if (nowMs >= this.#minuteEndsMs) {
      this.#minuteEndsMs = nowMs + MINUTE_MS
      this.#lineCount = 0
    }
    if (this.#lineCount >= settings.maxLimitWarningsPerMinute) {
      this.#leftOutCount++
      return
    }
    this.#lineCount++
    const leftOutCount = this.#leftOutCount
    this.#leftOutCount = 0
    logger[level](leftOutCount === 0 ? fields : { ...fields, leftOutCount }, message)
  }
}

function factsOf({ namespaceId, workflowId, runId, state, sizeBytes }: Sized): object {
  const historyLength = state.nextEventId - 1
  return { namespaceId, workflowId, runId, historyLength, historySizeBytes: sizeBytes, stateBytes: state.heldBytes }
}
