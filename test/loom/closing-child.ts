/** Run by close.test.ts: opens, works, parks something, closes, and says what is left on the event loop. */
import { z } from 'zod'
import { activity, level, openLoom, workflow } from '../../src/index.js'

const work = activity({ name: 'work' }, async (n: number) => n)
const busy = workflow({ name: 'busy' }, async (ctx) => ctx.run(work, 1))
const nap = workflow({ name: 'nap' }, async (ctx) => ctx.sleep('3 days'))
const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) =>
  ctx.signal('go', { timeout: '1 h' }),
)

const medium = level(process.argv[2]!)
const loom = await openLoom({ medium, shardCount: 16, definitions: [work, busy, nap, parked] })
await loom.execute(busy, { workflowId: 'busy' })
await loom.start(nap, { workflowId: 'nap' })
await loom.start(parked, { workflowId: 'parked' })
void loom.service.pollActivityTask({ namespaceId: loom.namespaceId, taskQueue: 'q', identity: 'i', waitMs: 60_000 })
await openLoom({ medium: level(process.argv[2]!), shardCount: 16 }).catch(() => {})
await loom.close()

const closedAtMs = Date.now()
const resources = process.getActiveResourcesInfo()
process.on('exit', () => console.log(JSON.stringify({ closedAtMs, endedAtMs: Date.now(), resources })))
