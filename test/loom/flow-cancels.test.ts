/** A cancel that meets the end of what it cancels: both fall into one workflow task, and the end stands. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { gate, open, typesOf, until } from './rig.js'

const signals = { go: z.string(), end: z.number() }
type Ctx = WorkflowContext<typeof signals>

const TIMERS: Record<string, (ctx: Ctx) => Promise<unknown>> = {
  'a race of two timers': async (ctx) => (await ctx.race({ a: (c) => c.sleep(20), b: (c) => c.sleep(20) })).key,
  'a condition and its time limit': async (ctx) => {
    let isLate = false
    const sleep = ctx.sleep(20).then(() => (isLate = true))
    const inTime = await ctx.condition(() => isLate, 20)
    await sleep
    return inTime
  },
}

for (const [name, code] of Object.entries(TIMERS)) {
  test.each([false, true])(`${name}, due together (more to do after it: %s)`, async (goesOn) => {
    const clock = new VirtualClock()
    const due = workflow({ name: 'due', signals }, async (ctx) => {
      const outcome = await code(ctx)
      if (goesOn) await ctx.signal('end')
      return outcome
    })
    const loom = await open({ definitions: [due], clock })
    const handle = await loom.start(due, { workflowId: 'w' })

    await clock.advance(100)

    expect((await handle.describe()).stalled).toBeUndefined()
    if (goesOn) await handle.signal('end', 1)
    expect((await typesOf(handle)).filter((type) => type.startsWith('Timer'))).not.toContain('TimerCanceled')
    await handle.result()
    await loom.close()
  })
}

test('an activity that ends while it is called off, in one task and in the replay of that', async () => {
  const { promise, open: release } = gate<string>()
  const slow = activity({ name: 'slow' }, () => promise)
  const racing = workflow({ name: 'racing', signals }, async (ctx) => {
    const { key } = await ctx.race({ slow: (c) => c.run(slow), go: (c) => c.signal('go') })
    await ctx.signal('end')
    return key
  })
  const loom = await open({ definitions: [racing, slow], settings: { codeCacheCount: 1 } })
  const handle = await loom.start(racing, { workflowId: 'w' })
  await until(async () => (await handle.describe()).pendingActivities[0]?.state === 'Started')

  const sent = handle.signal('go', 'x')
  release('done')
  await sent
  await until(async () => (await typesOf(handle)).includes('ActivityTaskCompleted'))
  // Takes the room in the cache: the next task of the other replays.
  await loom.start(racing, { workflowId: 'other' })
  await handle.signal('end', 1)

  expect(await handle.result()).toBe('go')
})
