/** kill -9 under load loses nothing that was acknowledged, and tells nothing twice. `npm run torture` has more of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runKillCycles } from './kill-cycles.js'

test('a process that is killed under load, five times, has kept every word', { timeout: 180_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shardloom-kill-'))

  const { runs, acks, lostAttempts } = await runKillCycles({ cycles: 5, seed: 1, folder })

  expect(runs).toBeGreaterThan(20)
  expect(acks).toBeGreaterThan(50)
  expect(lostAttempts).toBeGreaterThan(0)
  await rm(folder, { recursive: true })
})
