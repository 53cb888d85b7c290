/** Cancelling an execution: what its caller, its code, its activities and its history see of it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { DEFAULT_NAMESPACE_ID } from '../../src/protocol/ids.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { CancelledFailure } from '../../src/workflow/failures.js'
import { attributesOf, gate, open, rejection, reopenable, typesOf, until } from './rig.js'

const sleeper = workflow({ name: 'sleeper' }, (ctx) => ctx.sleep('1 day'))

test('an execution that lets its cancellation through is Canceled, and its result says so', async () => {
  const loom = await open({ definitions: [sleeper] })
  const handle = await loom.start(sleeper, { workflowId: 'w' })

  await handle.cancel('enough')

  const error = await rejection(handle.result())
  expect(error).toMatchObject({ name: 'WorkflowFailedError', status: 'Canceled', workflowId: 'w' })
  expect(error.message).toBe('workflow w gave way to a cancel request: cancelled')
  expect(error.cause).toBeInstanceOf(CancelledFailure)
  expect((await handle.describe()).status).toBe('Canceled')
  expect((await typesOf(handle)).slice(4)).toEqual([
    ...['TimerStarted', 'WorkflowExecutionCancelRequested'],
    ...['WorkflowTaskScheduled', 'WorkflowTaskStarted', 'WorkflowTaskCompleted'],
    ...['TimerCanceled', 'WorkflowExecutionCanceled'],
  ])
  expect(await attributesOf(handle, 'WorkflowExecutionCancelRequested')).toMatchObject([{ cause: 'enough' }])
})

test('details of the cancellation that it ends with come with the result', async () => {
  const telling = workflow({ name: 'telling' }, (ctx) =>
    ctx.sleep('1 day').catch(() => {
      throw new CancelledFailure('half way', [{ done: 3 }])
    }),
  )
  const loom = await open({ definitions: [telling] })
  const handle = await loom.start(telling, { workflowId: 'w' })
  await handle.cancel()

  expect((await rejection(handle.result())).cause).toMatchObject({ details: [{ done: 3 }] })
})

test('asking twice, or a closed execution, changes nothing; asking nobody is an error', async () => {
  const loom = await open({ definitions: [sleeper] })
  const handle = await loom.start(sleeper, { workflowId: 'w' })

  await Promise.all([handle.cancel('a'), handle.cancel('b')])
  await rejection(handle.result())
  await handle.cancel('c')

  expect(await attributesOf(handle, 'WorkflowExecutionCancelRequested')).toMatchObject([{ cause: 'a' }])
  expect((await rejection(loom.handle('nobody').cancel())).code).toBe('LOOM_NOT_FOUND')
  expect((await rejection(handle.cancel(7 as never))).code).toBe('LOOM_INVALID_ARGUMENT')
})

test('a request that comes when the code has just returned is none', async () => {
  const brief = workflow({ name: 'brief', signals: { go: z.string() } }, (ctx) => ctx.signal('go'))
  const loom = await open({ definitions: [brief] })
  const handle = await loom.start(brief, { workflowId: 'w' })

  await Promise.all([handle.signal('go', 'x'), handle.cancel()])

  expect(await handle.result()).toBe('x')
  expect(await typesOf(handle)).not.toContain('WorkflowExecutionCancelRequested')
})

test('by the verb: only of the chain that is named', async () => {
  const loom = await open({ definitions: [sleeper] })
  const { runId } = await loom.start(sleeper, { workflowId: 'w' })
  const request = { namespaceId: DEFAULT_NAMESPACE_ID, workflowId: 'w', reason: '', identity: 'me', requestId: 'r' }
  const other = '01890000-0000-7000-8000-000000000001'

  const refused = loom.service.requestCancelWorkflow({ ...request, firstExecutionRunId: other })
  expect((await rejection(refused)).code).toBe('LOOM_NOT_FOUND')
  await loom.service.requestCancelWorkflow({ ...request, firstExecutionRunId: runId })

  expect(await attributesOf(loom.handle('w'), 'WorkflowExecutionCancelRequested')).toMatchObject([{ requestId: 'r' }])
})

test('a running activity is told to stop, and clean-up runs behind a shield', async () => {
  const log: string[] = []
  const slow = activity({ name: 'slow' }, async (_: string, { signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    log.push(String(signal.reason))
    signal.throwIfAborted()
  })
  const undo = activity({ name: 'undo' }, (what: string) => log.push(`undo ${what}`))
  const careful = workflow({ name: 'careful' }, async (ctx) => {
    try {
      await ctx.run(slow, 'x')
      return 'done'
    } catch (error) {
      await ctx.shield((c) => c.run(undo, 'x'))
      throw error
    }
  })
  const loom = await open({ definitions: [careful, slow, undo] })
  const handle = await loom.start(careful, { workflowId: 'w' })
  await until(async () => (await handle.describe()).pendingActivities[0]?.state === 'Started')

  await handle.cancel()

  expect(await rejection(handle.result())).toMatchObject({ status: 'Canceled' })
  expect(log.sort()).toEqual(['CancelledFailure: the activity was cancelled', 'undo x'])
})

test('WaitCancellationCompleted waits for the activity, also when the host dies meanwhile', async () => {
  const { open: openAgain } = reopenable()
  const { promise, open: release } = gate()
  let attempts = 0
  const patient = activity(
    { name: 'patient', cancellationType: 'WaitCancellationCompleted' },
    async (_: string, { signal }) => {
      if (++attempts === 1) await promise
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    },
  )
  const waiting = workflow({ name: 'waiting' }, async (ctx) => ctx.run(patient, 'x'))
  const first = await openAgain({ definitions: [waiting, patient] })
  const handle = await first.start(waiting, { workflowId: 'w' })
  await until(() => attempts === 1)
  await handle.cancel()
  await until(async () => (await typesOf(handle)).includes('ActivityTaskCancelRequested'))
  expect((await handle.describe()).status).toBe('Running')
  await first.close({ graceMs: 0 })
  release()

  const second = await openAgain({ definitions: [waiting, patient] })

  // A lost attempt of an activity that was asked to stop is not tried again: it has failed, and the code is told.
  expect(await rejection(second.handle('w').result())).toMatchObject({ status: 'Failed' })
  expect(attempts).toBe(1)
})

test('WaitCancellationCompleted is told at once when nobody had taken the activity', async () => {
  const patient = activity({ name: 'patient', taskQueue: 'elsewhere' }, async (n: number) => n)
  const hurried = workflow({ name: 'hurried' }, (ctx) =>
    ctx.timeout(5, (scope) => scope.run(patient, 1, { cancellationType: 'WaitCancellationCompleted' })),
  )
  const loom = await open({ definitions: [hurried, patient], workers: [{ taskQueue: 'default' }] })
  const handle = await loom.start(hurried, { workflowId: 'w' })

  expect((await rejection(handle.result())).cause).toMatchObject({
    name: 'CancelledFailure',
    message: "activity 'patient' was cancelled",
  })
  expect(await attributesOf(handle, 'ActivityTaskCanceled')).toMatchObject([{ startedEventId: 0 }])
})

test.each([1, 1000])(
  'the code that was cancelled is replayed to the same place (cache of %i)',
  async (codeCacheCount) => {
    const work = activity({ name: 'work' }, (n: number) => n + 1)
    const signals = { go: z.string() }
    const code = workflow({ name: 'code', signals }, async (ctx) => {
      const first = await ctx.timeout('1 h', (c) =>
        c.race({ a: (cc) => cc.sleep('1 day'), b: (cc) => cc.scope(() => 4) }),
      )
      try {
        await Promise.all([ctx.sleep('1 day'), ctx.scope((c) => c.signal('go'))])
      } catch {
        return await ctx.shield(async (c) => {
          const sum = await c.run(work, Number(first.value))
          await c.signal('go')
          return c.run(work, sum)
        })
      }
      return 0
    })
    const loom = await open({ definitions: [code, work, sleeper], settings: { codeCacheCount } })
    const handle = await loom.start(code, { workflowId: 'w' })
    await loom.start(sleeper, { workflowId: 'other' })
    await handle.cancel()
    await until(async () => (await typesOf(handle)).includes('ActivityTaskCompleted'))
    await loom.start(sleeper, { workflowId: 'another' })

    await handle.signal('go', 'x')

    expect(await handle.result()).toBe(6)
  },
)
