/**
 * Cron schedules, in UTC: five fields (minute, hour, day of month, month, day of week), the names such as @hourly, and
 * @every with a duration.
 *
 * A field is `*`, a number, a range, a list of these, each with a step: `0-30/10,45`. Months and days of the week have names;
 * Sunday is 0 or 7. When both days are restricted, either will do, as everywhere in cron.
 */

export interface CronSchedule {
  /** Of @every; the fields then say nothing. */
  readonly everyMs: number
  /** Bit n: minute n matches; and so on. */
  readonly minutes: bigint
  readonly hours: bigint
  readonly days: bigint
  readonly months: bigint
  readonly weekdays: bigint
  /** Both kinds of days are restricted. */
  readonly isEitherDay: boolean
}

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** A day that comes at all comes within these: 29 February of a year like 2096. */
const MAX_YEARS = 9

const NAMED: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}
const MONTHS = ['', ...'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')]
const WEEKDAYS = 'sun mon tue wed thu fri sat'.split(' ')
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: MINUTE_MS, h: HOUR_MS }

/** Undefined: it is none. */
export function parseCron(text: string): CronSchedule | undefined {
  const spec = text.trim().toLowerCase()
  if (spec.startsWith('@every ')) return parseEvery(spec.slice('@every '.length).trim())
  const fields = (Object.hasOwn(NAMED, spec) ? NAMED[spec]! : spec).split(/\s+/)
  if (fields.length !== 5) return undefined
  const minutes = parseField(fields[0]!, 0, 59, [])
  const hours = parseField(fields[1]!, 0, 23, [])
  const days = parseField(fields[2]!, 1, 31, [])
  const months = parseField(fields[3]!, 1, 12, MONTHS)
  const sundays = parseField(fields[4]!, 0, 7, WEEKDAYS)
  if (minutes === undefined || hours === undefined || days === undefined) return undefined
  if (months === undefined || sundays === undefined) return undefined
  const weekdays = sundays | (sundays >> 7n)
  const isEitherDay = !isEvery(fields[2]!) && !isEvery(fields[4]!)
  return { everyMs: 0, minutes, hours, days, months, weekdays, isEitherDay }
}

function isEvery(field: string): boolean {
  return field.startsWith('*') || field === '?'
}

function parseEvery(duration: string): CronSchedule | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(duration)) return undefined
  let everyMs = 0
  for (const [, count, unit] of duration.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    everyMs += Number(count) * UNITS_MS[unit!]!
  }
  // Whole seconds, and at least one, as in Temporal.
  everyMs = Math.max(1, Math.floor(everyMs / 1000)) * 1000
  if (everyMs > 100 * 366 * DAY_MS) return undefined
  const none = 0n
  return { everyMs, minutes: none, hours: none, days: none, months: none, weekdays: none, isEitherDay: false }
}

/** Undefined: not a field. */
function parseField(field: string, least: number, most: number, names: readonly string[]): bigint | undefined {
  let bits = 0n
  for (const part of field.split(',')) {
    const match = /^(?:(\*|\?)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part)
    if (match === null) return undefined
    const [, any, from, to, step] = match
    const first = any === undefined ? numberOf(from!, names) : least
    const single = step === undefined ? first : most
    const last = any !== undefined ? most : to === undefined ? single : numberOf(to, names)
    const by = step === undefined ? 1 : Number(step)
    if (!(first >= least && last <= most && first <= last && by >= 1)) return undefined
    for (let at = first; at <= last; at += by) bits |= 1n << BigInt(at)
  }
  return bits
}

/** Not a number: neither one nor a name. */
function numberOf(text: string, names: readonly string[]): number {
  const named = names.indexOf(text)
  if (named !== -1) return named
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/**
 * The first time after `afterMs`; @every counts from `sinceMs`, so that a run that takes long does not move those after it.
 * Undefined: never, such as 30 February.
 */
export function nextCronMs(schedule: CronSchedule, sinceMs: number, afterMs: number): number | undefined {
  const { everyMs } = schedule
  if (everyMs === 0) return nextByFields(schedule, afterMs)
  return sinceMs + (Math.floor(Math.max(0, afterMs - sinceMs) / everyMs) + 1) * everyMs
}

function nextByFields(schedule: CronSchedule, afterMs: number): number | undefined {
  let atMs = (Math.floor(afterMs / MINUTE_MS) + 1) * MINUTE_MS
  const lastYear = new Date(afterMs).getUTCFullYear() + MAX_YEARS
  for (;;) {
    const at = new Date(atMs)
    if (at.getUTCFullYear() > lastYear) return undefined
    if (!has(schedule.months, at.getUTCMonth() + 1)) {
      atMs = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1)
    } else if (!isDay(schedule, at)) atMs = (Math.floor(atMs / DAY_MS) + 1) * DAY_MS
    else if (!has(schedule.hours, at.getUTCHours())) atMs = (Math.floor(atMs / HOUR_MS) + 1) * HOUR_MS
    else if (!has(schedule.minutes, at.getUTCMinutes())) atMs += MINUTE_MS
    else return atMs
  }
}

function isDay({ days, weekdays, isEitherDay }: CronSchedule, at: Date): boolean {
  const isDayOfMonth = has(days, at.getUTCDate())
  const isWeekday = has(weekdays, at.getUTCDay())
  return isEitherDay ? isDayOfMonth || isWeekday : isDayOfMonth && isWeekday
}

function has(bits: bigint, at: number): boolean {
  return ((bits >> BigInt(at)) & 1n) === 1n
}
