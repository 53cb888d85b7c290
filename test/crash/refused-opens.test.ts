/** Stores that a loom must not open: made with another shard count, or open already. Whoever has them goes on. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { openLoom, type Loom } from '../../src/loom.js'
import { level } from '../../src/storage/level.js'
import { workflow } from '../../src/workflow/define.js'
import { SHARD_COUNT } from './shape.js'

const greeting = workflow({ name: 'greeting' }, async (_ctx, name: string) => `hello ${name}`)

let folder: string
let loom: Loom
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardloom-refused-'))
  loom = await open(SHARD_COUNT)
})
afterEach(async () => {
  await loom.close()
  await rm(folder, { recursive: true })
})

test('a store that was made with another shard count is refused by both numbers, and not changed', async () => {
  await loom.execute(greeting, { workflowId: 'w', input: 'ada' })
  await loom.close()

  const refused = open(SHARD_COUNT * 2)

  await expect(refused).rejects.toMatchObject({ code: 'LOOM_STORE_MISMATCH' })
  await expect(refused).rejects.toThrow(new RegExp(`\\b${SHARD_COUNT}\\b.*\\b${SHARD_COUNT * 2}\\b`))
  loom = await open(SHARD_COUNT)
  expect(await loom.handle('w').result()).toBe('hello ada')
})

test('a store that a loom of this process has open is refused, and that loom goes on', async () => {
  await expect(open(SHARD_COUNT)).rejects.toMatchObject({ code: 'LOOM_MEDIUM_BUSY' })

  expect(await loom.execute(greeting, { workflowId: 'w', input: 'ada' })).toBe('hello ada')
})

test('a store that another process has open is refused there, and can be opened when it has left', async () => {
  expect(await openElsewhere()).toMatch(/LOOM_MEDIUM_BUSY/)
  expect(await loom.execute(greeting, { workflowId: 'w', input: 'ada' })).toBe('hello ada')

  await loom.close()

  expect(await openElsewhere()).toMatch(/"drained"/)
  loom = await open(SHARD_COUNT)
  expect(await loom.handle('w').result()).toBe('hello ada')
})

function open(shardCount: number): Promise<Loom> {
  return openLoom({ medium: level(join(folder, 'store')), shardCount, definitions: [greeting] })
}

/** What the load of the crash tests says when it is only to end what is open. */
async function openElsewhere(): Promise<string> {
  const program = fileURLToPath(new URL('load.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', program, folder, '1', '1', 'drain'], {
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  await new Promise((resolve) => child.once('close', resolve))
  return said
}
