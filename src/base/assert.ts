/**
 * Assertions: they catch our own mistakes, never a caller's and never the world's.
 *
 * A failed assertion means memory can no longer be trusted, so nothing catches it on the way up except
 * the shard, which closes and recovers from its store.
 */

/** A mistake of this library: the shard that met it closes and reads its state back. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

export function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new InvariantError(message)
}

/** Ends a `switch` over a union: adding a member to the union is then a compile error here. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`)
}
