/**
 * The smallest whole program: an order is charged, somebody approves it, and the receipt comes back.
 *
 * `npx tsx examples/hello/main.ts [FOLDER]`. With a folder it may be killed and run again: the order is the same one.
 * Without, each run has a folder of its own.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { activity, isLoomError, level, openLoom, workflow } from '../../src/index.js' // 'shardloom'

// docs: begin
const Order = z.object({ id: z.string(), amount: z.number().positive() })

const charge = activity(
  { name: 'charge', input: Order, output: z.object({ receipt: z.string() }), startToClose: '10 s' },
  async (order, { idempotencyKey, log }) => {
    // A payment service would be called here, with that key: it is the same for every attempt.
    log.info({ idempotencyKey }, `charging ${order.amount}`)
    return { receipt: `receipt of ${order.id}` }
  },
)

const refund = activity({ name: 'refund', input: Order }, async (order, { log }) => {
  log.info({}, `giving back ${order.amount}`)
})

const checkout = workflow(
  {
    name: 'checkout',
    input: Order,
    output: z.string(),
    signals: { approve: z.object({ by: z.string() }) },
  },
  async (ctx, order) => {
    const { receipt } = await ctx.run(charge, order)
    const approval = await ctx.signal('approve', { timeout: '3 days' })
    if (approval !== undefined) return `${receipt}, approved by ${approval.by}`
    await ctx.run(refund, order)
    return 'nobody approved'
  },
)

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'shardloom-hello-'))
const loom = await openLoom({
  medium: level(folder),
  shardCount: 512,
  definitions: [checkout, charge, refund],
  logger: console,
})

const handle = await loom.start(checkout, {
  workflowId: 'order-42',
  requestId: 'order-42',
  input: { id: '42', amount: 10 },
})
try {
  await handle.signal('approve', { by: 'ada' })
} catch (error) {
  // Run once more after its end: the order has its approval.
  if (!isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
}
console.log(await handle.result())

await loom.close()
// docs: end
