/** Waits until nothing is at work any more, but not for ever. */
import type { Clock } from '../base/clock.js'

export class Rest {
  readonly #clock: Clock
  #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves with `reached`, or after `waitMs`. Called while something is at work. */
  wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        this.#clock.clearTimer(timer)
        resolve()
      }
      const timer = this.#clock.setTimer(waitMs, over)
      this.#waiting.push(over)
    })
  }

  reached(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const over of waiting) over()
  }
}
