/** Mistakes that happen while nothing is delivered to an execution: they stall it, and do not wait to be found. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { memory } from '../../src/storage/memory.js'
import { CorruptError } from '../../src/storage/errors.js'
import { workflow } from '../../src/workflow/define.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { Lines, open, rejection, typesOf, until } from './rig.js'

const signals = { a: z.unknown(), end: z.unknown() }
type Ctx = WorkflowContext<typeof signals>

const STRAYING: Record<string, (ctx: Ctx) => Promise<unknown>> = {
  'a function that ends after a timer of Node': async (ctx) => {
    ctx.onSignal('a', () => {})
    await new Promise((resolve) => setTimeout(resolve, 5))
    return 1
  },
  'a step that uses ctx': async (ctx) => ctx.step('s', async () => ctx.sleep(1), { startToClose: '1 m' }),
}

test.each(Object.entries(STRAYING))('%s stalls its execution', async (_, code) => {
  const logger = new Lines()
  const stray = workflow({ name: 'stray', signals }, code)
  const loom = await open({ definitions: [stray], logger })

  const handle = await loom.start(stray, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  expect((await handle.describe()).stalled).toMatchObject({
    message: expect.stringContaining('while nothing was being delivered to w'),
    hint: expect.stringContaining('activity or ctx.step'),
  })
  expect(await typesOf(handle)).toContain('WorkflowTaskFailed')
})

test('a stall says where the code threw, and its line in the log has the stack', async () => {
  const logger = new Lines()
  const buggy = workflow({ name: 'buggy' }, async function buggyCode() {
    throw new Error('x')
  })
  const loom = await open({ definitions: [buggy], logger })

  const handle = await loom.start(buggy, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)

  expect((await handle.describe()).stalled!.hint).toMatch(/at .*buggyCode .*flow-strays\.test\.ts:\d+:\d+\)\. Mend/)
  const [line] = logger.all.filter(({ level }) => level === 'error')
  expect(line!.fields['stackTrace']).toMatch(/^Error: x\n +at .*flow-strays/)
})

test('an execution whose history is damaged may be terminated while its code cannot be brought back', async () => {
  const disk: { damage?: Error } = {}
  const base = memory()
  const medium = {
    ...base,
    create: (env: Parameters<typeof base.create>[0]) => {
      const inner = base.create(env)
      const scan = inner.scan.bind(inner)
      inner.scan = async (...args) => {
        if (disk.damage !== undefined) throw disk.damage
        return await scan(...args)
      }
      return inner
    },
  }
  const hold = workflow({ name: 'hold', signals }, async (ctx) => {
    for (;;) await ctx.signal('a')
  })
  const loom = await open({ medium, definitions: [hold], settings: { codeCacheCount: 1 } })
  const handles = [await loom.start(hold, { workflowId: 'w0' }), await loom.start(hold, { workflowId: 'w1' })]
  await until(() => loom.admin.stats().codeCount === 1)
  disk.damage = new CorruptError('damaged')

  for (const handle of handles) {
    void handle.signal('a').catch(() => {})
    await handle.terminate('x')
  }

  for (const handle of handles) expect(await rejection(handle.result())).toMatchObject({ status: 'Terminated' })
})
