/** Closing a loom, and what the next one finds. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openLoom } from '../../src/loom.js'
import { level } from '../../src/storage/level.js'
import { memory } from '../../src/storage/memory.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { attributesOf, gate, open, rejection, reopenable, typesOf, until } from './rig.js'

const parked = workflow({ name: 'parked', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'loom-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

test('parked executions go on where the store is opened again', async () => {
  const path = await folder()
  const first = await open({ medium: level(path), definitions: [parked] })
  for (let i = 0; i < 10; i++) await first.start(parked, { workflowId: `w${i}` })
  await first.handle(parked, 'w3').signal('go', 'before')
  await first.close()

  const second = await open({ medium: level(path), definitions: [parked] })
  for (let i = 4; i < 10; i++) await second.handle(parked, `w${i}`).signal('go', 'after')

  expect(await second.handle(parked, 'w3').result()).toBe('before')
  expect(await second.handle(parked, 'w9').result()).toBe('after')
  expect((await second.handle('w0').describe()).status).toBe('Running')
})

test('timers that came due while nobody was there fire at open', async () => {
  const { open: reopen } = reopenable()
  const nap = workflow({ name: 'nap' }, async (ctx) => ctx.sleep(30))
  const first = await reopen({ definitions: [nap] })
  await first.start(nap, { workflowId: 'w' })
  await first.close()
  await new Promise((resolve) => setTimeout(resolve, 40))

  const second = await reopen({ definitions: [nap] })

  expect(await second.handle(nap, 'w').result()).toBeUndefined()
})

test('close waits for running activities and records them', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  const slow = activity({ name: 'slow' }, async () => {
    begun.open()
    await new Promise((resolve) => setTimeout(resolve, 30))
    return 'done in time'
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(slow))
  const first = await reopen({ definitions: [calls, slow] })
  const handle = await first.start(calls, { workflowId: 'w' })
  const result = rejection(handle.result())
  await begun.promise

  await first.close()

  expect(await result).toMatchObject({ code: 'LOOM_CLOSED' })
  const second = await reopen({ definitions: [calls, slow] })
  expect(await second.handle(calls, 'w').result()).toBe('done in time')
  expect((await attributesOf(second.handle('w'), 'ActivityTaskStarted'))[0]!.attempt).toBe(1)
})

test('an activity that takes longer is aborted, and is WorkerLost for the next host, which tries it again', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  const reasons: unknown[] = []
  const slow = activity(
    { name: 'slow', retry: { initialInterval: 5 } },
    async (_: unknown, { attempt, signal, lastFailure }) => {
      if (attempt > 1) return lastFailure?.message
      begun.open()
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(signal.reason as Error)
        })
      })
    },
  )
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(slow))
  const first = await reopen({ definitions: [calls, slow] })
  await first.start(calls, { workflowId: 'w' })
  await begun.promise

  await first.close({ graceMs: 10 })

  expect(reasons).toMatchObject([{ code: 'LOOM_CLOSED' }])
  const second = await reopen({ definitions: [calls, slow] })
  expect(await second.handle(calls, 'w').result()).toContain('attempt 1 is gone')
})

test('an activity that may not be tried again fails its workflow when its host is lost', async () => {
  const { open: reopen } = reopenable()
  const begun = gate()
  const once = activity({ name: 'once', retry: { maximumAttempts: 1 } }, async () => {
    begun.open()
    await new Promise(() => {})
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(once))
  const first = await reopen({ definitions: [calls, once] })
  await first.start(calls, { workflowId: 'w' })
  await begun.promise
  await first.close({ graceMs: 0 })

  const second = await reopen({ definitions: [calls, once] })

  const error = await rejection(second.handle(calls, 'w').result())
  expect(error.cause).toMatchObject({ retryState: 'MaximumAttemptsReached', cause: { type: 'WorkerLost' } })
})

test('a closed loom refuses every call, may be closed twice, and leaves those who wait with LOOM_CLOSED', async () => {
  const loom = await open({ definitions: [parked] })
  const handle = await loom.start(parked, { workflowId: 'w' })
  const waiting = [handle.result(), loom.handle(parked, 'w').result()].map(rejection)

  const closing = loom.close()

  expect(loom.close()).toBe(closing)
  const calls = [
    () => loom.start(parked, { workflowId: 'x' }),
    () => loom.execute(parked, { workflowId: 'x' }),
    () => handle.signal('go', 'x'),
    () => handle.describe(),
    () => handle.terminate(),
    () => handle.retryStalled(),
    () => typesOf(handle),
    () => handle.result(),
    () => loom.handle('w').result(),
    () => loom.admin.deadLetters.list(),
    () => loom.admin.deadLetters.purge(1),
    () => loom.admin.deadLetters.retry(1),
    async () => loom.admin.shards.list(),
    () => loom.service.pollActivityTask({ namespaceId: loom.namespaceId, taskQueue: 'q', identity: 'i', waitMs: 1 }),
  ]
  const early = await Promise.all(calls.slice(0, 7).map((call) => rejection(call())))
  await closing
  const late = await Promise.all(calls.map((call) => rejection(call())))

  for (const error of [...early, ...late, ...(await Promise.all(waiting))]) expect(error.code).toBe('LOOM_CLOSED')
})

test('a task that is open when the loom is closed is ended and written, and its result told', async () => {
  const loom = await open({ definitions: [parked] })
  const handle = await loom.start(parked, { workflowId: 'w' })
  const result = handle.result()
  const signalled = handle.signal('go', 'just in time')
  for (let i = 0; i < 5; i++) await Promise.resolve()

  await loom.close()

  await signalled
  expect(await result).toBe('just in time')
})

test('a bad grace is refused, and the loom stays open', async () => {
  const loom = await open({ definitions: [parked] })

  expect(await rejection(loom.close({ graceMs: -1 }))).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })

  await loom.start(parked, { workflowId: 'w' })
})

test('polls that wait end with nothing when the loom closes', async () => {
  const loom = await open({ workers: [] })
  const poll = { namespaceId: loom.namespaceId, taskQueue: 'q', identity: 'i', waitMs: 60_000 }
  const polls = [loom.service.pollActivityTask(poll), loom.service.pollWorkflowTask(poll)]

  await loom.close()

  expect(await Promise.all(polls)).toEqual([undefined, undefined])
})

test('close under load loses nothing that was acknowledged, and no attempt', async () => {
  const { open: reopen } = reopenable()
  const add = activity({ name: 'add' }, async (n: number) => n + 1)
  const steps = workflow({ name: 'steps' }, async (ctx) => {
    let n = 0
    for (let i = 0; i < 20; i++) n = await ctx.run(add, n)
    return n
  })
  const first = await reopen({ definitions: [steps, add] })
  const handles = await Promise.all(Array.from({ length: 50 }, (_, i) => first.start(steps, { workflowId: `w${i}` })))
  const results = handles.map((handle) => handle.result().catch((error: { code: string }) => error.code))
  await Promise.race(results)
  await new Promise((resolve) => setTimeout(resolve, 3))

  await first.close()

  expect(new Set(await Promise.all(results)).size).toBeLessThanOrEqual(2)
  const second = await reopen({ definitions: [steps, add] })
  for (const { workflowId } of handles) {
    expect(await second.handle(steps, workflowId).result()).toBe(20)
    const attempts = await attributesOf(second.handle(workflowId), 'ActivityTaskStarted')
    expect(attempts.filter(({ attempt }) => attempt > 1)).toEqual([])
  }
})

test('two looms on one folder: the second is refused, and the first goes on', async () => {
  const path = await folder()
  const first = await open({ medium: level(path), definitions: [parked] })

  const error = await rejection(openLoom({ medium: level(path), shardCount: 4 }))

  expect(error.code).toBe('LOOM_MEDIUM_BUSY')
  await first.start(parked, { workflowId: 'w' })
  await first.close()
  await open({ medium: level(path) })
})

test('a store made with another shard count is refused with both numbers', async () => {
  const path = await folder()
  await (await open({ medium: level(path), shardCount: 8 })).close()

  const error = await rejection(openLoom({ medium: level(path), shardCount: 16 }))

  expect(error).toMatchObject({
    code: 'LOOM_STORE_MISMATCH',
    message: expect.stringMatching(/\b8\b.*\b16\b|\b16\b.*\b8\b/),
  })
})

test('await using closes it', async () => {
  const loom = await openLoom({ medium: memory(), shardCount: 1 })

  await loom[Symbol.asyncDispose]()

  expect(await rejection(loom.start('x', { workflowId: 'w' }))).toMatchObject({ code: 'LOOM_CLOSED' })
})

test('nothing keeps the process alive after close, nor after an open that failed', async () => {
  const run = promisify(execFile)

  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'test/loom/closing-child.ts', await folder()], {
    timeout: 30_000,
  })

  const { closedAtMs, endedAtMs, resources } = JSON.parse(stdout)
  expect(
    resources.filter(
      (name: string) => !['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'CloseReq'].includes(name),
    ),
  ).toEqual([])
  expect(endedAtMs - closedAtMs).toBeLessThan(400)
})

test('what closes while a task waits for its worker is found by the next loom', async () => {
  const { open: reopen } = reopenable()
  const clientOnly = await reopen({ workers: [] })
  await clientOnly.start('parked', { workflowId: 'w', taskQueue: 'default' })
  await clientOnly.close()

  const worker = await reopen({ definitions: [parked] })
  await worker.handle(parked, 'w').signal('go', 'here')

  expect(await worker.handle(parked, 'w').result()).toBe('here')
  await until(() => worker.admin.shards.list().every(({ backlogCount }) => backlogCount === 0))
})
