/** Definitions are made by workflow() and activity(): what only looks like one is refused at the door. */
import { expect, test } from 'vitest'
import { workflow } from '../../src/workflow/define.js'
import { open, rejection } from './rig.js'

const fine = workflow({ name: 'fine' }, async () => 1)

test('a forged definition opens nothing and starts nothing', async () => {
  const forged = { kind: 'workflow', name: {} } as never
  const loom = await open({ definitions: [fine] })

  expect(await rejection(open({ definitions: [forged] }))).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
  expect(await rejection(loom.start(forged, { workflowId: 'w' } as never))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
  })

  expect(await loom.execute(fine, { workflowId: 'w' })).toBe(1)
})
