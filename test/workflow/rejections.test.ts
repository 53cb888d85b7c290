import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleepReal } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { EXECUTION, FakeHost } from './fake-host.js'

const op = activity({ name: 'op' }, async () => undefined)
const refused = { type: 'application', message: 'refused' } as const

/** What the application's own listener saw. */
let seen: unknown[] = []
const onUnhandled = (reason: unknown): void => void seen.push((reason as Error).message)
const others = process.rawListeners('unhandledRejection')

beforeEach(() => {
  seen = []
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', onUnhandled)
})
afterEach(() => {
  expect(process.listeners('unhandledRejection')).toEqual([onUnhandled])
  expect(process.listenerCount('rejectionHandled')).toBe(0)
  process.removeAllListeners('unhandledRejection')
  for (const listener of others) process.on('unhandledRejection', listener as () => void)
})

const branch = async (ctx: WorkflowContext): Promise<void> => {
  await ctx.run(op)
}

test('a promise of ctx that fails before anybody awaits it is fine', async () => {
  let caught = ''
  const code = workflow({ name: 'w' }, async (ctx) => {
    const a = ctx.run(op)
    await ctx.run(op)
    await a.catch((error: Error) => (caught = error.message))
  })
  const host = await new FakeHost().start(code).rest()

  await host.fail(1, refused).rest()
  await host.complete(2).rest()

  expect(caught).toBe("activity 'op' failed: refused")
  expect(host.problem).toBeUndefined()
})

test('a branch that rejects and is left alone fails the task of its own execution, and of no other', async () => {
  const guilty = workflow({ name: 'guilty' }, async (ctx) => {
    void branch(ctx)
    await ctx.sleep(1e6)
  })
  const innocent = workflow({ name: 'innocent' }, async (ctx) => {
    branch(ctx).catch(() => {})
    await ctx.sleep(1e6)
  })
  const one = await new FakeHost().start(guilty).rest()
  const other = await new FakeHost(one.train).start(innocent, undefined, { ...EXECUTION, workflowId: 'wf-2' }).rest()

  one.fail(1, refused)
  other.fail(1, refused)
  void Promise.reject(new Error('of the application'))
  setImmediate(() => void Promise.reject(new Error('of an immediate')))
  await Promise.all([one.rest(), other.rest()])
  await sleepReal(10)

  expect(one.problem).toMatchObject({
    failure: { applicationType: 'UnhandledRejection', cause: { type: 'activity', cause: { message: 'refused' } } },
    hint: expect.stringContaining('.catch(() => {})'),
  })
  expect(other.problem).toBeUndefined()
  expect(seen.sort()).toEqual(['of an immediate', 'of the application'])
})

test('handled by a later cause of the same task is in time; by one of the next task is too late', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    const left = branch(ctx)
    await ctx.sleep(1)
    await left.catch(() => {})
    await ctx.run(op)
  })
  const inTime = await new FakeHost().start(code).rest()
  const late = await new FakeHost().start(code).rest()

  await inTime.fail(1, refused).fire(2).rest()
  await late.fail(1, refused).rest()

  expect(inTime.problem).toBeUndefined()
  expect(inTime.asked.at(-1)).toBe('run op')
  expect(late.problem!.failure).toMatchObject({ applicationType: 'UnhandledRejection' })
})

test('what the outbox rejects is the application’s', async () => {
  const host = await new FakeHost().start(workflow({ name: 'w' }, (ctx) => ctx.sleep(1))).rest()

  host.train.later(() => void Promise.reject(new Error('result of a failed workflow')))
  await sleepReal(10)

  expect(seen).toEqual(['result of a failed workflow'])
  expect(host.problem).toBeUndefined()
})

test('a listener given by once is still one', async () => {
  const once: unknown[] = []
  process.once('unhandledRejection', (reason) => once.push(reason))

  await new FakeHost().start(workflow({ name: 'w' }, (ctx) => ctx.sleep(1))).rest()
  void Promise.reject(new Error('1'))
  await sleepReal(5)
  void Promise.reject(new Error('2'))
  await sleepReal(5)

  expect(once).toHaveLength(1)
  expect(seen).toEqual(['1', '2'])
})

// Without any listener Node ends the process: it must for the application's rejections, and must not for a workflow's.
test.each([
  ['workflow', 0, 'UnhandledRejection, alive'],
  ['application', 1, ''],
  ['outbox', 1, ''],
])('without a listener of the application: a rejection of the %s', (whose, status, printed) => {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-rejections-'))
  const file = join(folder, 'child.ts')
  writeFileSync(file, childProgram(whose))

  const child = spawnSync(process.execPath, ['--import', 'tsx', file], { encoding: 'utf8', cwd: process.cwd() })
  rmSync(folder, { recursive: true })

  expect({ status: child.status, printed: child.stdout.trim() }).toEqual({ status, printed })
  if (status === 1) expect(child.stderr).toContain(`Error: of the ${whose}`)
})

function childProgram(whose: string): string {
  const from = (path: string): string => JSON.stringify(join(process.cwd(), path))
  return `
import { workflow, activity } from ${from('src/workflow/define.ts')}
import { FakeHost } from ${from('test/workflow/fake-host.ts')}
const op = activity({ name: 'op' }, async () => undefined)
const code = workflow({ name: 'w' }, async (ctx) => {
  void (async () => { await ctx.run(op) })()
  await ctx.sleep(1e6)
})
void (async () => {
  const host = await new FakeHost().start(code).rest()
  if ('${whose}' === 'workflow') host.fail(1, { type: 'application', message: 'no' })
  if ('${whose}' === 'application') { host.complete(1); void Promise.reject(new Error('of the application')) }
  if ('${whose}' === 'outbox') host.train.later(() => void Promise.reject(new Error('of the outbox')))
  await new Promise((resolve) => setTimeout(resolve, 50))
  console.log(host.problem?.failure.applicationType + ', alive')
})()
`
}
