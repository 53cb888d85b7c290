/** The sorted map of the memory medium agrees with a plain map that is sorted each time. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SortedMap } from '../../src/storage/sorted-map.js'

const anyKey = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\xff'), minLength: 1, maxLength: 4 })

test('it reads the same as a plain map that is sorted', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyKey, fc.boolean())), anyKey, anyKey, (steps, gte, lt) => {
      const [sorted, plain] = [new SortedMap<string>(), new Map<string, string>()]
      for (const [key, isPut] of steps) {
        if (isPut) sorted.set(key, key)
        else sorted.delete(key)
        if (isPut) plain.set(key, key)
        else plain.delete(key)
      }

      const expected = [...plain.keys()].filter((key) => key >= gte && key < lt).sort()
      expect([...sorted.ascending(gte, lt)]).toEqual(expected)
      expect([...sorted.descending(gte, lt)]).toEqual(expected.reverse())
      for (const key of [gte, lt]) expect(sorted.get(key)).toBe(plain.get(key))
    }),
  )
})

test('it holds many keys, put in any order and deleted in another', () => {
  const sorted = new SortedMap<number>()
  const keys = Array.from({ length: 5000 }, (_, i) => String((i * 2654435761) % 5000).padStart(4, '0'))
  for (const [i, key] of keys.entries()) sorted.set(key, i)

  const ascending = [...new Set(keys)].sort()
  expect([...sorted.ascending('', ':')].map((i) => keys[i])).toEqual(ascending)
  expect([...sorted.descending('', ':')].map((i) => keys[i])).toEqual([...ascending].reverse())

  for (const key of ascending.slice(100)) sorted.delete(key)
  expect([...sorted.ascending('', ':')].map((i) => keys[i])).toEqual(ascending.slice(0, 100))
})
