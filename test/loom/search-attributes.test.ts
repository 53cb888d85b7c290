/** Search attributes as the host application sees them. */
import { expect, test } from 'vitest'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { workflow } from '../../src/workflow/define.js'
import { attributesOf, open, rejection, reopenable, until } from './rig.js'

const searchAttributes = { Customer: 'Keyword', Due: 'Datetime', Amount: 'Int' } as const
const DUE = new Date('2026-01-02T03:04:05.678Z')

const order = workflow({ name: 'order' }, async (ctx) => {
  ctx.upsertSearchAttributes({ Amount: 7, Customer: null })
  await ctx.sleep('1 h')
  return ctx.info.searchAttributes
})

test('they are shown as they are now, also by whoever opens the store next', async () => {
  const clock = new VirtualClock()
  const store = reopenable()
  const before = await store.open({ definitions: [order], clock, searchAttributes })
  const handle = await before.start(order, { workflowId: 'w', searchAttributes: { Customer: 'ada', Due: DUE } })
  expect((await handle.describe()).searchAttributes).toEqual({ Due: DUE, Amount: 7 })
  await before.close()

  // What is registered matters for what is set; what was recorded stays.
  const loom = await store.open({ definitions: [order], clock })
  expect((await loom.handle('w').describe()).searchAttributes).toEqual({ Due: DUE, Amount: 7 })
  await clock.advance('1 h')
  expect(await loom.handle('w').result()).toEqual({ Due: DUE.toISOString(), Amount: 7 })
})

test('a start whose search attributes do not fit is refused, and nothing is written', async () => {
  const loom = await open({ definitions: [order], searchAttributes })
  const refused = async (attributes: unknown): Promise<unknown> => {
    const options = { workflowId: 'w', searchAttributes: attributes as never }
    return await rejection(loom.start(order, options)).then(({ code, message }) => [code, message])
  }

  expect(await refused({ NoSuch: 1 })).toEqual([
    'LOOM_INVALID_ARGUMENT',
    "no search attribute 'NoSuch' is registered (options.searchAttributes of openLoom)",
  ])
  expect(await refused({ Amount: 'x' })).toEqual([
    'LOOM_INVALID_ARGUMENT',
    'invalid value for search attribute Amount of type Int: "x"',
  ])
  expect(await refused({ Amount: {} })).toEqual([
    'LOOM_INVALID_ARGUMENT',
    'options.searchAttributes.Amount: neither a boolean, a finite number, a text, a Date, a list of texts, nor null',
  ])
  expect(await refused(null)).toEqual(['LOOM_INVALID_ARGUMENT', 'options.searchAttributes: not an object'])
  expect(await rejection(loom.handle('w').describe())).toMatchObject({ code: 'LOOM_NOT_FOUND' })
})

test('code that sets what is not registered stalls, and goes on when it is', async () => {
  const store = reopenable()
  const before = await store.open({ definitions: [order] })
  const handle = await before.start(order, { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)
  expect((await handle.describe()).stalled!.message).toContain("no search attribute 'Amount' is registered")
  expect((await attributesOf(handle, 'WorkflowTaskFailed'))[0]!.cause).toBe('BadSearchAttributes')
  await before.close()

  const loom = await store.open({ definitions: [order], searchAttributes })
  const again = loom.handle('w')
  await until(async () => (await again.describe()).stalled === undefined)
  expect((await again.describe()).searchAttributes).toEqual({ Amount: 7 })
})

test('without any there are none', async () => {
  const loom = await open({ definitions: [order], searchAttributes })
  const handle = await loom.start(order, { workflowId: 'w', searchAttributes: {} })

  expect((await attributesOf(handle, 'WorkflowExecutionStarted'))[0]!.searchAttributes).toBeUndefined()
})
