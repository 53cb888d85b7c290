/** murmur3 x86 32-bit, seed 0: the hash that places an execution on the ring. */
import murmurHash3 from 'murmurhash3js-revisited'

/** An unsigned 32-bit number. */
export function hash32(bytes: Uint8Array): number {
  return murmurHash3.x86.hash32(bytes, 0)
}
