/**
 * Chance, as everything above sees it. Only this file knows the real source, so that a simulation can run
 * from a seed.
 */
import { randomFillSync } from 'node:crypto'

/** Source of chance for a whole loom; `systemRandom` unless a test gives another. */
export interface Random {
  /** Fills `target` with random bytes. */
  fill(target: Uint8Array): void
  /** A number in [0, 1): for jitter, never for ids. */
  fraction(): number
}

/** The operating system's source. */
export const systemRandom: Random = {
  fill: (target) => void randomFillSync(target),
  fraction: () => Math.random(),
}

/** The same numbers for the same seed: splitmix32. For tests and simulations. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  return {
    fill: (target) => {
      for (let i = 0; i < target.length; i++) target[i] = next() >>> 24
    },
    fraction: () => next() / 2 ** 32,
  }
}
