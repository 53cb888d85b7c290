/**
 * Changed code while executions are open: checked against their histories before it is deployed, and patched so that each
 * execution goes on as it began.
 *
 * `npx tsx examples/deploy/main.ts` opens one store with one version of versions.ts after the other.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkReplay, level, openLoom, type HistoryJson, type Loom, type Workflow } from '../../src/index.js' // 'shardloom'
import { deprecated, first, hasty, last, pack, patched, weigh } from './versions.js'

const medium = level(mkdtempSync(join(tmpdir(), 'shardloom-deploy-')))

await deployed('first', first, async (loom) => {
  await packed(loom, 'lamp')
  await fits('hasty', hasty, await historyOf(loom, 'lamp'))
  await fits('patched', patched, await historyOf(loom, 'lamp'))
})

await deployed('patched', patched, async (loom) => {
  await packed(loom, 'chair')
  console.log(`  ${await collected(loom, 'lamp')}`)
  await fits('deprecated', deprecated, await historyOf(loom, 'chair'))
  await fits('last', last, await historyOf(loom, 'chair'))
})

await deployed('deprecated', deprecated, async (loom) => {
  await packed(loom, 'desk')
  console.log(`  ${await collected(loom, 'chair')}`)
  await fits('last', last, await historyOf(loom, 'desk'))
})

await deployed('last', last, async (loom) => {
  console.log(`  ${await collected(loom, 'desk')}`)
})

/** Opens the store with that code, as a process does that is started after a deploy. */
async function deployed(name: string, parcel: Workflow, use: (loom: Loom) => Promise<void>): Promise<void> {
  console.log(`deploy: ${name}`)
  const loom = await openLoom({ medium, shardCount: 16, definitions: [parcel, pack, weigh] })
  await use(loom)
  await loom.close()
}

async function packed(loom: Loom, what: string): Promise<void> {
  await loom.start(first, { workflowId: what, input: what })
  while ((await loom.handle(what).describe()).pendingActivities.length > 0)
    await new Promise((done) => setTimeout(done, 5))
}

async function collected(loom: Loom, what: string): Promise<string> {
  const handle = loom.handle(first, what)
  await handle.signal('collected')
  return handle.result()
}

async function historyOf(loom: Loom, what: string): Promise<HistoryJson> {
  return loom.handle(what).history().toJson()
}

/** In an application: a test, over histories that were saved from the store. */
async function fits(name: string, changed: Workflow, history: HistoryJson): Promise<void> {
  const [result] = await checkReplay(changed, [history])
  const sides = result?.difference?.text.split('\n').filter((line) => /^[-+]/.test(line))
  console.log(`  check ${name}: ${sides === undefined ? 'fits' : ['differs', ...sides].join('\n  ')}`)
}
