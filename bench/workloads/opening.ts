/** How long a loom of many shards takes to open: of a store that is new, and of one where every shard was written to. */
import { DEFAULT_NAMESPACE_ID } from '../../src/protocol/ids.js'
import { shardOf } from '../../src/shard/ring.js'
import { rounded, type Figures } from '../figures.js'
import type { Ring } from '../job.js'
import { forEach } from '../lanes.js'
import { openUnderTest, peakRssMb, type Package } from '../under-test.js'

const STARTS_AT_ONCE = 512

/** One short execution in each shard. */
export async function fill(shardloom: Package, ring: Ring): Promise<'filled'> {
  const { loom, programs } = await openUnderTest(shardloom, { medium: 'level', ...ring })
  const ids = oneIdPerShard(ring.shardCount)
  await forEach(ids.length, STARTS_AT_ONCE, async (index) => {
    await loom.execute(programs.atOnce, { workflowId: ids[index]! })
  })
  await loom.close()
  return 'filled'
}

export async function open(shardloom: Package, ring: Ring): Promise<Partial<Figures>> {
  const { loom, openMs } = await openUnderTest(shardloom, { medium: 'level', ...ring })
  const rssMb = peakRssMb()
  await loom.close()
  return { recoverMs: rounded(openMs), rssMb }
}

function oneIdPerShard(shardCount: number): readonly string[] {
  const ids = new Map<number, string>()
  for (let n = 0; ids.size < shardCount; n++) {
    const id = `fill-${n}`
    const shard = shardOf(DEFAULT_NAMESPACE_ID, id, shardCount)
    if (!ids.has(shard)) ids.set(shard, id)
  }
  return [...ids.values()]
}
