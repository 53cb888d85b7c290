/** A medium that breaks under an open loom: everybody hears of it once, in words that say what to do, and the process lives. */
import { expect, test } from 'vitest'
import { Deferred } from '../../src/base/deferred.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { faulty } from './faulty.js'
import { Lines, open, rejection } from './rig.js'

const settings = { reopenInitialMs: 1, leaseMs: 20, executionCacheCount: 1 }
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

test('a medium that breaks while lost attempts are taken up says so itself, and they are taken up the next time', async () => {
  const rig = faulty()
  const logger = new Lines()
  const stuck = activity({ name: 'stuck', retry: { initialInterval: 1 } }, async (_: undefined, { attempt }) => {
    if (attempt === 1) await new Promise(() => {})
    return attempt
  })
  const waiting = workflow({ name: 'waiting' }, async (ctx) => ctx.run(stuck))
  const definitions = [waiting, stuck]
  const before = await open({ medium: rig.medium, shardCount: 1, definitions, settings })
  await before.start(waiting, { workflowId: 'w' })
  await before.close({ graceMs: 0 })

  // The first commit of the next loom is that of the lost attempt.
  rig.fails = 'commit'
  const loom = await open({ medium: rig.medium, shardCount: 1, definitions, settings, logger })

  expect(await loom.handle('w').result()).toBe(2)
  const errors = logger.all.filter(({ level }) => level === 'error').map(({ message }) => message)
  expect(errors).toEqual(['the medium is broken: all shards are dropped, and it is opened again'])
})
