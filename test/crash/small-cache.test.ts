/** A cache far too small for what is going on: executions leave it all the time, and nobody may notice. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { openLoom, type Loom } from '../../src/loom.js'
import { memory } from '../../src/storage/memory.js'
import { activity, workflow } from '../../src/workflow/define.js'

const EXECUTIONS = 300

let loom: Loom
afterEach(() => loom.close())

async function open(): Promise<void> {
  const settings = { executionCacheCount: 2, codeCacheCount: 2 }
  loom = await openLoom({ medium: memory(), shardCount: 4, definitions: [double, patient], settings })
}

const double = activity({ name: 'double' }, async (n: number) => {
  await pause(n % 5)
  return 2 * n
})

const patient = workflow({ name: 'patient' }, async (ctx, n: number) => {
  const first = await ctx.run(double, n)
  await ctx.sleep(1 + (n % 20))
  const second = await ctx.run(double, first)
  return second
})

test('executions that leave memory between their steps lose no timer, no outcome and no caller', async () => {
  await open()
  const all = Array.from({ length: EXECUTIONS }, (_, n) => n)

  const results = await Promise.all(all.map((n) => loom.execute(patient, { workflowId: `p${n}`, input: n })))

  expect(results).toEqual(all.map((n) => 4 * n))
})

test('calls to an execution that leaves memory while they look for it are answered', async () => {
  await open()
  const all = Array.from({ length: EXECUTIONS }, (_, n) => n)
  for (const n of all) await loom.start('parked', { workflowId: `q${n}`, taskQueue: 'nobody' })

  const statuses = await Promise.all(all.map((n) => loom.handle(`q${n}`).describe()))
  await Promise.all(all.map((n) => loom.handle(`q${n}`).signal('any', n)))
  await Promise.all(all.map((n) => loom.handle(`q${n}`).terminate('enough')))

  expect(statuses.map(({ status }) => status)).toEqual(all.map(() => 'Running'))
  for (const n of all) expect((await loom.handle(`q${n}`).describe()).status).toBe('Terminated')
})
