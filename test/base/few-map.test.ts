import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FewMap } from '../../src/base/few-map.js'

const acts = fc.array(fc.tuple(fc.constantFrom('set', 'delete'), fc.nat(12), fc.nat()))

test('it is a Map, however many entries it has', () => {
  fc.assert(
    fc.property(acts, (list) => {
      const few = new FewMap<number, number>()
      const map = new Map<number, number>()
      for (const [verb, key, value] of list) {
        if (verb === 'delete') expect(few.delete(key)).toBe(map.delete(key))
        else {
          few.set(key, value)
          map.set(key, value)
        }
        expect([few.size, few.get(key), few.has(key)]).toEqual([map.size, map.get(key), map.has(key)])
      }
      expect([...few]).toEqual([...map])
      expect([...few.keys()]).toEqual([...map.keys()])
      expect([...few.values()]).toEqual([...map.values()])
      const seen: [number, number][] = []
      few.forEach((value, key) => seen.push([key, value]))
      expect(seen).toEqual([...map])
    }),
  )
})

test('each entry is met once, also when the loop deletes', () => {
  const few = new FewMap<string, number>()
  for (const key of ['a', 'b', 'c']) few.set(key, 1)

  for (const key of few.keys()) few.delete(key)

  expect(few.size).toBe(0)
})

test('undefined is a value', () => {
  const few = new FewMap<string, undefined>()
  few.set('a', undefined)

  expect([few.has('a'), few.has('b'), few.size]).toEqual([true, false, 1])
})
