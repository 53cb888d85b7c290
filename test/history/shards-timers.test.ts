/** A timer fires, whatever could not be read when its time came near. */
import { setTimeout as pause } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { LoomError } from '../../src/base/errors.js'
import { ringHash } from '../../src/shard/ring.js'
import { shardOfHash } from '../../src/storage/hash-shard.js'
import { workflow } from '../../src/workflow/define.js'
import { gate, open } from '../loom/rig.js'
import { Faults, openWithShards, QUICK, soon } from './shards-rig.js'

const nap = workflow({ name: 'nap' }, async (ctx, ms: number) => {
  await ctx.sleep(ms)
  return 'slept'
})

let faults: Faults
beforeEach(() => {
  faults = new Faults()
})

test('in a window that could not be read at first: it is read again', async () => {
  const settings = { timerLookAheadMs: 400, dueRetryInitialMs: 50 }
  const loom = await open({ medium: faults.medium, definitions: [nap], settings })
  const handle = await loom.start(nap, { workflowId: 'w', input: 600 })

  faults.scanErrors.push(new LoomError('LOOM_CORRUPT', 'once'), new LoomError('LOOM_CORRUPT', 'twice'))

  expect(await soon(handle.result())).toBe('slept')
  expect(faults.scanErrors).toEqual([])
})

test('in a shard whose neighbour is claimed again before the timer is read', async () => {
  const settings = { ...QUICK, timerLookAheadMs: 600 }
  const { loom, lose } = await openWithShards({ medium: faults.medium, shardCount: 2, definitions: [nap], settings })
  await loom.start('other', { workflowId: idInShard(loom.namespaceId, 0), taskQueue: 'remote' })
  const handle = await loom.start(nap, { workflowId: idInShard(loom.namespaceId, 1), input: 900 })

  await pause(400)
  lose(0)

  expect(await soon(handle.result())).toBe('slept')
})

test('of a run that was being read when its shard was lost', async () => {
  const first = await open({ medium: faults.medium, shardCount: 1, definitions: [nap], settings: QUICK })
  await first.start(nap, { workflowId: 'w', input: 80 })
  await first.close({ graceMs: 0 })
  const options = { medium: faults.medium, shardCount: 1, definitions: [nap], settings: QUICK }
  const { loom, lose } = await openWithShards(options)
  const reading = gate()

  faults.slowly = reading.promise
  const described = loom.handle('w').describe()
  await pause(10)
  faults.slowly = undefined
  lose(0)
  await pause(150)
  reading.open()

  await expect(described).rejects.toMatchObject({ code: 'LOOM_UNAVAILABLE' })
  expect(await soon(loom.handle('w').result())).toBe('slept')
})

test('without looking ahead at all nothing is opened: the store would be read without end', async () => {
  const opening = open({ medium: faults.medium, settings: { timerLookAheadMs: 0 } })

  await expect(opening).rejects.toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
})

function idInShard(namespaceId: string, shard: number): string {
  for (let i = 0; ; i++) if (shardOfHash(ringHash(namespaceId, `w${i}`), 2) === shard) return `w${i}`
}
