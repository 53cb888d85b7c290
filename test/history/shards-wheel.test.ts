/** The wheel keeps what waits, and no more. */
import { expect, test } from 'vitest'
import { Wheel, WheelEntry } from '../../src/queue/wheel.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

class Entry extends WheelEntry {
  readonly #fired: number[]

  constructor(dueAtMs: number, fired: number[] = []) {
    super(dueAtMs, 0)
    this.#fired = fired
  }

  fire(): void {
    this.#fired.push(this.dueAtMs)
  }
}

test('entries that were removed long before their time leave nothing', () => {
  const wheel = new Wheel(new VirtualClock(), () => {})
  const before = process.memoryUsage().heapUsed

  for (let i = 0; i < 300_000; i++) {
    const entry = new Entry(1e12 + i)
    wheel.add(entry)
    wheel.remove(entry)
  }

  expect((process.memoryUsage().heapUsed - before) / 1e6).toBeLessThan(20)
  wheel.close()
})

test('entries that stay fire in their order, however many were removed around them', async () => {
  const clock = new VirtualClock()
  const wheel = new Wheel(clock, () => {})
  const fired: number[] = []
  const startMs = clock.nowMs()

  const kept: number[] = []
  for (let i = 0; i < 10_000; i++) {
    const dueAtMs = startMs + 1 + ((i * 7919) % 5000)
    const entry = new Entry(dueAtMs, fired)
    wheel.add(entry)
    if (i % 10 === 0) kept.push(dueAtMs)
    else wheel.remove(entry)
  }
  await clock.advance(6000)

  expect(fired).toEqual(kept.sort((a, b) => a - b))
  expect(wheel.size).toBe(0)
})
