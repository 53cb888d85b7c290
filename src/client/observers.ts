/**
 * Those who are told how the host works: metrics.
 *
 * Invariant: what they throw is logged and goes no further: a commit is not lost for a metric.
 */
import type { Logger } from '../base/log.js'
import type { LoomStats } from './admin.js'
import type { HostObserver } from './interceptors.js'

export class Observers {
  /** Undefined where nobody asks: then nothing is measured. */
  readonly committed: ((turnCount: number, latencyMs: number) => void) | undefined
  readonly due: ((latenessMs: number) => void) | undefined
  readonly #observers: readonly HostObserver[]
  readonly #logger: Logger
  #closers: (() => void)[] = []

  constructor(observers: readonly HostObserver[], logger: Logger) {
    this.#observers = observers
    this.#logger = logger
    if (observers.some((observer) => observer.committed !== undefined))
      this.committed = (turnCount, latencyMs) => this.#tell((one) => one.committed?.({ turnCount, latencyMs }))
    if (observers.some((observer) => observer.due !== undefined))
      this.due = (latenessMs) => this.#tell((one) => one.due?.(latenessMs))
  }

  opened(stats: () => LoomStats): void {
    this.#tell((one) => {
      const close = one.opened?.(stats)
      if (close !== undefined) this.#closers.push(close)
    })
  }

  closed(): void {
    const closers = this.#closers
    this.#closers = []
    for (const close of closers) this.#safely(close)
  }

  #tell(tell: (observer: HostObserver) => void): void {
    for (const observer of this.#observers) this.#safely(() => tell(observer))
  }

  #safely(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#logger.error({ error }, 'an observer of the host threw')
    }
  }
}
