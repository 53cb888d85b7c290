/** What the executions of the crash tests run, and how each of them has to end, told from its history by plain code. */
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Ledger } from '../../examples/flights/ledger.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Definition } from '../../src/workflow/definition.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'

export const Item = z.object({ id: z.string(), isLast: z.boolean() })
export type Item = z.infer<typeof Item>

const Work = z.object({ value: z.number(), failures: z.number(), ms: z.number() })

export const PipelineInput = z.object({ values: z.array(z.number()), failures: z.number(), ms: z.number() })
export type PipelineInput = z.infer<typeof PipelineInput>

export const SCRIPTED = 'Scripted'
const retry = { initialInterval: 10, maximumInterval: 60 }

/** Adds its line to the ledger, and then fails as often as it was told to. */
function workOf(ledger: Ledger) {
  return activity({ name: 'work', input: Work, output: z.number(), retry }, async (work, context) => {
    await pause(work.ms)
    ledger.write(context.idempotencyKey, context.attempt)
    if (context.attempt <= work.failures) throw new ApplicationFailure('not yet', { type: SCRIPTED })
    return work.value * 2
  })
}

/** Everything that it was sent, in order, until the last. */
const collector = workflow({ name: 'collector', output: z.array(z.string()), signals: { item: Item } }, async (ctx) => {
  const ids: string[] = []
  for await (const { id, isLast } of ctx.signals('item')) {
    ids.push(id)
    if (isLast) break
  }
  return ids
})
/** What came first: a message or the end of a timer. Later messages find it closed. */
const hasty = workflow({ name: 'hasty', output: z.string(), signals: { item: Item } }, async (ctx) => {
  const item = await ctx.signal('item', { timeout: 25 })
  return item?.id ?? 'late'
})
/** Only terminating ends it. */
const parked = workflow({ name: 'parked', signals: { item: Item } }, async (ctx) => {
  await ctx.race({ sleep: (branch) => branch.sleep('3 days'), never: (branch) => branch.condition(() => false) })
})

function sums(ledger: Ledger) {
  const work = workOf(ledger)
  /** One after the other, with a sleep between. */
  const pipeline = workflow(
    { name: 'pipeline', input: PipelineInput, output: z.number() },
    async (ctx, { values, failures, ms }) => {
      let sum = 0
      for (const value of values) {
        sum += await ctx.run(work, { value, failures, ms })
        await ctx.sleep(1 + (value % 30))
      }
      return sum
    },
  )
  /** All at once, activities and timers. */
  const fanOut = workflow(
    { name: 'fanOut', input: PipelineInput, output: z.number() },
    async (ctx, { values, failures, ms }) => {
      const doubled = values.map((value) => ctx.run(work, { value, failures, ms }))
      const slept = values.map(async (value) => {
        await ctx.sleep(1 + value)
        return value
      })
      return [...(await Promise.all(doubled)), ...(await Promise.all(slept))].reduce((a, b) => a + b, 0)
    },
  )
  return { work, pipeline, fanOut }
}

export function programs(ledger: Ledger) {
  const { work, pipeline, fanOut } = sums(ledger)
  const definitions: readonly Definition[] = [pipeline, fanOut, collector, hasty, parked, work]
  return { pipeline, fanOut, collector, hasty, parked, definitions }
}
export type Programs = ReturnType<typeof programs>
