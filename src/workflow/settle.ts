/**
 * Settling promises that workflow code holds. It is given the very promise the engine settles, never a wrapper,
 * which would resume it a tick later.
 */

/** What it takes to reject: base/deferred.ts has it, and so have waits. */
interface Rejectable {
  readonly promise: Promise<unknown> | undefined
  readonly reject: (reason: unknown) => void
}

/**
 * Rejects a promise that ctx gave out. It is marked as handled just before: the code may hold it and look at it
 * later. What the code derived from it is watched by itself.
 */
export function rejectQuietly(pledge: Rejectable, reason: unknown): void {
  void pledge.promise?.then(undefined, noop)
  pledge.reject(reason)
}

/** Already rejected, and nobody has to catch it. */
export function rejectedQuietly(reason: unknown): Promise<never> {
  const promise = Promise.reject<never>(reason)
  void promise.then(undefined, noop)
  return promise
}

export function neverSettles(): Promise<never> {
  return new Promise(noop)
}

function noop(): void {}
