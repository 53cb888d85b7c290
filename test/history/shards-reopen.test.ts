/** A medium that breaks, in whatever call, is opened again; shards that are lost are claimed again; nothing that waits is forgotten. */
import { setTimeout as pause } from 'node:timers/promises'
import { inspect } from 'node:util'
import { beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { shardId } from '../../src/storage/medium.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { gate, until } from '../loom/rig.js'
import { codeOf, Faults, openWithShards, QUICK, soon } from './shards-rig.js'

const hold = workflow({ name: 'hold', signals: { go: z.string() } }, (ctx) => ctx.signal('go'))
const nap = workflow({ name: 'nap' }, async (ctx) => {
  await ctx.sleep(100)
  return 'slept'
})

let faults: Faults
beforeEach(() => {
  faults = new Faults()
})

test('a claim that breaks the medium opens it again', async () => {
  const { loom, lose } = await openHolding()
  const handle = await loom.start(hold, { workflowId: 'w' })

  faults.breaks = 'claim'
  lose(0)
  await until(() => faults.madeCount === 2)

  await until(async () => (await handle.describe().catch(codeOf)) !== 'LOOM_UNAVAILABLE')
  await handle.signal('go', 'on')
  expect(await handle.result()).toBe('on')
})

test('a read that breaks the medium opens it again, and the timer that it was for fires', async () => {
  const { loom } = await openHolding()
  const slept = (await loom.start(nap, { workflowId: 'w' })).result()
  for (let i = 0; i < 5; i++) await loom.start(hold, { workflowId: `other ${i}` })
  await until(() => loom.admin.stats().executionCount === 1)

  faults.breaks = 'read'

  expect(await soon(slept)).toBe('slept')
  expect(faults.madeCount).toBe(2)
})

test('a store that cannot be opened again for its damage tells everybody who waits, and who comes later', async () => {
  const { loom } = await openHolding()
  const handle = await loom.start(hold, { workflowId: 'w' })
  const result = handle.result().catch(codeOf)
  const shard = faults.store.shard(shardId('history', 0))!

  faults.breaks = 'commit'
  await expect(handle.signal('go', 'on')).rejects.toMatchObject({ code: 'LOOM_OUTCOME_UNKNOWN' })
  shard.head = { seq: shard.head!.seq, bytes: flipped(shard.head!.bytes) }

  expect(await soon(result)).toBe('LOOM_CORRUPT')
  expect(await soon(handle.result().catch(codeOf))).toBe('LOOM_CORRUPT')
  expect(await soon(handle.signal('go', 'on').catch(codeOf))).toBe('LOOM_CORRUPT')
  expect(await soon(loom.start(hold, { workflowId: 'v' }).catch(codeOf))).toBe('LOOM_CORRUPT')
  expect(await soon(loom.close())).toBe(undefined)
})

test('shards of one unit that are lost together are claimed again once', async () => {
  faults.isOneUnit = true
  const { loom, lose } = await openWithShards({ medium: faults.medium, shardCount: 4, settings: QUICK })
  for (let i = 0; i < 20; i++) await loom.start('other', { workflowId: `w${i}`, taskQueue: 'remote' })
  faults.claimCount = 0

  for (const index of [0, 1, 2]) lose(index)
  await until(async () => (await loom.handle('w0').describe().catch(codeOf)) !== 'LOOM_UNAVAILABLE')
  await pause(50)

  expect(faults.claimCount).toBe(1)
})

test('an attempt goes on while its shard is claimed again, and its result counts', async () => {
  const { loom, lose, work } = await openWorking()
  const handle = await loom.start('working', { workflowId: 'w' })
  await until(() => loom.admin.stats().runningActivityCount === 1)

  lose(0)
  await until(async () => (await handle.describe().catch(codeOf)) !== 'LOOM_UNAVAILABLE')
  await pause(50)
  work.open('done')

  expect(await handle.result()).toBe('done')
})

test('an attempt that goes on while its shard is claimed again still times out', async () => {
  const { loom, lose } = await openWorking()
  const handle = await loom.start('working', { workflowId: 'w' })
  await until(() => loom.admin.stats().runningActivityCount === 1)

  const failure = handle.result().catch((error: unknown) => error)
  lose(0)

  expect(inspect(await soon(failure))).toContain('StartToClose')
})

function openHolding() {
  const settings = { ...QUICK, executionCacheCount: 1 }
  return openWithShards({ medium: faults.medium, shardCount: 1, definitions: [hold, nap], settings })
}

async function openWorking() {
  const work = gate<string>()
  const once = activity({ name: 'once', retry: { maximumAttempts: 1 }, startToClose: 500 }, () => work.promise)
  const working = workflow({ name: 'working' }, (ctx) => ctx.run(once))
  const options = { medium: faults.medium, shardCount: 1, definitions: [working, once], settings: QUICK }
  return { work, ...(await openWithShards(options)) }
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}
