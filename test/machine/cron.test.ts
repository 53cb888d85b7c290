/** When schedules are due: every form a field may have, and those that are none. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextCronMs, parseCron } from '../../src/machine/cron.js'

/** The next times after an instant. */
function next(text: string, after: string, count = 1): string[] {
  const schedule = parseCron(text)!
  let atMs = Date.parse(after)
  return Array.from({ length: count }, () => {
    atMs = nextCronMs(schedule, Date.parse(after), atMs)!
    return new Date(atMs).toISOString().slice(0, 19)
  })
}

test('numbers, ranges, lists and steps of each field', () => {
  const from = '2026-01-01T00:00:30Z'
  expect(next('5 * * * *', from, 2)).toEqual(['2026-01-01T00:05:00', '2026-01-01T01:05:00'])
  expect(next('0-30/15,50 * * * *', from, 3)).toEqual([
    '2026-01-01T00:15:00',
    '2026-01-01T00:30:00',
    '2026-01-01T00:50:00',
  ])
  expect(next('10/20 3 * * *', from, 3)).toEqual(['2026-01-01T03:10:00', '2026-01-01T03:30:00', '2026-01-01T03:50:00'])
  expect(next('0 0 1 feb-mar *', from, 2)).toEqual(['2026-02-01T00:00:00', '2026-03-01T00:00:00'])
  expect(next('0 12 ? * MON', from, 2)).toEqual(['2026-01-05T12:00:00', '2026-01-12T12:00:00'])
  expect(next('0 0 * * 7', from)).toEqual(['2026-01-04T00:00:00'])
})

test('when both days are restricted either will do, else both must', () => {
  expect(next('0 0 13 * fri', '2026-01-01T00:00:00Z', 3)).toEqual([
    '2026-01-02T00:00:00',
    '2026-01-09T00:00:00',
    '2026-01-13T00:00:00',
  ])
  expect(next('0 0 */10 * *', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-01-11T00:00:00', '2026-01-21T00:00:00'])
})

test('names stand for fields', () => {
  const from = '2026-01-31T23:59:59Z'
  expect(next('@hourly', from)).toEqual(['2026-02-01T00:00:00'])
  expect(next('@Daily', '2026-03-01T00:00:00Z')).toEqual(['2026-03-02T00:00:00'])
  expect(next('@weekly', from)).toEqual(['2026-02-01T00:00:00'])
  expect(next('@monthly', '2026-02-01T00:00:00Z')).toEqual(['2026-03-01T00:00:00'])
  expect(next('@yearly', from)).toEqual(['2027-01-01T00:00:00'])
})

test('@every counts from when the run was to begin, in whole seconds, and skips what was missed', () => {
  const schedule = parseCron('@every 1m30s')!
  expect(nextCronMs(schedule, 1_000, 1_000)).toBe(91_000)
  expect(nextCronMs(schedule, 1_000, 91_000)).toBe(181_000)
  expect(nextCronMs(schedule, 1_000, 200_000)).toBe(271_000)
  expect(nextCronMs(schedule, 5_000, 1_000)).toBe(95_000)
  expect(parseCron('@every 10ms')!.everyMs).toBe(1000)
  expect(parseCron('@every 1.5h')!.everyMs).toBe(5_400_000)
})

test('a leap day comes, a 30 February never does', () => {
  expect(next('0 0 29 2 *', '2096-03-01T00:00:00Z')).toEqual(['2104-02-29T00:00:00'])
  expect(nextCronMs(parseCron('0 0 30 2 *')!, 0, 0)).toBeUndefined()
})

test('what is no schedule is none', () => {
  const nonsense = [
    ...['', 'nonsense', '* * * *', '* * * * * *', '60 * * * *', '* 24 * * *', '* * 0 * *', '* * * 13 *', '* * * * 8'],
    ...['5-1 * * * *', '*/0 * * * *', '1,,2 * * * *', 'x * * * *', '-1 * * * *', '@every', '@every 5', '@every soon'],
    ...['@every 9999999h', '@sometimes', '* * * foo *'],
  ]
  for (const text of nonsense) expect(parseCron(text), text).toBeUndefined()
})

test('the next time is the first minute after that matches all fields', () => {
  const field = (least: number, most: number): fc.Arbitrary<string> =>
    fc.oneof(fc.constant('*'), fc.integer({ min: least, max: most }).map(String))
  const spec = fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), fc.constant('*'))
  fc.assert(
    fc.property(spec, fc.integer({ min: 0, max: 4e12 }), (fields, afterMs) => {
      const atMs = nextCronMs(parseCron(fields.join(' '))!, 0, afterMs)!
      const at = new Date(atMs)
      const parts = [at.getUTCMinutes(), at.getUTCHours(), at.getUTCDate(), at.getUTCMonth() + 1]
      parts.forEach((part, i) => expect(['*', String(part)]).toContain(fields[i]))
      expect(atMs).toBeGreaterThan(afterMs)
      expect(at.getUTCSeconds()).toBe(0)
    }),
  )
})
