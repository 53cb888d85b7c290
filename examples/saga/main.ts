/**
 * A saga: a trip is a flight, a hotel and a car, or nothing. What was booked is given back when one of them fails, when
 * nobody pays, or when the traveller calls it off.
 *
 * `npx tsx examples/saga/main.ts [FOLDER]`. With a folder it may be killed and run again: it goes on where it was, also in
 * the middle of giving back. Without, each run has a folder of its own.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import {
  activity,
  ApplicationFailure,
  level,
  openLoom,
  workflow,
  type WorkflowFailedError,
  type WorkflowHandle,
} from '../../src/index.js' // 'shardloom'

// docs: begin
const Booking = z.object({ id: z.string(), what: z.string() })

const book = activity(
  // Its end is waited for when it is cancelled: a booking that may yet be made cannot be given back.
  { name: 'book', input: Booking, startToClose: '10 s', cancellationType: 'WaitCancellationCompleted' },
  async ({ what }) => {
    // A partner's service would be called here, with the id: the same for every attempt, and for giving back.
    await sleep(20)
    if (what === 'car in Lisbon') throw ApplicationFailure.nonRetryable('no cars left')
    console.log(`+ ${what}`)
  },
)

const giveBack = activity({ name: 'giveBack', input: Booking, startToClose: '10 s' }, async ({ what }) => {
  await sleep(20)
  console.log(`- ${what}`)
})

const trip = workflow(
  { name: 'trip', input: z.string(), output: z.string(), signals: { paid: z.number() } },
  (ctx, city) =>
    ctx.saga(async (c, undo) => {
      for (const what of [`flight to ${city}`, `hotel in ${city}`, `car in ${city}`]) {
        const booking = { id: c.uuid(), what }
        // Said before: a booking that times out may have been made all the same.
        undo((cc) => cc.run(giveBack, booking))
        await c.run(book, booking)
      }
      const paid = await c.signal('paid', { timeout: '2 days' })
      if (paid === undefined) throw new ApplicationFailure('nobody paid')
      return `${city} for ${paid}`
    }),
)
// docs: end

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'shardloom-saga-'))
const loom = await openLoom({ medium: level(folder), shardCount: 512, definitions: [trip, book, giveBack] })
const tellFailure = (error: WorkflowFailedError): void => console.log(`${error.status}: ${error.message}`)

const lisbon = await loom.start(trip, { workflowId: 'trip-to-Lisbon', requestId: 'lisbon', input: 'Lisbon' })
await lisbon.result().catch(tellFailure)

const oslo = await loom.start(trip, { workflowId: 'trip-to-Oslo', requestId: 'oslo', input: 'Oslo' })
await untilBooked(oslo)
await oslo.cancel('the traveller is ill')
await oslo.result().catch(tellFailure)

const rome = { workflowId: 'trip-to-Rome', requestId: 'rome', input: 'Rome' }
const paid = await loom.signalWithStart(trip, { ...rome, signal: 'paid', payload: 900 })
console.log(await paid.result())

await loom.close()

/** It waits for the money, or has ended when this is run once more. */
async function untilBooked(handle: WorkflowHandle): Promise<void> {
  for (;;) {
    const { status, pendingTimers } = await handle.describe()
    if (status !== 'Running' || pendingTimers.length > 0) return
    await sleep(20)
  }
}
