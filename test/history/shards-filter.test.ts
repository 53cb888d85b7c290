/** The filter of open ids: no second open run of an id, whatever happened while it was filled. */
import { expect, test } from 'vitest'
import { OpenIds } from '../../src/history/open-ids.js'
import { workflow } from '../../src/workflow/define.js'
import { gate, open } from '../loom/rig.js'
import { Faults } from './shards-rig.js'

test('it is not filled by a fill that began before it was emptied', () => {
  const openIds = new OpenIds(1024)
  const { opening } = openIds

  openIds.add(1, 1)
  openIds.forget()
  openIds.filled(opening)

  expect(openIds.isSurelyNotOpen(1, 1)).toBe(false)
  openIds.filled(openIds.opening)
  expect(openIds.isSurelyNotOpen(1, 1)).toBe(true)
})

test('a start that reads its id asynchronously sees a run that came and went meanwhile', async () => {
  const quick = workflow({ name: 'quick' }, async () => 'done')
  const faults = new Faults()
  const reading = gate()
  faults.rowsSlowly = Promise.resolve()
  const loom = await open({ medium: faults.medium, definitions: [quick] })

  faults.rowsSlowly = reading.promise
  const second = loom.start(quick, { workflowId: 'w', workflowIdReusePolicy: 'RejectDuplicate' })
  faults.rowsSlowly = Promise.resolve()
  await loom.execute(quick, { workflowId: 'w' })
  reading.open()

  await expect(second).rejects.toMatchObject({ code: 'LOOM_ALREADY_EXISTS' })
})
