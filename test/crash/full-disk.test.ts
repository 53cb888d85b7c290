/** A disk that is full under an open loom: callers are told the truth, and when there is room again the loom goes on. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import type { StartedHandle } from '../../src/client/handle.js'
import { openLoom, type Loom } from '../../src/loom.js'
import { level } from '../../src/storage/level.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { readStore } from './stored.js'

const SHARD_COUNT = 4
const CALLERS = 20

describe.skipIf(!canMount())('a disk that is full (skipped where this user may not mount a tmpfs)', () => {
  let folder: string
  let loom: Loom
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shardloom-full-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder])
    const settings = { reopenInitialMs: 20, reopenMaximumMs: 100 }
    const definitions = [story, echo, slow]
    loom = await openLoom({ medium: level(folder), shardCount: SHARD_COUNT, definitions, settings })
  })
  afterEach(async () => {
    await loom.close()
    execFileSync('umount', ['-l', folder])
    await rm(folder, { recursive: true })
  })

  test('takes nothing that was acknowledged, and the loom opens again by itself', async () => {
    const early = await loom.start(story, { workflowId: 'early', input: 'early' })
    const running = await loom.start(slow, { workflowId: 'running' })
    const ended = [early.result(), running.result()]

    const { started, refusals } = await startUntilRefused(loom)
    const whileFull = await loom.start(story, { workflowId: 'while-full', input: '' }).catch(codeOf)
    const signalled = await running.signal('go').catch(codeOf)
    await pause(300)
    execFileSync('mount', ['-o', 'remount,size=64m', folder])
    await untilOpen(loom)

    expect(started.length).toBeGreaterThan(3)
    expect(new Set(refusals).size).toBeGreaterThan(0)
    for (const code of [...refusals, whileFull, signalled])
      expect(['LOOM_OUTCOME_UNKNOWN', 'LOOM_UNAVAILABLE']).toContain(code)
    await running.signal('go')
    for (const handle of started) await handle.signal('end')
    await early.signal('end')
    expect(await Promise.all(ended)).toEqual(['early', 'slow'])
    for (const handle of started) expect(await handle.result()).toHaveLength(BULK.length)
    expect(started.map(({ runId }) => runId)).toEqual(await runIdsOf(loom, started))
    await loom.close()
    const stored = await readStore(folder, SHARD_COUNT)
    expect(stored.problems).toEqual([])
    const open = [...stored.runs.values()].filter(({ state }) => state.closed === undefined)
    for (const { workflowId } of open) expect(started.map((one) => one.workflowId)).not.toContain(workflowId)
  })
})

const BULK = 'x'.repeat(20_000)

const echo = activity({ name: 'echo' }, async (text: string) => {
  await pause(2)
  return text
})

const anySignal = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const

/** Keeps its input until it is told to end. */
const story = workflow({ name: 'story', signals: { end: anySignal } }, async (ctx, text: string) => {
  const echoed = await ctx.run(echo, text)
  await ctx.signal('end')
  return echoed
})

/** Has timers and activities all the time. */
const slow = workflow({ name: 'slow', signals: { go: anySignal } }, async (ctx) => {
  let isOver = false
  ctx.onSignal('go', () => void (isOver = true))
  while (!isOver) {
    await ctx.sleep(10)
    await ctx.run(echo, 'tick')
  }
  return 'slow'
})

interface Refused {
  readonly started: readonly StartedHandle<typeof story>[]
  readonly refusals: readonly unknown[]
}

/** Many callers, each until it is refused. */
async function startUntilRefused(loom: Loom): Promise<Refused> {
  const started: StartedHandle<typeof story>[] = []
  const call = async (caller: number): Promise<unknown> => {
    for (let i = 0; ; i++) {
      try {
        started.push(await loom.start(story, { workflowId: `c${caller}-${i}`, input: BULK }))
      } catch (error) {
        return codeOf(error)
      }
    }
  }
  const refusals = await Promise.all(Array.from({ length: CALLERS }, (_, caller) => call(caller)))
  return { started, refusals }
}

async function untilOpen(loom: Loom): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      await loom.handle('early').describe()
      return
    } catch (error) {
      if (!isLoomError(error, 'LOOM_UNAVAILABLE') && !isLoomError(error, 'LOOM_OUTCOME_UNKNOWN')) throw error
      await pause(20)
    }
  }
  throw new Error('the loom did not open again')
}

function runIdsOf(loom: Loom, handles: readonly { readonly workflowId: string }[]): Promise<string[]> {
  return Promise.all(handles.map(async ({ workflowId }) => (await loom.handle(workflowId).describe()).runId))
}

function codeOf(error: unknown): unknown {
  return isLoomError(error) ? error.code : error
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
