/** What the types of starts, results and signals let through, and what not. Checked by tsc; nothing here runs. */
import { z } from 'zod'
import {
  activity,
  workflow,
  type Loom,
  type StartedHandle,
  type WorkflowHandle,
  type WorkflowInput,
  type WorkflowResult,
} from '../../src/index.js'

declare const loom: Loom

/** Compiles only when both are one type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Same<A, B>): void {}
/** `exactly<number>()(value)` compiles only when that is the type of `value`. */
function exactly<Expected>(): <Actual>(
  value: Actual,
  ...no: Same<Expected, Actual> extends true ? [] : [never]
) => void {
  return () => {}
}

const Order = z.object({ id: z.string(), amount: z.string().transform(Number), tip: z.number().default(0) })
const charge = activity({ name: 'charge', input: Order, output: z.object({ receipt: z.string() }) }, async (order) => {
  exactly<{ id: string; amount: number; tip: number }>()(order)
  return { receipt: order.id }
})
const bare = activity({ name: 'bare' }, async (n: number) => ({ n }))
const noInput = activity({ name: 'noInput' }, async () => 1)

const checkout = workflow(
  {
    name: 'checkout',
    input: Order,
    output: z.string().transform((text) => text.length),
    signals: { approve: z.object({ by: z.string() }), nudge: z.undefined(), rate: z.string().transform(Number) },
  },
  async (ctx, order) => {
    exactly<{ id: string; amount: number; tip: number }>()(order)
    const { receipt } = await ctx.run(charge, { id: order.id, amount: '1' })
    exactly<string>()(receipt)
    const { n } = await ctx.run(bare, 1)
    exactly<number>()(n)
    await ctx.run(noInput)

    const approval = await ctx.signal('approve')
    exactly<{ by: string }>()(approval)
    const late = await ctx.signal('approve', { timeout: '3 days' })
    exactly<{ by: string } | undefined>()(late)
    const rate = await ctx.signal('rate')
    exactly<number>()(rate)
    const won = await ctx.race({ text: async (c) => (await c.signal('approve')).by, time: (c) => c.sleep(5) })
    if (won.key === 'text') exactly<string>()(won.value)
    const undone = await ctx.saga(async (c, undo) => {
      undo((cc) => cc.signal('approve'))
      // @ts-expect-error not a signal of this workflow
      undo((cc) => cc.signal('reject'))
      return (await c.signal('approve')).by
    })
    exactly<string>()(undone)
    const step = await ctx.step('name', async ({ signal }) => signal.aborted)
    exactly<boolean>()(step)
    const inTime = await ctx.condition(() => true, '1 h')
    exactly<boolean>()(inTime)

    // @ts-expect-error not a signal of this workflow
    void ctx.signal('reject')
    // @ts-expect-error amount travels as text
    void ctx.run(charge, { id: '1', amount: 1 })
    // @ts-expect-error input is missing
    void ctx.run(bare)
    // @ts-expect-error not a duration
    void ctx.sleep('3 moons')
    return receipt
  },
)
const plain = workflow({ name: 'plain' }, async (ctx, n: number) => {
  // @ts-expect-error a workflow without signals waits for none
  void ctx.signal('any')
  return { n }
})
const optional = workflow({ name: 'optional', input: z.string().optional() }, async () => 1)
const nothing = workflow({ name: 'nothing' }, async () => undefined)

export async function starts(): Promise<void> {
  const handle = await loom.start(checkout, { workflowId: 'w', input: { id: '1', amount: '1' } })
  exactly<StartedHandle<typeof checkout>>()(handle)
  exactly<string>()(handle.runId)
  const length = await handle.result()
  exactly<number>()(length)
  const done = await loom.execute(plain, { workflowId: 'w', input: 1 })
  exactly<{ n: number }>()(done)
  await loom.start(optional, { workflowId: 'w' })
  await loom.start(nothing, { workflowId: 'w', workflowTaskTimeout: '20 s', workflowIdConflictPolicy: 'UseExisting' })

  // @ts-expect-error input is missing
  await loom.start(checkout, { workflowId: 'w' })
  // @ts-expect-error amount travels as text
  await loom.start(checkout, { workflowId: 'w', input: { id: '1', amount: 1 } })
  // @ts-expect-error workflowId is missing
  await loom.start(checkout, { input: { id: '1', amount: '1' } })
  // @ts-expect-error no such policy
  await loom.start(nothing, { workflowId: 'w', workflowIdReusePolicy: 'Never' })
  // @ts-expect-error no such option
  await loom.start(nothing, { workflowId: 'w', retries: {} })
  // @ts-expect-error an activity is not started
  await loom.start(charge, { workflowId: 'w', input: { id: '1', amount: '1' } })
  // @ts-expect-error plain takes a number
  await loom.execute(plain, { workflowId: 'w', input: '1' })
}

export async function signals(
  handle: WorkflowHandle<typeof checkout>,
  other: WorkflowHandle<typeof plain>,
): Promise<void> {
  await handle.signal('approve', { by: 'ada' })
  await handle.signal('approve', { by: 'ada' }, { requestId: 'r' })
  await handle.signal('nudge')
  await handle.signal('rate', '5')

  // @ts-expect-error no such signal
  await handle.signal('aprove', { by: 'ada' })
  // @ts-expect-error the payload is missing
  await handle.signal('approve')
  // @ts-expect-error the payload does not fit
  await handle.signal('approve', { by: 1 })
  // @ts-expect-error rate travels as text
  await handle.signal('rate', 5)
  // @ts-expect-error a workflow without signals takes none
  await other.signal('approve')
}

export async function handles(): Promise<void> {
  const untyped = loom.handle('w')
  exactly<WorkflowHandle>()(untyped)
  const unknown = await untyped.result()
  exactly<unknown>()(unknown)
  await untyped.signal('anything', { at: 'all' })
  await loom.start('by name', { workflowId: 'w', input: { any: 'thing' } })

  const typed = loom.handle(checkout, 'w', '01890000-0000-7000-8000-000000000001')
  const length = await typed.result()
  exactly<number>()(length)
  const named = await loom.start<typeof checkout>('checkout', { workflowId: 'w', input: { id: '1', amount: '1' } })
  exactly<StartedHandle<typeof checkout>>()(named)

  // Any handle will do where nothing is asked of its types.
  const all: WorkflowHandle[] = [untyped, typed, named]
  for (const { workflowId, runId } of all) {
    exactly<string>()(workflowId)
    exactly<string | undefined>()(runId)
  }
  // @ts-expect-error a handle needs an id
  loom.handle(checkout)
}

same<WorkflowInput<typeof checkout>, { id: string; amount: string; tip?: number | undefined }>(true)
same<WorkflowResult<typeof checkout>, number>(true)

// @ts-expect-error what the function returns must fit the output schema
workflow({ name: 'w', output: z.string() }, async () => 1)
// @ts-expect-error what the function returns must fit the output schema
activity({ name: 'a', output: z.string() }, async () => 1)
// @ts-expect-error a time-out is a duration
activity({ name: 'a', startToClose: 'soon' }, async () => 1)
