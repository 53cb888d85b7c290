/**
 * The open window: whose code may run just now.
 *
 * Invariant: at most one window is open in the process, whatever the number of looms and trains, because each
 * train's slots are adjacent and none leaves a window open behind its last slot. So one variable is exact.
 */

/** What a train carries: the code of one execution, given one window at a time. */
export interface Passenger {
  /** The train's own mark: waits in a train's queue. Others leave it alone. */
  isQueued: boolean
  /**
   * Is there something to do in another window? Called with no window open. When there is nothing the passenger
   * is at rest, and has told its host so before it answers false.
   */
  hasNext(): boolean
  /** Does that one thing. The drain that follows belongs to this passenger alone. */
  openWindow(): void
  /** The drain is over. Its window is still open: the last chance to run code of its own. */
  closeWindow(): void
  /** One of the above threw, which none may: there is a mistake in its code, or in ours. */
  broke(error: unknown): void
  /** A promise of its window was rejected, and nothing handles it so far. */
  rejected(promise: Promise<unknown>, reason: unknown): void
  /** Something handles it after all. */
  handled(promise: Promise<unknown>): void
}

let open: Passenger | undefined

/** Whose window is open, if one is. */
export function openPassenger(): Passenger | undefined {
  return open
}

/** For the train alone. */
export function setOpenPassenger(passenger: Passenger | undefined): void {
  open = passenger
}
