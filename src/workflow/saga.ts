/**
 * `ctx.saga`: a part of the code that takes back what it has done when it fails or is cancelled.
 *
 * Invariant: compensations begin when all that the saga's function began has ended, or was called off, and its code has
 * come to rest; none is skipped in silence. A mistake in the code undoes nothing: the run is stopped, and goes on with
 * mended code.
 */
import { Deferred } from '../base/deferred.js'
import type { Logger } from '../base/log.js'
import { BUILT_IN } from './data-converter.js'
import { failureOf } from './failure-codec.js'
import { CompensationFailure } from './failures.js'
import type { Problem } from './host.js'
import { checkOptions, invalid } from './options.js'
import { started } from './race.js'
import { cancellation, Scope } from './scope.js'
import { shielded } from './scoped.js'
import { neverSettles } from './settle.js'
import { lateUndo } from './verdict.js'

/** What takes back one thing that a saga did. It is given a ctx that nothing from outside cancels. */
export type Compensation<Ctx> = (ctx: Ctx) => unknown

/**
 * Keeps a compensation for the case that the saga fails. Those kept last are run first. LOOM_INVALID_ARGUMENT when it is
 * no function; a call after the saga has ended stalls the execution, since that compensation would never be run.
 */
export type Undo<Ctx> = (compensation: Compensation<Ctx>) => void

/** How a saga is undone. */
export interface SagaOptions {
  /** All compensations at once, instead of one after the other, the last one first. Default false. */
  readonly parallel?: boolean | undefined
}

/** The run that a saga is part of. */
export interface SagaHome {
  readonly info: { readonly workflowId: string }
  readonly log: Logger
  enter(api: string): boolean
  owe(fn: () => void): void
  isMistake(error: unknown): boolean
  broke(error: unknown): void
  stop(problem: Problem): void
}

const OPTIONS: ReadonlySet<string> = new Set(['parallel'])
/** Of a compensation failure's details. */
const MAX_DETAILS = 100
const MAX_DETAIL_LENGTH = 1000

/** One call of `ctx.saga`. */
export class Saga<Ctx> {
  readonly #home: SagaHome
  readonly #open: (scope: Scope) => Ctx
  /** It is no part of the saga's own: compensations keep it from being empty, too. */
  readonly #around: Scope
  readonly #scope: Scope
  readonly #isParallel: boolean
  readonly #outcome = new Deferred<unknown>()
  /** Not run yet, oldest first. */
  #compensations: Compensation<Ctx>[] = []
  #compensationCount = 0
  readonly #failures: unknown[] = []
  #isOver = false

  constructor(home: SagaHome, around: Scope, open: (scope: Scope) => Ctx, options: SagaOptions) {
    checkOptions(options, OPTIONS, 'saga')
    if (options.parallel !== undefined && typeof options.parallel !== 'boolean') {
      throw invalid('saga: parallel: neither true nor false')
    }
    this.#home = home
    this.#open = open
    this.#around = around
    this.#scope = new Scope(around)
    this.#isParallel = options.parallel ?? false
  }

  /** Settles when it has ended, its compensations included. */
  run(fn: (ctx: Ctx, undo: Undo<Ctx>) => unknown): Promise<unknown> {
    const result = started((ctx: Ctx) => fn(ctx, this.#undo), this.#open(this.#scope))
    Promise.resolve(result).then(
      (value) => {
        this.#isOver = true
        this.#compensations = []
        this.#scope.end()
        this.#outcome.resolve(value)
      },
      (error: unknown) => this.#failed(error),
    )
    return this.#outcome.promise
  }

  readonly #undo: Undo<Ctx> = (compensation) => {
    if (!this.#home.enter("saga's undo")) return
    if (typeof compensation !== 'function') throw invalid('saga: what undo was given is not a function')
    if (this.#isOver) return this.#home.stop(lateUndo(this.#home.info.workflowId))
    this.#compensations.push(compensation)
  }

  #failed(error: unknown): void {
    if (!this.#home.enter('saga')) return
    // Told here and not to the code around, which might catch it, and go on with nothing undone.
    if (this.#home.isMistake(error)) return this.#home.broke(error)
    const undoing = { cancel: () => {} }
    this.#around.add(undoing)
    this.#scope.cancel(cancellation('the saga that it was part of has failed'))
    this.#onceAtRest(() => {
      void this.#compensate().then(() => {
        this.#isOver = true
        this.#around.remove(undoing)
        this.#outcome.reject(this.#failureAfter(error))
      })
    })
  }

  /** In a window of its own: until then branches may still be learning how theirs ended, and have something to undo. */
  #onceAtRest(fn: () => void): void {
    if (!this.#home.enter('saga')) return
    this.#home.owe(() => {
      if (this.#scope.isEmpty) fn()
      else this.#scope.onceEmpty(() => this.#onceAtRest(fn))
    })
  }

  /** Those that are added meanwhile as well. */
  async #compensate(): Promise<void> {
    while (this.#compensations.length > 0) {
      const next = this.#compensations.splice(this.#isParallel ? 0 : -1).reverse()
      await Promise.all(next.map((compensation) => this.#compensated(compensation)))
    }
  }

  async #compensated(compensation: Compensation<Ctx>): Promise<void> {
    this.#compensationCount++
    try {
      await shielded(undefined, compensation, this.#open)
    } catch (error) {
      if (this.#home.isMistake(error)) {
        this.#home.broke(error)
        return neverSettles()
      }
      this.#home.log.warn({ error }, 'a compensation failed')
      this.#failures.push(error)
    }
  }

  #failureAfter(error: unknown): unknown {
    const failures = this.#failures
    if (failures.length === 0) return error
    const details = failures.slice(0, MAX_DETAILS).map((one) => messageOf(one).slice(0, MAX_DETAIL_LENGTH))
    const message = `${failures.length} of ${this.#compensationCount} compensations failed, after: ${messageOf(error)}`
    return new CompensationFailure(message, { failures, details, cause: error })
  }
}

function messageOf(error: unknown): string {
  return failureOf(error, BUILT_IN).message
}
