/** What the types of `openLoom` let through, and what not. Checked by tsc; nothing here runs. */
import { memory, openLoom, silentLogger, workflow, type HistoryService, type Loom } from '../../src/index.js'

const medium = memory()
const w = workflow({ name: 'w' }, async () => 1)

export async function opens(): Promise<void> {
  const loom: Loom = await openLoom({ medium, shardCount: 1 })
  const service: HistoryService = loom.service
  await service.describeWorkflow({ namespaceId: loom.namespaceId, workflowId: 'w' })
  await openLoom({
    medium,
    shardCount: 512,
    definitions: [w],
    workers: [{ taskQueue: 'q', maxConcurrentActivities: 5 }],
    namespace: 'n',
    settings: { codeCacheCount: 5 },
    logger: silentLogger,
    identity: 'me',
  })
  await loom.close()
  await loom.close({ graceMs: 0 })
  {
    await using disposed = loom
    void disposed
  }

  // @ts-expect-error a loom keeps its things somewhere
  await openLoom({ shardCount: 1 })
  // @ts-expect-error a store is made with a number of shards
  await openLoom({ medium })
  // @ts-expect-error no such setting
  await openLoom({ medium, shardCount: 1, settings: { codeCache: 5 } })
  // @ts-expect-error a function is no definition
  await openLoom({ medium, shardCount: 1, definitions: [() => 1] })
  // @ts-expect-error console.log alone is no logger
  await openLoom({ medium, shardCount: 1, logger: { info: console.log } })
}
