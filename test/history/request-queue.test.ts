/** Requests leave in the order in which they came, few or many. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TurnRequest } from '../../src/history/contract.js'
import { RequestQueue } from '../../src/history/request-queue.js'

const request = (bytes: number): TurnRequest => ({ decide: () => {}, resolve: () => {}, reject: () => {}, bytes })

test('it is what an array is that is pushed to and shifted', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 3000 }).map((count) => ({ push: count })) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 4000 }).map((count) => ({ shift: count })) },
    { weight: 1, arbitrary: fc.constant('drain' as const) },
  )
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const queue = new RequestQueue()
    let model: number[] = []
    let next = 0
    for (const one of steps) {
      if (one === 'drain') {
        const drained: (number | undefined)[] = []
        queue.drain(({ bytes }) => drained.push(bytes))
        expect(drained).toEqual(model)
        model = []
      } else if ('push' in one) {
        for (let count = 0; count < one.push; count++) {
          model.push(next)
          queue.push(request(next++))
        }
      } else {
        const taken = Array.from({ length: one.shift }, () => queue.shift()?.bytes)
        expect(taken).toEqual(Array.from({ length: one.shift }, (_, at) => model[at]))
        model = model.slice(one.shift)
      }
      expect([queue.length, queue.first?.bytes]).toEqual([model.length, model[0]])
    }
  })
  fc.assert(property, { numRuns: 100 })
})

test('what comes while it is drained waits for the next time', () => {
  const queue = new RequestQueue()
  queue.push(request(1))

  queue.drain(() => queue.push(request(2)))

  expect([queue.length, queue.shift()?.bytes]).toEqual([1, 2])
})
