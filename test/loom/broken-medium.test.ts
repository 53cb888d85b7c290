/** A medium that breaks under an open loom: everybody hears of it once, in words that say what to do, and the process lives. */
import { expect, test } from 'vitest'
import { Deferred } from '../../src/base/deferred.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'
import { faulty } from './faulty.js'
import { open, rejection } from './rig.js'

const settings = { reopenInitialMs: 1, executionCacheCount: 1 }
const hold = workflow({ name: 'hold' }, async (ctx) => ctx.sleep('1 h'))

test('a start that was to take the place of an open run is told once that nobody knows', async () => {
  const rig = faulty()
  const loom = await open({ medium: rig.medium, shardCount: 1, definitions: [hold], settings })
  await loom.start(hold, { workflowId: 'w' })

  rig.fails = 'commit'
  const replaced = loom.start(hold, { workflowId: 'w', workflowIdConflictPolicy: 'TerminateExisting' })

  // The promise of the run that was to begin fails too: a rejection that nobody handles would end the test, or the process.
  expect(await rejection(replaced)).toMatchObject({ code: 'LOOM_OUTCOME_UNKNOWN' })
})

test('who was reading when the medium broke is told to come again, not that the loom is closed', async () => {
  const rig = faulty()
  const gate = new Deferred<void>()
  const reading = new Deferred<void>()
  let isHeldUp = false
  const medium: MediumFactory = {
    create: (environment) => {
      const made = rig.medium.create(environment)
      const scan = made.scan.bind(made)
      made.scan = async (...args) => {
        if (!isHeldUp) return await scan(...args)
        reading.resolve()
        await gate.promise
        return await scan(...args)
      }
      const close = made.close.bind(made)
      made.close = async () => {
        await close()
        gate.resolve()
      }
      return made
    },
  }
  const loom = await open({ medium, shardCount: 1, definitions: [hold], settings })
  const evicted = await loom.start(hold, { workflowId: 'evicted' })
  const other = await loom.start(hold, { workflowId: 'other' })
  await other.describe()

  isHeldUp = true
  const description = rejection(evicted.describe())
  await reading.promise
  isHeldUp = false
  rig.fails = 'commit'
  await rejection(other.terminate())

  expect(await description).toMatchObject({ code: 'LOOM_UNAVAILABLE' })
})
