/** Patches end to end: code is changed between two openings of a store. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { attributesOf, reopenable, typesOf, until } from './rig.js'

const signals = { go: z.undefined() }
const before = activity({ name: 'before' }, () => 'before')
const after = activity({ name: 'after' }, () => 'after')

test('changed code runs old executions the old way and new ones the new way', async () => {
  const { open } = reopenable()
  const old = workflow({ name: 'w', signals }, async (ctx) => {
    const way = await ctx.run(before)
    await ctx.signal('go')
    return way
  })
  const changed = workflow({ name: 'w', signals }, async (ctx) => {
    const way = ctx.patched('new way') ? await ctx.run(after) : await ctx.run(before)
    await ctx.signal('go')
    return way
  })
  const first = await open({ definitions: [old, before] })
  const one = await first.start(old, { workflowId: 'one' })
  await until(async () => (await typesOf(one)).filter((type) => type === 'WorkflowTaskCompleted').length === 2)
  await first.close()

  const second = await open({ definitions: [changed, before, after] })
  const two = await second.start(changed, { workflowId: 'two' })
  await until(async () => (await typesOf(two)).filter((type) => type === 'WorkflowTaskCompleted').length === 2)
  await second.close()

  const third = await open({ definitions: [changed, before, after] })
  for (const id of ['one', 'two']) await third.handle(changed, id).signal('go')
  expect(await third.handle(changed, 'one').result()).toBe('before')
  expect(await third.handle(changed, 'two').result()).toBe('after')
  const [marker] = await attributesOf(third.handle('two'), 'MarkerRecorded')
  expect(marker).toMatchObject({ markerName: 'core_patch', workflowTaskCompletedEventId: 4 })
  expect(Buffer.from(marker!.details!['patch-data']![0]!.data).toString()).toBe('{"id":"new way","deprecated":false}')
  const [list] = await attributesOf(third.handle('two'), 'UpsertWorkflowSearchAttributes')
  expect(list!.searchAttributes['TemporalChangeVersion']!.metadata).toEqual({
    encoding: 'json/plain',
    type: 'KeywordList',
  })
})
