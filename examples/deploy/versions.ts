/** The same workflow as it is deployed, one version after the other. In an application these are commits of one file. */
import { activity, workflow, type WorkflowContext } from '../../src/index.js' // 'shardloom'
import { z } from 'zod'

const parcel = { name: 'parcel', input: z.string(), output: z.string(), signals: { collected: z.undefined() } }
type Ctx = WorkflowContext<typeof parcel.signals>

// docs: begin
export const pack = activity({ name: 'pack', input: z.string() }, (what) => console.log(`  packed ${what}`))
export const weigh = activity({ name: 'weigh', input: z.string() }, (what) => what.length)

export const first = workflow(parcel, async (ctx, what) => {
  await ctx.run(pack, what)
  await ctx.signal('collected')
  return `${what} is on its way`
})
// docs: end

// docs: begin
/** What everybody writes first: it asks for something else than the histories have. */
export const hasty = workflow(parcel, async (ctx, what) => {
  const kg = await ctx.run(weigh, what)
  await ctx.run(pack, what)
  await ctx.signal('collected')
  return `${what}, ${kg} kg, is on its way`
})
// docs: end

// docs: begin
/** Both ways, each for its own executions. */
export const patched = workflow(parcel, async (ctx, what) => {
  const kg = ctx.patched('weigh') ? await ctx.run(weigh, what) : undefined
  await ctx.run(pack, what)
  await ctx.signal('collected')
  return kg === undefined ? `${what} is on its way` : `${what}, ${kg} kg, is on its way`
})
// docs: end

// docs: begin
/** When the last parcel without a weight is gone. */
export const deprecated = workflow(parcel, (ctx, what) => {
  ctx.deprecatePatch('weigh')
  return weighed(ctx, what)
})

/** When the last one that asked `patched` is gone, too. */
export const last = workflow(parcel, weighed)

async function weighed(ctx: Ctx, what: string): Promise<string> {
  const kg = await ctx.run(weigh, what)
  await ctx.run(pack, what)
  await ctx.signal('collected')
  return `${what}, ${kg} kg, is on its way`
}
// docs: end
