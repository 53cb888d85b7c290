/** One workflow id, several starts: who gets which run, and who is refused. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WorkflowIdReusePolicy } from '../../src/protocol/start-requests.js'
import { workflow } from '../../src/workflow/define.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import { WorkflowFailedError } from '../../src/client/errors.js'
import { open, rejection, reopenable } from './rig.js'

const waits = workflow({ name: 'waits', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))
const ends = workflow({ name: 'ends' }, async (_, fails: boolean) => {
  if (fails) throw new ApplicationFailure('on purpose')
})

test('an id that is open is refused, naming the run', async () => {
  const loom = await open({ definitions: [waits] })
  const { runId } = await loom.start(waits, { workflowId: 'w' })

  const error = await rejection(loom.start(waits, { workflowId: 'w' }))

  expect(error).toMatchObject({ code: 'LOOM_ALREADY_EXISTS', runId, message: expect.stringContaining('w is running') })
})

test('UseExisting gives the run that is there, and its result', async () => {
  const loom = await open({ definitions: [waits] })
  const first = await loom.start(waits, { workflowId: 'w' })

  const second = await loom.start(waits, { workflowId: 'w', workflowIdConflictPolicy: 'UseExisting' })
  await second.signal('go', 'both')

  expect(second.runId).toBe(first.runId)
  expect(await Promise.all([first.result(), second.result()])).toEqual(['both', 'both'])
})

test.each([
  ['TerminateExisting', { workflowIdConflictPolicy: 'TerminateExisting' }],
  ['TerminateIfRunning', { workflowIdReusePolicy: 'TerminateIfRunning' }],
] as const)('%s ends the run that is there and starts another', async (_, policy) => {
  const loom = await open({ definitions: [waits] })
  const first = await loom.start(waits, { workflowId: 'w' })

  const second = await loom.start(waits, { workflowId: 'w', ...policy })

  expect(second.runId).not.toBe(first.runId)
  expect(await rejection(first.result())).toMatchObject({ status: 'Terminated' })
  await second.signal('go', 'second')
  expect(await second.result()).toBe('second')
})

test.each([
  ['AllowDuplicate', true, true],
  ['AllowDuplicateFailedOnly', false, true],
  ['RejectDuplicate', false, false],
] as [WorkflowIdReusePolicy, boolean, boolean][])(
  '%s after a completed run: %s, after a failed one: %s',
  async (workflowIdReusePolicy, afterCompleted, afterFailed) => {
    const loom = await open({ definitions: [ends] })
    await loom.execute(ends, { workflowId: 'completed', input: false })
    await rejection(loom.execute(ends, { workflowId: 'failed', input: true }))
    const again = (workflowId: string): Promise<boolean> =>
      loom.start(ends, { workflowId, input: false, workflowIdReusePolicy }).then(
        () => true,
        ({ code }) => (code === 'LOOM_ALREADY_EXISTS' ? false : Promise.reject(new Error(code))),
      )

    expect([await again('completed'), await again('failed')]).toEqual([afterCompleted, afterFailed])
  },
)

test('a start that is sent again gives the same run: open, closed, and after the store was opened again', async () => {
  const { open: reopen } = reopenable()
  const options = { workflowId: 'w', requestId: 'request-1' }
  const loom = await reopen({ definitions: [waits] })

  const runs = await Promise.all([loom.start(waits, options), loom.start(waits, options)])
  await runs[0].signal('go', 'once')
  await runs[0].result()
  const afterwards = await loom.start(waits, options)
  const result = await afterwards.result()
  await loom.close()
  const reopened = await reopen({ definitions: [waits] })
  const later = await reopened.start(waits, options)

  expect(new Set([...runs, afterwards, later].map(({ runId }) => runId)).size).toBe(1)
  expect([result, await runs[1].result(), await later.result()]).toEqual(['once', 'once', 'once'])
})

test('many starts of one id at once: one wins, the others are told which', async () => {
  const loom = await open({ definitions: [waits] })

  const all = await Promise.allSettled(Array.from({ length: 50 }, () => loom.start(waits, { workflowId: 'w' })))

  const won = all.filter((one) => one.status === 'fulfilled')
  const lost = all.filter((one) => one.status === 'rejected')
  expect([won.length, lost.length]).toEqual([1, 49])
  expect(new Set(lost.map(({ reason }) => reason.runId))).toEqual(new Set([won[0]!.value.runId]))
})

test('an id is free as soon as its result is known', async () => {
  const loom = await open({ definitions: [ends] })
  for (let i = 0; i < 20; i++) await loom.execute(ends, { workflowId: 'w', input: false })
})

test('terminate ends an execution without asking its code, once', async () => {
  const loom = await open({ definitions: [waits] })
  const handle = await loom.start(waits, { workflowId: 'w' })
  const result = rejection(handle.result())

  await handle.terminate('no longer wanted', { ticket: 7 })

  const error = await result
  expect(error).toBeInstanceOf(WorkflowFailedError)
  expect(error).toMatchObject({
    status: 'Terminated',
    workflowId: 'w',
    runId: handle.runId,
    message: 'workflow w was terminated: no longer wanted',
  })
  expect(error.cause).toMatchObject({ name: 'TerminatedFailure', message: 'no longer wanted' })
  expect(await rejection(handle.terminate())).toMatchObject({ code: 'LOOM_EXECUTION_CLOSED' })
  expect(await rejection(handle.signal('go', 'late'))).toMatchObject({ code: 'LOOM_EXECUTION_CLOSED' })
  expect((await handle.describe()).status).toBe('Terminated')
})

test('a signal with a request id is recorded once', async () => {
  const counts = workflow({ name: 'counts', signals: { add: z.number(), end: z.any() } }, async (ctx) => {
    let sum = 0
    ctx.onSignal('add', (n) => (sum += n))
    await ctx.signal('end')
    return sum
  })
  const loom = await open({ definitions: [counts] })
  const handle = await loom.start(counts, { workflowId: 'w' })

  for (let i = 0; i < 3; i++) await handle.signal('add', 1, { requestId: 'same' })
  await handle.signal('add', 10)
  await handle.signal('add', 10)
  await handle.signal('end')

  expect(await handle.result()).toBe(21)
})

test('a handle of a closed run stays with that run; one by workflow id goes with the id', async () => {
  const loom = await open({ definitions: [ends] })
  const first = await loom.start(ends, { workflowId: 'w', input: true })
  await rejection(first.result())
  await loom.execute(ends, { workflowId: 'w', input: false })

  expect((await first.describe()).status).toBe('Failed')
  expect((await loom.handle('w').describe()).status).toBe('Completed')
  expect((await loom.handle('w', first.runId).describe()).status).toBe('Failed')
})
