/** What must and must not compile of definitions and ctx. Not run: tsc checks it, by its @ts-expect-error. */
import { z } from 'zod'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type {
  ActivityInput,
  ActivityResult,
  Definition,
  SignalNames,
  SignalPayload,
  WorkflowInput,
  WorkflowResult,
} from '../../src/workflow/definition.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <T extends true>(): T => true as T
/** Is the type of a value exactly `E`? */
const equal =
  <E>() =>
  <A>(value: A, ..._: Equal<A, E> extends true ? [] : [never]): A =>
    value

const Order = z.object({ id: z.string(), amount: z.number().positive(), note: z.string().default('') })
const Receipt = z.object({ receipt: z.string(), at: z.string().transform((text) => new Date(text)) })

type Deep = { at: Date; n?: number; say(): number }
type OrderSent = { id: string; amount: number; note?: string | undefined }
type OrderParsed = { id: string; amount: number; note: string }

// What callers give is the schema's input form; what functions get is its parse.
const charge = activity(
  { name: 'charge', input: Order, output: Receipt, startToClose: '10 s' },
  async (order, context) => {
    equal<OrderParsed>()(order)
    equal<AbortSignal>()(context.signal)
    equal<string>()(context.idempotencyKey)
    context.heartbeat()
    return { receipt: 'r-1', at: '2024-01-01' }
  },
)
is<Equal<ActivityInput<typeof charge>, OrderSent>>()
is<Equal<ActivityResult<typeof charge>, { receipt: string; at: Date }>>()

// Without schemas the function's own types count.
const double = activity({ name: 'double' }, async (n: number) => n * 2)
is<Equal<ActivityInput<typeof double>, number>>()
is<Equal<ActivityResult<typeof double>, number>>()
export const dated = activity({ name: 'dated' }, async () => [{ at: new Date() }, 5] as const)
is<Equal<ActivityResult<typeof dated>, readonly [{ readonly at: string }, 5]>>()
const ping = activity({ name: 'ping' }, () => 'pong' as const)
is<Equal<ActivityResult<typeof ping>, 'pong'>>()
const onlyInput = activity({ name: 'onlyInput', input: Order }, async (order) => order.note.length)
is<Equal<ActivityInput<typeof onlyInput>, OrderSent>>()
is<Equal<ActivityResult<typeof onlyInput>, number>>()
const onlyOutput = activity({ name: 'onlyOutput', output: Receipt }, (n: number) => ({ receipt: String(n), at: '' }))
is<Equal<ActivityInput<typeof onlyOutput>, number>>()
is<Equal<ActivityResult<typeof onlyOutput>, { receipt: string; at: Date }>>()

// @ts-expect-error what is returned must fit the output schema
activity({ name: 'bad', output: Receipt }, async () => ({ receipt: 5, at: '' }))
// @ts-expect-error also when something is missing
activity({ name: 'bad', output: Receipt }, async () => ({}))
// @ts-expect-error an annotated parameter must fit the input schema's parse
activity({ name: 'bad', input: Order }, async (order: { id: number }) => order.id)
// @ts-expect-error a name is needed
activity({}, async () => {})
// @ts-expect-error durations are texts with a unit
activity({ name: 'bad', startToClose: 'soon' }, async () => {})
// @ts-expect-error unknown options are refused
activity({ name: 'bad', timeout: 5 }, async () => {})

