/** Damage in one shard is that shard's: whoever asks for it is told, and the others go on. */
import { beforeEach, expect, test } from 'vitest'
import { u8 } from '../../src/base/bytes.js'
import type { Loom } from '../../src/loom.js'
import { ringHash } from '../../src/shard/ring.js'
import { TASK_KINDS } from '../../src/shard/shard.js'
import { shardOfHash } from '../../src/storage/hash-shard.js'
import { shardId } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'
import { Lines, open } from '../loom/rig.js'
import { Faults, openWithShards, QUICK } from './shards-rig.js'

const CORRUPT = { code: 'LOOM_CORRUPT' }
const SHARD_COUNT = 4
const DAMAGED = shardId('history', 2)

const nap = workflow({ name: 'nap' }, async (ctx) => {
  await ctx.sleep(50)
  return 'slept'
})

let faults: Faults
beforeEach(() => {
  faults = new Faults()
})

const damages: readonly (readonly [string, () => void])[] = [
  ['its head', damageHead],
  ['a row that its head counts', damageRow],
  ['a row less than its head counts', loseRow],
]

test.each(damages)('in %s: the others are opened, and fire their timers', async (_name, damage) => {
  const first = await open({ medium: faults.medium, shardCount: SHARD_COUNT, definitions: [nap] })
  const ids = Array.from({ length: 20 }, (_, i) => `w${i}`)
  await Promise.all(ids.map((workflowId) => first.start(nap, { workflowId })))
  await first.close({ graceMs: 0 })

  damage()
  const logger = new Lines()
  const loom = await open({ medium: faults.medium, shardCount: SHARD_COUNT, definitions: [nap], logger })

  for (const id of ids) {
    const handle = loom.handle(id)
    if (isDamaged(loom, id)) await expect(handle.result()).rejects.toMatchObject(CORRUPT)
    else expect(await handle.result()).toBe('slept')
  }
  const damagedId = ids.find((id) => isDamaged(loom, id))!
  await expect(loom.start(nap, { workflowId: damagedId })).rejects.toMatchObject(CORRUPT)
  expect(loom.admin.shards.list().map(({ shard }) => shard)).toEqual([0, 1, 3])
  expect(logger.all.filter(({ level }) => level === 'error')).toHaveLength(1)
})

test('in a shard that is claimed again: those who wait for its runs are told', async () => {
  const options = { medium: faults.medium, shardCount: SHARD_COUNT, settings: QUICK }
  const { loom, lose } = await openWithShards(options)
  let id = 0
  while (!isDamaged(loom, `w${id}`)) id++
  const handle = await loom.start('other', { workflowId: `w${id}`, taskQueue: 'remote' })
  const result = handle.result()

  damageHead()
  lose(2)

  await expect(result).rejects.toMatchObject(CORRUPT)
  await loom.start('other', { workflowId: `w${idElsewhere(loom)}`, taskQueue: 'remote' })
})

test('in every shard: the store is not opened', async () => {
  const first = await open({ medium: faults.medium, shardCount: 1, definitions: [nap] })
  await first.start(nap, { workflowId: 'w' })
  await first.close({ graceMs: 0 })

  damageHead(shardId('history', 0))

  await expect(open({ medium: faults.medium, shardCount: 1 })).rejects.toMatchObject(CORRUPT)
})

function isDamaged(loom: Loom, workflowId: string): boolean {
  return shardOfHash(ringHash(loom.namespaceId, workflowId), SHARD_COUNT) === DAMAGED
}

function idElsewhere(loom: Loom): number {
  let id = 0
  while (isDamaged(loom, `w${id}`)) id++
  return id
}

function damageHead(id = DAMAGED): void {
  const shard = faults.store.shard(id)!
  shard.head = { seq: shard.head!.seq, bytes: flipped(shard.head!.bytes) }
}

function timers() {
  const shard = faults.store.shard(DAMAGED)!
  return { shard, rows: shard.rows({ gte: u8(TASK_KINDS.timer), lt: u8(TASK_KINDS.timer + 1) }) }
}

function damageRow(): void {
  const { shard, rows } = timers()
  const { key, hash, value } = rows[0]!
  apply(shard, key, { hash, value: flipped(value) })
}

function loseRow(): void {
  const { shard, rows } = timers()
  apply(shard, rows[0]!.key, { hash: rows[0]!.hash, value: undefined })
}

function apply(
  shard: ReturnType<typeof timers>['shard'],
  key: string,
  change: { hash: number; value: Uint8Array | undefined },
): void {
  const { seq, bytes } = shard.head!
  const fence = { epoch: 0, incarnation: '' }
  shard.apply({ shard: DAMAGED, fence, seq, head: bytes, clears: [], changes: new Map([[key, change]]), consumed: [] })
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}
