/** `tsx encryption-child.ts FOLDER`: a workflow whose values are encrypted, to be killed at any time and run again. */
import { AesCodec } from '../../examples/encryption/aes-codec.js'
import { KeyRing } from '../../examples/encryption/key-ring.js'
import { activity, level, openLoom, workflow } from '../../src/index.js'

const count = activity({ name: 'count', retry: { initialInterval: 1 } }, (sum: number) => {
  console.log(`counting ${sum + 1};`)
  return sum + 1
})
const counts = workflow({ name: 'counts' }, async (ctx) => {
  let sum = 0
  for (let i = 0; i < 60; i++) sum = await ctx.run(count, sum)
  return sum
})

const ring = new KeyRing().add('k1', Buffer.alloc(32, 'key of a test')).use('k1')
const loom = await openLoom({
  medium: level(process.argv[2]!),
  shardCount: 4,
  definitions: [counts, count],
  dataConverter: { payloadCodecs: [new AesCodec(ring)] },
})
console.log(`result ${await loom.execute(counts, { workflowId: 'w', requestId: 'w' })}`)
await loom.close()
