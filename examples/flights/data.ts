/** The flights of the example: 20,000 real ones of 2001, from the npm package vega-datasets, and plain facts about them. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'

export const Flight = z.object({
  /** Local time of departure: `2001/01/01 00:47`. */
  date: z.string(),
  /** Minutes; negative: early. */
  delay: z.number().int(),
  /** Miles. */
  distance: z.number().positive(),
  origin: z.string().length(3),
  destination: z.string().length(3),
})
export type Flight = z.infer<typeof Flight>

/** What a flight's workflow comes to. */
export const Landing = z.object({
  route: z.string(),
  distance: z.enum(['short', 'medium', 'long']),
  delay: z.enum(['early', 'on time', 'late', 'very late']),
  gate: z.string(),
  report: z.string(),
})
export type Landing = z.infer<typeof Landing>

/** The first `count` of them. */
export function readFlights(count: number): readonly Flight[] {
  // The package's exports hide its data files, so they are found beside its entry point.
  const entry = createRequire(import.meta.url).resolve('vega-datasets')
  const text = readFileSync(join(dirname(entry), '..', 'data', 'flights-20k.json'), 'utf8')
  return (JSON.parse(text) as Flight[]).slice(0, count)
}

export function routeOf({ origin, destination }: Flight): string {
  return `${origin}-${destination}`
}

export function distanceClass({ distance }: Flight): Landing['distance'] {
  if (distance < 500) return 'short'
  return distance < 1500 ? 'medium' : 'long'
}

export function delayClass({ delay }: Flight): Landing['delay'] {
  if (delay < 0) return 'early'
  if (delay < 15) return 'on time'
  return delay < 60 ? 'late' : 'very late'
}

export function reportOf({ route, distance, delay, gate }: Omit<Landing, 'report'>): string {
  return `${route} (${distance}) came in ${delay} at ${gate}`
}

/** Where a flight is sent to: told by the tower, so its workflow does not know until it is signalled. */
export function gateOf(index: number): string {
  return `${'ABCDEF'[index % 6]}${1 + (index % 29)}`
}
