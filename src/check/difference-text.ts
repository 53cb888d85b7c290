/** A difference for people to read: the events before it, then what history has and what the code asked for. */
import type { HistoryEvent } from '../protocol/event.js'
import type { Problem } from '../workflow/host.js'
import { eventText } from '../workflow/verdict.js'

const EVENTS_BEFORE = 5

export function differenceText(problem: Problem, history: readonly HistoryEvent[]): string {
  const { eventId = history.length + 1, difference, failure, hint } = problem
  const before = history.filter((event) => event.eventId < eventId).slice(-EVENTS_BEFORE)
  const width = String(eventId).length
  const line = (mark: string, id: number | string, text: string): string =>
    `${mark} ${String(id).padStart(width)}  ${text}`
  const lines = before.map((event) => line(' ', event.eventId, eventText(event)))
  if (difference === undefined) lines.push(line('!', '', failure.message))
  else {
    lines.push(line('-', eventId, `history has ${difference.recorded}`))
    lines.push(line('+', '', `the code asked for ${difference.asked}`))
  }
  return [...lines, '', hint].join('\n')
}
