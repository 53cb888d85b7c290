/** The workflows of the workloads. */
import type { Schema } from '../src/workflow/schema.js'
import type { Package } from './under-test.js'

/** About 100 bytes of JSON. */
export const ORDER = { id: 123_456, user: 'user-17', note: 'x'.repeat(40), amount: 12.5, isPaid: true }
export const SLEEP_MS = 1000
export const STEPS = 10
export const SIGNALS = 100

type Order = typeof ORDER
export type Programs = ReturnType<typeof newPrograms>

/** Takes anything for a number. */
const number: Schema<number> = {
  '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value: value as number }) },
}

export function newPrograms({ activity, workflow }: Pick<Package, 'activity' | 'workflow'>) {
  const charge = activity({ name: 'charge' }, async ({ id, amount, note }: Order) => {
    return { id, status: 'done', total: amount * 2, note, isPaid: true }
  })
  const oneActivity = workflow({ name: 'oneActivity' }, (ctx, order: Order) => ctx.run(charge, order))
  const tenActivities = workflow({ name: 'tenActivities' }, async (ctx, order: Order) => {
    let total = 0
    for (let step = 0; step < STEPS; step++) total += (await ctx.run(charge, order)).total
    return total
  })
  /** Gives when it began to sleep. */
  const sleeper = workflow({ name: 'sleeper' }, async (ctx) => {
    const beganAtMs = ctx.now()
    await ctx.sleep(SLEEP_MS)
    return beganAtMs
  })
  const adder = workflow({ name: 'adder', signals: { add: number } }, async (ctx) => {
    let sum = 0
    for (let i = 0; i < SIGNALS; i++) sum += await ctx.signal('add')
    return sum
  })
  const parked = workflow({ name: 'parked', signals: { go: number } }, async (ctx, order: Order) => {
    return { go: await ctx.signal('go'), id: order.id }
  })
  const atOnce = workflow({ name: 'atOnce' }, async () => undefined)
  return { charge, oneActivity, tenActivities, sleeper, adder, parked, atOnce }
}
