/** Chains of runs: time-outs, retries, schedules, start delays and continue-as-new, as the host application sees them. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { WorkflowFailedError } from '../../src/client/errors.js'
import { memory } from '../../src/storage/memory.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { workflow } from '../../src/workflow/define.js'
import { ApplicationFailure, TimeoutFailure } from '../../src/workflow/failures.js'
import { attributesOf, Lines, open, reopenable, rejection, typesOf, until } from './rig.js'

const forever = workflow({ name: 'forever' }, async (ctx) => ctx.sleep('1000 days'))

/** Fails until its third attempt. */
const flaky = workflow({ name: 'flaky' }, async (ctx) => {
  if (ctx.info.attempt < 3) throw new ApplicationFailure(`no ${ctx.info.attempt}`)
  return ctx.info.attempt
})

const counter = workflow(
  { name: 'counter', input: z.number(), output: z.number(), signals: { add: z.number() } },
  async (ctx, count) => {
    const by = await ctx.signal('add')
    if (by === 0) return count
    return ctx.continueAsNew(count + by)
  },
)

test('a run that is over time has timed out, and its result says so', async () => {
  const clock = new VirtualClock()
  const loom = await open({ definitions: [forever], clock })
  const handle = await loom.start(forever, { workflowId: 'w', workflowRunTimeout: '1 m' })
  const result = rejection(handle.result())

  await clock.advance('1 m')

  const error = await result
  expect(error).toBeInstanceOf(WorkflowFailedError)
  expect(error).toMatchObject({ status: 'TimedOut', cause: { kind: 'timeout' } })
  expect(error.cause).toBeInstanceOf(TimeoutFailure)
  expect((await typesOf(handle)).at(-1)).toBe('WorkflowExecutionTimedOut')
})

test('a timer that is due together with the time-out of its run fires and wakes nobody', async () => {
  const clock = new VirtualClock()
  const store = reopenable()
  const definitions = [workflow({ name: 'short' }, async (ctx) => ctx.sleep('1 m')), forever]
  const before = await store.open({ definitions, clock, shardCount: 1 })
  await before.start('short', { workflowId: 'w', workflowRunTimeout: '2 m' })
  await before.start(forever, { workflowId: 'neighbour' })
  await before.close()
  await clock.advance('1 h')

  const logger = new Lines()
  const loom = await store.open({ definitions, clock, shardCount: 1, logger })
  await clock.settle()

  expect(await rejection(loom.handle('w').result())).toMatchObject({ status: 'TimedOut' })
  expect((await typesOf(loom.handle('w'))).slice(-2)).toEqual(['WorkflowTaskScheduled', 'WorkflowExecutionTimedOut'])
  await loom.handle('neighbour').terminate()
  expect(logger.all.filter(({ level }) => level === 'error')).toEqual([])
})

test('a time-out, a start delay and a schedule are found again by whoever opens the store', async () => {
  const clock = new VirtualClock()
  const store = reopenable()
  const before = await store.open({ definitions: [forever, flaky], clock })
  await before.start(forever, { workflowId: 'timed', workflowExecutionTimeout: '2 h' })
  await before.start(forever, { workflowId: 'late', startDelay: '1 h' })
  await before.start(flaky, { workflowId: 'cron', cronSchedule: '@hourly' })
  await before.close()

  const loom = await store.open({ definitions: [forever, flaky], clock })
  expect(await typesOf(loom.handle('late'))).toEqual(['WorkflowExecutionStarted'])
  await clock.advance('1 h')
  await until(async () => (await typesOf(loom.handle('late'))).includes('WorkflowTaskScheduled'))
  await until(
    async () =>
      (await loom.handle('cron').describe()).firstExecutionRunId !== (await loom.handle('cron').describe()).runId,
  )
  await clock.advance('1 h')

  expect(await rejection(loom.handle('timed').result())).toMatchObject({ status: 'TimedOut' })
})

test('a run that fails is followed by the next attempt, and the result is that of the last', async () => {
  const loom = await open({ definitions: [flaky] })

  const handle = await loom.start(flaky, { workflowId: 'w', retry: { initialInterval: 5, maximumAttempts: 5 } })

  expect(await handle.result()).toBe(3)
  const [failed] = await attributesOf(handle, 'WorkflowExecutionFailed')
  expect(failed).toMatchObject({ retryState: 'InProgress', newExecutionRunId: expect.any(String) as string })
  const [last] = await attributesOf(loom.handle('w'), 'WorkflowExecutionStarted')
  expect(last).toMatchObject({ attempt: 3, initiator: 'Retry', firstExecutionRunId: handle.runId })
})

test('a handle of one run tells the end of that run alone', async () => {
  const loom = await open({ definitions: [flaky] })
  const handle = await loom.start(flaky, { workflowId: 'w', retry: { initialInterval: 5 } })
  await handle.result()

  const error = await rejection(loom.handle('w', handle.runId).result())

  expect(error).toMatchObject({ status: 'Failed', runId: handle.runId })
})

