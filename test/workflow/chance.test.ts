import { expect, test } from 'vitest'
import { Chance } from '../../src/workflow/chance.js'

const RUN = '01890000-0000-7000-8000-000000000001'

test('the same run draws the same numbers, another one others', () => {
  const draw = (runId: string): number[] => {
    const chance = new Chance(runId)
    return Array.from({ length: 50 }, () => chance.fraction())
  }

  expect(draw(RUN)).toEqual(draw(RUN))
  expect(new Set([...draw(RUN), ...draw('01890000-0000-7000-8000-000000000002'), ...draw('no uuid')]).size).toBe(150)
})

// A change would break every execution that drew before it.
test('the numbers are pinned', () => {
  const chance = new Chance(RUN)

  expect([chance.fraction(), chance.fraction(), chance.uuid()]).toMatchInlineSnapshot(`
    [
      0.9567962655046146,
      0.3637268103865682,
      "9cbf9728-a7c6-4acc-9658-8288ef692603",
    ]
  `)
})

test('fractions spread evenly over [0, 1)', () => {
  const chance = new Chance(RUN)
  const buckets = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) buckets[Math.floor(chance.fraction() * 10)]!++

  for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('UUIDs of runs that differ in one bit do not collide', () => {
  const uuids = new Set<string>()
  for (let i = 0; i < 5000; i++) {
    const chance = new Chance(`01890000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`)
    for (let k = 0; k < 4; k++) uuids.add(chance.uuid())
  }

  expect(uuids.size).toBe(20_000)
})
