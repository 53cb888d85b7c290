/**
 * Steps: activities written in place. The closures stay with the code of the execution, so whoever has that code in
 * its cache runs them; after a loss the code is replayed and gives them again.
 */
import type { ActivityContext } from './activity-context.js'

/** The types of steps begin so, and those of no other activity. */
export const STEP_PREFIX = 'step:'

/** The function of a step. */
export type StepFunction = (context: ActivityContext) => unknown

export class Steps {
  /** How often each name was used. */
  #counts: Map<string, number> | undefined
  /** By activity type; a step that has ended is no longer here. */
  #closures: Map<string, StepFunction> | undefined

  /** Returns its activity type: `step:<name>#<n>`, n from 1. */
  add(name: string, fn: StepFunction): string {
    this.#counts ??= new Map()
    this.#closures ??= new Map()
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, count)
    const activityType = `${STEP_PREFIX}${name}#${count}`
    this.#closures.set(activityType, fn)
    return activityType
  }

  closure(activityType: string): StepFunction | undefined {
    return this.#closures?.get(activityType)
  }

  forget(activityType: string): void {
    this.#closures?.delete(activityType)
  }

  clear(): void {
    this.#closures = undefined
  }
}
