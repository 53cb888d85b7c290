/**
 * Cancellation scopes: what was started on a ctx belongs to its scope, and is cancelled with it.
 *
 * Invariant: a cancelled wait rejects with the scope's one CancelledFailure, and that rejection is never held
 * against the execution: nobody has to catch it.
 */
import { CancelledFailure } from './failures.js'

/** Something pending that can be called off. */
export interface Cancellable {
  cancel(reason: CancelledFailure): void
}

export class Scope implements Cancellable {
  readonly #parent: Scope | undefined
  /** What is pending, in the order of starting. */
  readonly #members = new Set<Cancellable>()
  #reason: CancelledFailure | undefined
  #isOver = false
  /** Waits for the last member to go. */
  #onEmpty: (() => void) | undefined

  constructor(parent: Scope | undefined) {
    this.#parent = parent
    parent?.add(this)
  }

  /** Set once it is cancelled: what is asked of it later rejects with it, too. */
  get reason(): CancelledFailure | undefined {
    return this.#reason
  }

  /** Nothing is pending in it, nor in what is below. */
  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  /** Calls `fn` once, when the last member goes. */
  onceEmpty(fn: () => void): void {
    this.#onEmpty = fn
  }

  add(member: Cancellable): void {
    // One that has left comes back with what begins in it all the same: a shielded part.
    if (this.isEmpty && this.#isLeaving) this.#parent?.add(this)
    this.#members.add(member)
  }

  remove(member: Cancellable): void {
    this.#members.delete(member)
    if (!this.isEmpty) return
    if (this.#isLeaving) this.#parent?.remove(this)
    const onEmpty = this.#onEmpty
    this.#onEmpty = undefined
    onEmpty?.()
  }

  /** What cannot end at once stays a member until it has: an activity that is waited for. */
  cancel(reason: CancelledFailure): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const member of this.#members) member.cancel(reason)
    if (this.isEmpty) this.#parent?.remove(this)
  }

  /** Its work is over; what is still pending in it stays cancellable through the parent. */
  end(): void {
    this.#isOver = true
    if (this.isEmpty) this.#parent?.remove(this)
  }

  /** With its last member it leaves the scope around it. */
  get #isLeaving(): boolean {
    return this.#isOver || this.#reason !== undefined
  }
}

const reasons = new WeakSet<object>()

/** Nobody has to catch it: it comes of a cancellation. */
export function asCancellation<E extends object>(error: E): E {
  reasons.add(error)
  return error
}

/** The reason for a cancellation that nobody has to catch. */
export function cancellation(message: string): CancelledFailure {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  const reason = new CancelledFailure(message)
  Error.stackTraceLimit = limit
  return asCancellation(reason)
}

/** Is it one that nobody has to catch? */
export function isCancellation(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && reasons.has(reason)
}
