/**
 * The heartbeats of one attempt: of all that the function says, as many as are worth a write go on to history, and of those
 * in between the last.
 *
 * Invariant: what is said last is recorded, or left for the attempt's failure to carry: also while it is on its way, since the
 * failure may overtake it.
 */
import type { Clock, TimerHandle } from '../base/clock.js'
import { isLoomError } from '../base/errors.js'
import type { Payloads } from '../protocol/payload.js'
import type { HeartbeatResponse, RecordActivityTaskHeartbeatRequest } from '../protocol/activity-requests.js'
import type { LocalActivityTask } from '../protocol/local-workers.js'

/** Of the time-out: the rest is for the way to the medium. As in Temporal's SDKs, like the two that follow. */
const SHARE_OF_TIMEOUT = 0.8
const LONGEST_INTERVAL_MS = 60_000
/** Where nothing is late: only the next attempt wants the details. */
const INTERVAL_WITHOUT_TIMEOUT_MS = 30_000

/** Where heartbeats go. */
export type HeartbeatSink = (
  request: Omit<RecordActivityTaskHeartbeatRequest, 'identity'>,
) => Promise<HeartbeatResponse>

/** What is heard of a heartbeat: the attempt is to stop, since it was called off or nobody waits for it any more. */
export type OnStop = (reason: 'canceled' | 'ended') => void

export class Heartbeats {
  readonly #clock: Clock
  readonly #task: LocalActivityTask
  readonly #sink: HeartbeatSink
  readonly #onStop: OnStop
  #latest: Payloads | undefined = undefined
  #isUnsent = false
  /** History has not said that it has the latest. */
  #isUnheard = false
  /** Running: nothing is sent before it is over. */
  #pause: TimerHandle | undefined = undefined
  #hasEnded = false

  constructor(clock: Clock, task: LocalActivityTask, sink: HeartbeatSink, onStop: OnStop) {
    this.#clock = clock
    this.#task = task
    this.#sink = sink
    this.#onStop = onStop
  }

  beat(details: Payloads | undefined): void {
    if (this.#hasEnded) return
    this.#latest = details
    this.#isUnsent = true
    this.#isUnheard = true
    if (this.#pause === undefined) this.#send()
  }

  /** The attempt is over. Returns what was said last, unless history has it. */
  end(): Payloads | undefined {
    this.#hasEnded = true
    if (this.#pause !== undefined) this.#clock.clearTimer(this.#pause)
    return this.#isUnheard ? this.#latest : undefined
  }

  #send(): void {
    const { token, heartbeatTimeoutMs } = this.#task
    this.#isUnsent = false
    this.#pause = this.#clock.setTimer(intervalMs(heartbeatTimeoutMs), () => {
      this.#pause = undefined
      if (this.#isUnsent) this.#send()
    })
    const details = this.#latest
    this.#sink({ token, details }).then(
      ({ cancelRequested }) => {
        if (this.#latest === details) this.#isUnheard = false
        if (cancelRequested) this.#onStop('canceled')
      },
      (error: unknown) => {
        if (isLoomError(error, 'LOOM_NOT_FOUND')) this.#onStop('ended')
        // Nobody asked for an answer: it is said again with the next, or with the failure.
        else this.#isUnsent = true
      },
    )
  }
}

function intervalMs(heartbeatTimeoutMs: number): number {
  if (heartbeatTimeoutMs === 0) return INTERVAL_WITHOUT_TIMEOUT_MS
  return Math.min(heartbeatTimeoutMs * SHARE_OF_TIMEOUT, LONGEST_INTERVAL_MS)
}