const checkout = workflow(
  {
    name: 'checkout',
    input: Order,
    output: z.string(),
    signals: { approve: z.object({ by: z.string() }), tick: z.string().transform(Number) },
    failOn: [TypeError],
  },
  async (ctx, order) => {
    equal<OrderParsed>()(order)

    const charged = await ctx.run(charge, { id: '1', amount: 5 })
    equal<{ receipt: string; at: Date }>()(charged)
    await ctx.run(charge, order, { scheduleToClose: '1 m', retry: { maximumAttempts: 3 } })
    await ctx.run(ping)
    await ctx.run(ping, undefined, { taskQueue: 'other' })
    // @ts-expect-error the input is not the schema's
    await ctx.run(charge, { id: 1, amount: 5 })
    // @ts-expect-error the input is needed
    await ctx.run(charge)
    // @ts-expect-error not an option
    await ctx.run(ping, undefined, { nothing: 1 })
    // @ts-expect-error workflows are not run by run
    await ctx.run(checkout)

    const approval = await ctx.signal('approve')
    equal<{ by: string }>()(approval)
    const limited = await ctx.signal('approve', { timeout: '3 days' })
    equal<{ by: string } | undefined>()(limited)
    const parsed = await ctx.signal('tick')
    equal<number>()(parsed)
    for await (const tick of ctx.signals('tick')) equal<number>()(tick)
    ctx.onSignal('tick', (tick) => equal<number>()(tick))
    // @ts-expect-error not declared
    await ctx.signal('approved')
    // @ts-expect-error not declared
    ctx.onSignal('approved', () => {})
    // @ts-expect-error the handler's parameter is the parse
    ctx.onSignal('tick', (tick: string) => tick)

    is<Equal<Awaited<ReturnType<typeof ctx.sleep>>, void>>()
    await ctx.sleep(new Date(5))
    // @ts-expect-error not a duration
    await ctx.sleep('tomorrow')

    const isReady = await ctx.condition(() => true, '1 s')
    equal<boolean>()(isReady)
    const nothing = await ctx.condition(() => true)
    equal<void>()(nothing)

    const step = await ctx.step('step', async ({ attempt }) => attempt, { startToClose: 5 })
    equal<number>()(step)
    equal<string>()(await ctx.step('date', () => new Date()))
    equal<{ at: string; n?: number }>()(
      await ctx.step('deep', async (): Promise<Deep> => ({ at: new Date(), n: 1, say: () => 1 })),
    )
    equal<unknown>()(await ctx.step('any', (): unknown => 1))
    equal<never>()(await ctx.step('map', () => new Map<string, number>()))
    // @ts-expect-error steps run where the execution is
    await ctx.step('step', () => 1, { taskQueue: 'other' })

    const raced = await ctx.race({
      approved: (c) => c.signal('approve'),
      late: (c) => c.sleep('3 days'),
      kept: ctx.sleep(1),
    })
    if (raced.key === 'approved') equal<{ by: string }>()(raced.value)
    else equal<void>()(raced.value)
    // @ts-expect-error no such branch
    if (raced.key === 'other') return ''

    await helper(ctx)
    await narrow(ctx)
    // @ts-expect-error it does not have that signal
    await foreign(ctx)
    return charged.receipt
  },
)
is<Equal<WorkflowInput<typeof checkout>, OrderSent>>()
is<Equal<WorkflowResult<typeof checkout>, string>>()
is<Equal<SignalNames<typeof checkout>, 'approve' | 'tick'>>()
is<Equal<SignalPayload<typeof checkout, 'approve'>, { by: string }>>()
is<Equal<SignalPayload<typeof checkout, 'tick'>, string>>()

/** A function for any workflow takes any ctx, and one for some signals a ctx that has them. */
async function helper(ctx: WorkflowContext): Promise<void> {
  await ctx.sleep(1)
}
async function narrow(ctx: WorkflowContext<{ tick: z.ZodType<number, string> }>): Promise<number> {
  return ctx.signal('tick')
}
async function foreign(ctx: WorkflowContext<{ other: z.ZodNumber }>): Promise<number> {
  return ctx.signal('other')
}

const plain = workflow({ name: 'plain' }, async (ctx, n: number) => {
  await helper(ctx)
  // @ts-expect-error a workflow that declares no signals has none
  await ctx.signal('any')
  return [n]
})
is<Equal<WorkflowInput<typeof plain>, number>>()
is<Equal<WorkflowResult<typeof plain>, number[]>>()
is<Equal<SignalNames<typeof plain>, never>>()

// Members of an enum stay what they are, and do not become strings.
const Status = z.enum(['charging', 'done'])
const status = workflow({ name: 'status', output: Status }, async (ctx) => (ctx.now() > 5 ? 'charging' : 'done'))
activity({ name: 'status', output: z.object({ status: Status }) }, async () => ({ status: 'done' }))
is<Equal<WorkflowResult<typeof status>, 'charging' | 'done'>>()
workflow({ name: 'status', output: Status }, async (ctx) => {
  await ctx.sleep(1)
  return 'done'
})
workflow({ name: 'status', output: Status }, () => 'done')
activity({ name: 'status', output: Status }, async () => 'done')
activity({ name: 'status', output: Status, input: Order }, async ({ id }) => {
  if (id === '') throw new Error('none')
  return 'done'
})
activity({ name: 'status', output: z.literal('done') }, async () => 'done')
activity({ name: 'nothing', output: z.void() }, async () => {})
activity({ name: 'nothing', output: z.undefined() }, () => undefined)
activity({ name: 'maybe', output: z.literal('x').optional() }, async (n: number) => (n > 5 ? 'x' : undefined))
activity({ name: 'maybe', output: z.null() }, async () => null)
// @ts-expect-error not one of them
workflow({ name: 'status', output: Status }, () => 'other')
// @ts-expect-error not one of them
workflow({ name: 'status', output: Status }, async () => 'other')

// Any definition is a Definition.
export const definitions: Definition[] = [charge, double, ping, onlyInput, onlyOutput, checkout, plain, status]
