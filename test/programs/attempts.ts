/**
 * Attempts of a host's own activities, each waiting to be told how it ends; and how often each activity was told to fail.
 *
 * Invariant: what is waiting here runs: a host that dies takes its attempts along (`lost`).
 */
import type { ActivityContext } from '../../src/workflow/activity-context.js'
import { ApplicationFailure, RetryAfter } from '../../src/workflow/failures.js'
import { UNWANTED, type Workplace } from './interpreter.js'
import type { FarJob, Job } from './program.js'

interface Attempt {
  readonly job: Job
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Attempts implements Workplace {
  /** By run and activity id. */
  readonly #running = new Map<string, Attempt>()
  /** Failures that were told, by run and activity id. */
  readonly #failures = new Map<string, number>()
  /** How often the function of a run was called. */
  callCount = 0

  // ---- for the code

  called(): void {
    this.callCount++
  }

  attempt(job: Job, context: ActivityContext): Promise<unknown> {
    const { info, signal, heartbeat } = context
    if (job.beats) heartbeat('alive')
    const key = keyOf(info.runId, info.activityId)
    return new Promise((resolve, reject) => {
      const attempt = { job, resolve, reject }
      this.#running.set(key, attempt)
      signal.addEventListener('abort', () => {
        if (this.#running.get(key) === attempt) this.#running.delete(key)
        reject(signal.reason as Error)
      })
    })
  }

  // ---- for what happens

  lost(): void {
    this.#running.clear()
  }

  isRunning(key: string): boolean {
    return this.#running.has(key)
  }

  /** As its job says of the next attempt; `forGood`: as of the last one. */
  end(key: string, forGood: boolean): void {
    const { job, resolve, reject } = this.#running.get(key)!
    this.#running.delete(key)
    const error = forGood ? errorOf(job.ends) : this.errorNow(key, job)
    if (error === undefined) resolve('done')
    else reject(error)
  }

  /** The next end of a running attempt is that of its activity. */
  isLastOne(key: string): boolean {
    const running = this.#running.get(key)
    return running !== undefined && this.#failuresLeft(key, running.job) === 0
  }

  /** What the attempt fails with, if it does; asked once for each. */
  errorNow(key: string, job: Job): Error | undefined {
    const left = this.#failuresLeft(key, job)
    if (left === 0) return errorOf(job.ends)
    this.#failures.set(key, job.failures - left + 1)
    return job.asksForDelay ? new RetryAfter(200, `not yet, ${left}`) : new Error(`not yet, ${left}`)
  }

  #failuresLeft(key: string, { failures }: Job): number {
    return Math.max(0, failures - (this.#failures.get(key) ?? 0))
  }
}

export function keyOf(runId: string, activityId: string): string {
  return `${runId}/${activityId}`
}

/** Undefined: it ends well. */
export function errorOf(how: Job['ends'] | FarJob['stops']): Error | undefined {
  if (how === 'refusal') return ApplicationFailure.nonRetryable('refused', { type: 'Refused', details: ['no'] })
  if (how === 'unwanted error') return new ApplicationFailure('unwanted', { type: UNWANTED })
  return undefined
}
