/**
 * The virtual clock: what a test may rely on when it moves time.
 */
import { setImmediate as nextTurn } from 'node:timers'
import { expect, test } from 'vitest'
import { sleep } from '../../src/base/clock.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

test('time stands still until it is told to move', async () => {
  const clock = new VirtualClock(1000)

  await clock.settle()

  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1000, 0])
  await clock.advance(250)
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1250, 250])
})

test('timers fire in due order, those of one time in the order they were set, each at its time', async () => {
  const clock = new VirtualClock(0)
  const fired: string[] = []
  const note = (name: string) => (): void => void fired.push(`${name}@${clock.nowMs()}`)
  clock.setTimer(30, note('c'))
  clock.setTimer(10, note('a'))
  clock.setTimer(20, note('b'))
  clock.setTimer(10, note('a2'))

  await clock.advance(29)

  expect(fired).toEqual(['a@10', 'a2@10', 'b@20'])
  expect(clock.nextDueMs()).toBe(30)
})

test('what a timer causes happens at its time, and may set timers for the same journey', async () => {
  const clock = new VirtualClock(0)
  const seen: number[] = []
  const walk = async (): Promise<void> => {
    for (let step = 0; step < 3; step++) {
      await sleep(clock, 10)
      seen.push(clock.nowMs())
    }
  }
  void walk()

  await clock.advanceTo(100)

  expect(seen).toEqual([10, 20, 30])
  expect(clock.nowMs()).toBe(100)
})

test('a cleared timer does not fire, and clearing twice is nothing', async () => {
  const clock = new VirtualClock(0)
  const fired: string[] = []
  clock.setTimer(5, () => void fired.push('kept'))
  const handle = clock.setTimer(5, () => void fired.push('cleared'))

  clock.clearTimer(handle)
  clock.clearTimer(handle)
  await clock.advance(10)

  expect(fired).toEqual(['kept'])
  expect(clock.nextDueMs()).toBeUndefined()
})

test('a timer fires not before its delay has passed, and a delay of nothing needs no time', async () => {
  const clock = new VirtualClock(0)
  const fired: string[] = []
  clock.setTimer(0.4, () => void fired.push('fraction'))
  clock.setTimer(0, () => void fired.push('zero'))

  await clock.settle()

  expect(fired).toEqual(['zero'])
  expect(clock.nextDueMs()).toBe(1)
})

test('a delay of more than 2^31 ms is cut, as on the real clock', () => {
  const clock = new VirtualClock(0)

  clock.setTimer(Number.MAX_SAFE_INTEGER, () => {})

  expect(clock.nextDueMs()).toBe(2 ** 31 - 1)
})

test('time that has passed stays passed', async () => {
  const clock = new VirtualClock(500)

  await clock.advanceTo(100)

  expect(clock.nowMs()).toBe(500)
})

test('settle waits for chains of promises, of soon and of setImmediate', async () => {
  const clock = new VirtualClock(0)
  let steps = 0
  const bySoon = (left: number): void => clock.soon(() => (left === 0 ? void steps++ : bySoon(left - 1)))
  const byTurns = (left: number): void => void nextTurn(() => (left === 0 ? void steps++ : byTurns(left - 1)))
  bySoon(50)
  byTurns(50)

  await clock.settle()

  expect(steps).toBe(2)
})

test('settle gives up on what never rests', async () => {
  const clock = new VirtualClock(0)
  let isOver = false
  const forever = (): void => clock.soon(() => (isOver ? undefined : forever()))
  forever()

  const settled = clock.settle()

  await expect(settled).rejects.toMatchObject({ code: 'LOOM_DEADLINE' })
  isOver = true
})

test('advance takes durations, and only those', async () => {
  const clock = new VirtualClock(0)

  await clock.advance('3 days')

  expect(clock.nowMs()).toBe(3 * 86_400_000)
  await expect(clock.advance('3 dayz' as never)).rejects.toThrow(/advance: not a duration .* '3 dayz'; write a number/)
  await expect(clock.advanceTo(Number.NaN)).rejects.toThrow('advanceTo: not an instant: NaN')
  expect(clock.nowMs()).toBe(3 * 86_400_000)
})
