/** The workflow of one flight, and its activities: checked, classified by three at once, sent to a gate, reported. */
import { z } from 'zod'
import { activity, ApplicationFailure, workflow } from '../../src/index.js' // 'shardloom'
import type { ActivityContext, Definition, Workflow } from '../../src/index.js'
import { delayClass, distanceClass, Flight, Landing, reportOf, routeOf } from './data.js'

const signals = { gate: z.object({ gate: z.string() }) }

// A worker that dies takes its attempts with it; they are tried again almost at once.
const retry = { initialInterval: 20, maximumInterval: 200 }

/** How an activity does its work: whoever runs it writes down that it was done. */
export type Perform = <T>(context: ActivityContext, work: () => T) => Promise<T>

export interface FlightDefinitions {
  readonly flight: Workflow<Flight, Landing, typeof signals>
  readonly definitions: readonly Definition[]
}

export function flightDefinitions(perform: Perform): FlightDefinitions {
  const activities = flightActivities(perform)
  const { checkFlight, classifyDistance, classifyDelay, nameRoute, writeReport } = activities

  const flight = workflow({ name: 'flight', input: Flight, output: Landing, signals }, async (ctx, plan) => {
    await ctx.run(checkFlight, plan)
    const [distance, delay, route] = await Promise.all([
      ctx.run(classifyDistance, plan),
      ctx.run(classifyDelay, plan),
      ctx.run(nameRoute, plan),
    ])
    await ctx.sleep(10 + (plan.distance % 41))
    const { gate } = await ctx.signal('gate')
    const report = await ctx.run(writeReport, { distance, delay, route, gate })
    return { distance, delay, route, gate, report }
  })
  return { flight, definitions: [flight, ...Object.values(activities)] }
}

function flightActivities(perform: Perform) {
  return {
    checkFlight: activity({ name: 'checkFlight', input: Flight, retry }, (flight, context) =>
      perform(context, () => {
        if (flight.origin === flight.destination) throw ApplicationFailure.nonRetryable('it lands where it started')
      }),
    ),
    classifyDistance: activity(
      { name: 'classifyDistance', input: Flight, output: Landing.shape.distance, retry },
      (flight, context) => perform(context, () => distanceClass(flight)),
    ),
    classifyDelay: activity(
      { name: 'classifyDelay', input: Flight, output: Landing.shape.delay, retry },
      (flight, context) => perform(context, () => delayClass(flight)),
    ),
    nameRoute: activity({ name: 'nameRoute', input: Flight, output: z.string(), retry }, (flight, context) =>
      perform(context, () => routeOf(flight)),
    ),
    writeReport: activity(
      { name: 'writeReport', input: Landing.omit({ report: true }), output: z.string(), retry },
      (landing, context) => perform(context, () => reportOf(landing)),
    ),
  }
}