test('a schedule makes a run each time until it is terminated', async () => {
  const clock = new VirtualClock()
  const ranAtMs: number[] = []
  const tick = workflow({ name: 'tick' }, async (ctx) => void ranAtMs.push(ctx.now()))
  const loom = await open({ definitions: [tick], clock })
  const beganMs = clock.nowMs()
  const handle = await loom.start(tick, { workflowId: 'w', cronSchedule: '*/10 * * * *' })
  const result = rejection(handle.result())

  await clock.advance('30 m')
  await until(() => ranAtMs.length === 3)
  await handle.terminate('enough')

  expect(ranAtMs.map((ms) => ms - beganMs)).toEqual([600_000, 1_200_000, 1_800_000])
  expect(await result).toMatchObject({ status: 'Terminated' })
})

test('continue-as-new goes on as another run with a history of its own, and the handle goes with it', async () => {
  const loom = await open({ definitions: [counter] })
  const handle = await loom.start(counter, { workflowId: 'w', input: 1 })

  for (const by of [10, 100, 0]) await handle.signal('add', by)

  expect(await handle.result()).toBe(111)
  expect((await typesOf(handle)).at(-1)).toBe('WorkflowExecutionContinuedAsNew')
  const [last] = await attributesOf(loom.handle('w'), 'WorkflowExecutionStarted')
  expect(last).toMatchObject({ initiator: 'Workflow', firstExecutionRunId: handle.runId })
})

test('whoever describes a workflow id finds it open as long as its chain goes on', async () => {
  const settings = { executionCacheCount: 1, codeCacheCount: 1 }
  const loom = await open({ definitions: [counter], settings })
  await loom.start(counter, { workflowId: 'w', input: 0 })
  const statuses: string[] = []

  for (let i = 0; i < 30; i++) {
    const signaled = loom.handle('w').signal('add', 1)
    const looks = Array.from({ length: 5 }, async () => statuses.push((await loom.handle('w').describe()).status))
    await Promise.all([signaled, ...looks])
  }

  expect(new Set(statuses)).toEqual(new Set(['Running']))
})

test('no signal is lost between two runs: each is recorded in one of them', async () => {
  const clock = new VirtualClock()
  const loom = await open({ definitions: [counter], medium: memory(), clock })
  const handle = await loom.start(counter, { workflowId: 'w', input: 0 })

  // Each run takes one and drops the others that it was given in the same task: as in Temporal they are its code's to drain.
  const sent = Array.from({ length: 50 }, () => loom.handle('w').signal('add', 1))
  await Promise.all(sent)

  let recorded = 0
  const runIds: string[] = [handle.runId]
  for (const runId of runIds) {
    const one = loom.handle('w', runId)
    recorded += (await attributesOf(one, 'WorkflowExecutionSignaled')).length
    for (const { newExecutionRunId } of await attributesOf(one, 'WorkflowExecutionContinuedAsNew'))
      runIds.push(newExecutionRunId)
  }
  expect(recorded).toBe(50)
})

test('a start whose policy, schedule or delay makes no sense is refused', async () => {
  const loom = await open({ definitions: [forever] })
  const refused = async (options: object): Promise<string> =>
    (await rejection(loom.start(forever, { workflowId: 'w', ...options }))).message

  expect(await refused({ cronSchedule: 'nonsense' })).toContain('invalid CronSchedule')
  expect(await refused({ cronSchedule: '0 0 30 2 *' })).toContain('invalid CronSchedule')
  expect(await refused({ cronSchedule: '@daily', startDelay: '1 h' })).toContain('may not be used together')
  expect(await refused({ retry: { backoffCoefficient: 0.5 } })).toContain('options.retry.backoffCoefficient')
  expect(await refused({ workflowRunTimeout: 'soon' })).toContain('options.workflowRunTimeout')
})

test('a cancel request by the handle of a start reaches the run that is open', async () => {
  const loom = await open({ definitions: [counter] })
  const handle = await loom.start(counter, { workflowId: 'w', input: 1 })
  for (const by of [10, 100]) await handle.signal('add', by)

  await handle.cancel('enough')

  expect(await rejection(handle.result())).toMatchObject({ status: 'Canceled' })
  await handle.cancel('and again')
  expect((await loom.handle('w').describe()).status).toBe('Canceled')
})

test('a handle of one run asks that run alone to cancel', async () => {
  const loom = await open({ definitions: [counter] })
  const { runId } = await loom.start(counter, { workflowId: 'w', input: 1 })
  await loom.handle('w').signal('add', 10)

  await loom.handle('w', runId).cancel()

  expect(await attributesOf(loom.handle('w'), 'WorkflowExecutionCancelRequested')).toEqual([])
})

test('a run is told what the last good one returned, and what the one before it failed with', async () => {
  const clock = new VirtualClock()
  const told: unknown[] = []
  const tick = workflow({ name: 'tick', output: z.number() }, async (ctx) => {
    const { lastResult, lastFailure } = ctx.info
    told.push([lastResult, lastFailure?.message])
    if (told.length === 3) throw new ApplicationFailure('the third fails')
    return told.length
  })
  const loom = await open({ definitions: [tick], clock })
  await loom.start(tick, { workflowId: 'w', cronSchedule: '@every 10m' })

  await clock.advance('50 m')
  await until(() => told.length === 5)

  expect(told).toEqual([
    [undefined, undefined],
    [1, undefined],
    [2, undefined],
    [2, 'the third fails'],
    [4, undefined],
  ])
})
