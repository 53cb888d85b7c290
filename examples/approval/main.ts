/**
 * An approval: an expense waits for everybody who has to agree, and says at any time how it stands.
 *
 * `npx tsx examples/approval/main.ts`. The store is closed in between and opened again: whoever asks does not notice.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { activity, level, openLoom, workflow, type Loom } from '../../src/index.js' // 'shardloom'

// docs: begin
const Expense = z.object({ cents: z.number().int(), approvers: z.array(z.string()) })
const State = z.enum(['waiting', 'refused', 'expired', 'paid'])

const pay = activity({ name: 'pay', input: z.number(), startToClose: '10 s' }, (cents) => {
  console.log(`  paying ${(cents / 100).toFixed(2)} €`)
})

const expense = workflow(
  {
    name: 'expense',
    input: Expense,
    output: State,
    signals: { decide: z.object({ by: z.string(), agrees: z.boolean() }) },
    queries: { status: z.object({ state: State, missing: z.array(z.string()) }) },
  },
  async (ctx, { cents, approvers }) => {
    let state: z.infer<typeof State> = 'waiting'
    const missing = new Set(approvers)
    ctx.onQuery('status', () => ({ state, missing: [...missing] }))

    while (missing.size > 0) {
      const decision = await ctx.signal('decide', { timeout: '5 days' })
      if (decision === undefined) return (state = 'expired')
      if (!decision.agrees) return (state = 'refused')
      missing.delete(decision.by)
    }
    await ctx.run(pay, cents)
    return (state = 'paid')
  },
)

/** What an approver's page shows. */
async function show(loom: Loom, workflowId: string): Promise<void> {
  const { state, missing } = await loom.handle(expense, workflowId).query('status')
  console.log(`${workflowId}: ${state}${missing.length === 0 ? '' : `, for ${missing.join(' and ')}`}`)
}
// docs: end

const options = { medium: level(mkdtempSync(join(tmpdir(), 'shardloom-approval-'))), shardCount: 16 }

const before = await openLoom({ ...options, definitions: [expense, pay] })
const lamp = await before.start(expense, { workflowId: 'lamp', input: { cents: 4900, approvers: ['ada', 'bob'] } })
await show(before, 'lamp')
await lamp.signal('decide', { by: 'bob', agrees: true })
await show(before, 'lamp')
await before.start(expense, { workflowId: 'yacht', input: { cents: 90_000_000, approvers: ['ada'] } })
await before.close()

console.log('closed, and opened again')
const after = await openLoom({ ...options, definitions: [expense, pay] })
await show(after, 'lamp')
await after.handle(expense, 'lamp').signal('decide', { by: 'ada', agrees: true })
await after.handle(expense, 'yacht').signal('decide', { by: 'ada', agrees: false })
for (const workflowId of ['lamp', 'yacht']) {
  await after.handle(workflowId).result()
  await show(after, workflowId)
}
await after.close()
