/** Which rows of flushes are kept, by their bytes and by their number. */
import { expect, test } from 'vitest'
import { LevelFlushes } from '../../src/storage/level-flushes.js'
import { flushKey } from '../../src/storage/level-keys.js'

const WRITE_BUFFER_BYTES = 1_000_000

test('those of two write buffers are kept, and the last one however big it is', () => {
  const { flushes, kept, batch } = newFlushes()
  for (let seq = 1; seq <= 100; seq++) flushes.stage(batch, 1, 10, 99_936)

  expect([...kept]).toEqual(Array.from({ length: 20 }, (_, i) => flushKey(81 + i)))

  flushes.stage(batch, 1, 1, 3 * WRITE_BUFFER_BYTES)
  expect([...kept]).toEqual([flushKey(101)])
})

test('of the smallest flushes there are no more than 65,536', () => {
  const { flushes, kept, batch } = newFlushes()
  for (let seq = 1; seq <= 200_000; seq++) flushes.stage(batch, 1, 0, -64)

  expect(kept.size).toBe(65_536)
  expect([...kept].at(0)).toBe(flushKey(200_000 - 65_535))
})

function newFlushes(): { flushes: LevelFlushes; kept: Set<string>; batch: Parameters<LevelFlushes['stage']>[0] } {
  const kept = new Set<string>()
  const batch = {
    put: (key: string) => kept.add(key),
    del: (key: string) => kept.delete(key),
    close: async () => {},
  }
  return { flushes: new LevelFlushes(WRITE_BUFFER_BYTES), kept, batch }
}
