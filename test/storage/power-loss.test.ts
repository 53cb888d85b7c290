/**
 * What was acknowledged survives a power loss: a process that writes is killed, and its files are cut back to what had been
 * synced, with a torn tail. The same must lose commits when nothing is synced, or the test would prove nothing.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { u32 } from '../../src/base/bytes.js'
import { sleep, systemClock } from '../../src/base/clock.js'
import { isLoomError } from '../../src/base/errors.js'
import { seededRandom } from '../../src/base/random.js'
import { cutBack } from './cut-back.js'
import { openLevelStore, spawnOn } from './level-store-at.js'

const CYCLES = 8
const CONTROL_CYCLES = 8
const seed = Number(process.env['SEED'] ?? 1 + (systemClock.nowMs() % 1_000_000))
const random = seededRandom(seed)

describe.skipIf(!canCompile())(`a power loss (SEED=${seed}; skipped where there is no Linux with cc)`, () => {
  let scratch: string
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'shardloom-power-'))
    const source = fileURLToPath(new URL('shim/powerloss.c', import.meta.url))
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', join(scratch, 'shim.so'), source, '-ldl'])
  })
  afterAll(() => rm(scratch, { recursive: true, force: true }))

  test('takes no commit that was acknowledged', async () => {
    let ackedInAll = 0
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const { acked, found } = await loseThePower(scratch, true)
      expect(found, `of ${acked} commits, SEED=${seed}`).toBeGreaterThanOrEqual(acked)
      expect(found).toBeLessThanOrEqual(acked + 2)
      ackedInAll += acked
    }
    expect(ackedInAll).toBeGreaterThan(100)
  })

  test('takes some when nothing is synced', async () => {
    for (let cycle = 0; cycle < CONTROL_CYCLES; cycle++) {
      const { acked, found } = await loseThePower(scratch, false).catch(countNoneIfCorrupt)
      if (found < acked) return
    }
    expect.unreachable(`${CONTROL_CYCLES} power losses without sync lost nothing: the shim does not work`)
  })
})

/** An older log may be lost and a newer one not: the store notices the hole. */
function countNoneIfCorrupt(error: unknown): { acked: number; found: number } {
  if (!isLoomError(error, 'LOOM_CORRUPT')) throw error
  return { acked: 1, found: 0 }
}

/** Commits that a process was told of, and those that are there after it lost power. */
async function loseThePower(scratch: string, sync: boolean): Promise<{ acked: number; found: number }> {
  const store = await openLevelStore()
  try {
    const notes = join(store.directory, '..', `${store.directory.split('/').at(-1)!}.notes`)
    const acked = await writeUntilKilled(store.directory, sync, {
      LD_PRELOAD: join(scratch, 'shim.so'),
      POWERLOSS_NOTES: notes,
    })
    await cutBack(store.directory, await readFile(notes, 'utf8'), random.fraction)
    await rm(notes)
    const found = await countCommits(store.create())
    return { acked, found }
  } finally {
    await store.dispose()
  }
}

async function writeUntilKilled(directory: string, sync: boolean, env: Record<string, string>): Promise<number> {
  const child = spawnOn(directory, 'write', { sync, env })
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  await once(child.stdout, 'data')
  await sleep(systemClock, 50 + 250 * random.fraction())
  child.kill('SIGKILL')
  await once(child, 'close')
  return Number(said.split('\n').at(-2))
}

/** 1, 2, 3 … without a gap, as the head says. */
async function countCommits(medium: ReturnType<Awaited<ReturnType<typeof openLevelStore>>['create']>): Promise<number> {
  await medium.open({ host: 'after', incarnation: 'after' }, { spaces: { history: 8 }, leaseMs: 1000 })
  const { claimed } = await medium.claim([0])
  const keys: string[] = []
  for await (const page of medium.scanKind(0x41)) keys.push(...page.map(({ key }) => key))
  await medium.close()
  expect(keys).toEqual(keys.map((_, i) => `A${u32(i + 1)}`))
  expect(claimed[0]!.heads.get(0)?.seq ?? 0).toBe(keys.length)
  return keys.length
}

function canCompile(): boolean {
  if (process.platform !== 'linux') return false
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
