/** A mistake of ours in the middle of a turn: its caller is told, nothing of it is written, and the shard is read back. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { InvariantError } from '../../src/base/assert.js'
import { openLoom, type Loom } from '../../src/loom.js'
import { Shard } from '../../src/shard/shard.js'
import { memory } from '../../src/storage/memory.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'

const anything = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const
const waiting = workflow({ name: 'waiting', signals: { go: anything } }, async (ctx) => {
  await ctx.signal('go')
  await ctx.sleep(5)
  return 'went'
})

let medium: MediumFactory
let loom: Loom
beforeEach(async () => {
  medium = memory()
  loom = await open()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await loom.close()
})

test.each(['put', 'removeTask'] as const)('in %s, with a task for a worker that polls', async (method) => {
  await loom.start('other', { workflowId: 'w', taskQueue: 'remote' })

  breakOnce(method)
  const refused = await loom.handle('w').terminate('enough').catch(codeOf)

  expect(refused).toBe('LOOM_UNAVAILABLE')
  vi.restoreAllMocks()
  await untilWell('w')
  await loom.handle('w').terminate('enough')
  expect((await loom.handle('w').describe()).status).toBe('Terminated')
  await expectSound()
})

test.each(['put', 'putTask'] as const)('in %s, at a start', async (method) => {
  breakOnce(method)
  const refused = await loom.start('other', { workflowId: 'w', taskQueue: 'remote' }).catch(codeOf)

  expect(refused).toBe('LOOM_UNAVAILABLE')
  vi.restoreAllMocks()
  await expectSound()
  const handle = await loom.start('other', { workflowId: 'w', taskQueue: 'remote' })
  await handle.terminate()
  await expectSound()
})

test('while workflow code runs: it runs again', async () => {
  const handle = await loom.start(waiting, { workflowId: 'w' })
  const result = handle.result()

  breakOnce('putTask')
  const refused = await handle.signal('go').catch(codeOf)
  vi.restoreAllMocks()
  await untilWell('w')
  await handle.signal('go')

  expect(refused).toBe('LOOM_UNAVAILABLE')
  expect(await result).toBe('went')
  await expectSound()
})

function open(): Promise<Loom> {
  return openLoom({ medium, shardCount: 1, definitions: [waiting] })
}

function breakOnce(method: 'put' | 'putTask' | 'removeTask'): void {
  vi.spyOn(Shard.prototype, method).mockImplementationOnce(() => {
    throw new InvariantError('broken by the test')
  })
}

async function untilWell(workflowId: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await loom.handle(workflowId).describe().catch(codeOf)) !== 'LOOM_UNAVAILABLE') return
    await pause(10)
  }
}

/** A store is opened only if its heads count the rows that are there. */
async function expectSound(): Promise<void> {
  await loom.close()
  loom = await open()
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code ?? error
}
