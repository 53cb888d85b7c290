/** Durations as people write them: a number of ms, or a text such as '10 s', '1.5 h', '3 days'. */
import { LoomError } from './errors.js'

/** Units of durations that are written out. */
export type Unit =
  'ms' | 's' | 'm' | 'h' | 'd' | 'second' | 'seconds' | 'minute' | 'minutes' | 'hour' | 'hours' | 'day' | 'days'

/** ms as a number, or a number and a unit: `'250 ms'`, `'10s'`, `'1.5 h'`, `'3 days'`. */
export type Duration = number | `${number}${Unit}` | `${number} ${Unit}`

const UNIT_MS: Readonly<Record<Unit, number>> = {
  ms: 1,
  s: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
}

const TEXT = /^(\d{1,15}(?:\.\d{1,9})?) ?([a-z]{1,7})$/

/** Beyond this no duration is accepted: 100 years. */
export const MAX_DURATION_MS = 100 * 365 * 86_400_000

/** In whole ms, rounded up. `path` names the argument in the error (LOOM_INVALID_ARGUMENT). */
export function durationMs(value: Duration, path: string): number {
  const ms = typeof value === 'number' ? value : parse(value)
  if (!(ms >= 0 && ms <= MAX_DURATION_MS)) {
    const fitting = "a number of ms, or a text with a unit (ms, s, m, h, d or written out, as '3 days')"
    const message = `${path}: not a duration between 0 and 100 years: ${shown(value)}; write ${fitting}`
    throw new LoomError('LOOM_INVALID_ARGUMENT', message)
  }
  return Math.ceil(ms)
}

function parse(text: unknown): number {
  if (typeof text !== 'string') return Number.NaN
  const match = TEXT.exec(text)
  if (match === null) return Number.NaN
  const unit = match[2] as Unit
  return Object.hasOwn(UNIT_MS, unit) ? Number(match[1]) * UNIT_MS[unit] : Number.NaN
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 40)}'`
  return typeof value === 'number' ? String(value) : `a value of type ${typeof value}`
}
