/** Signalling an execution that may or may not be there. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { workflow } from '../../src/workflow/define.js'
import { open, rejection, typesOf } from './rig.js'

const collects = workflow(
  { name: 'collects', input: z.number(), signals: { add: z.number(), stop: z.undefined() } },
  async (ctx, start) => {
    let sum = start
    ctx.onSignal('add', (more) => (sum += more))
    await ctx.signal('stop')
    return sum
  },
)

test('it starts what is not there, signals what is, and starts anew what has closed', async () => {
  const loom = await open({ definitions: [collects] })
  const first = await loom.signalWithStart(collects, { workflowId: 'w', input: 1, signal: 'add', payload: 10 })
  expect((await typesOf(first)).slice(0, 3)).toEqual([
    'WorkflowExecutionStarted',
    'WorkflowExecutionSignaled',
    'WorkflowTaskScheduled',
  ])

  const second = await loom.signalWithStart(collects, { workflowId: 'w', input: 2, signal: 'add', payload: 100 })
  const third = await loom.signalWithStart(collects, { workflowId: 'w', input: 3, signal: 'stop' })

  expect([second.runId, third.runId]).toEqual([first.runId, first.runId])
  expect(await second.result()).toBe(111)
  const fourth = await loom.signalWithStart(collects, { workflowId: 'w', input: 4, signal: 'stop' })
  expect(fourth.runId).not.toBe(first.runId)
  expect(await fourth.result()).toBe(4)
})

test('many at once make one execution, and every signal is in it', async () => {
  const loom = await open({ definitions: [collects] })
  const handles = await Promise.all(
    Array.from({ length: 50 }, () =>
      loom.signalWithStart(collects, { workflowId: 'w', input: 0, signal: 'add', payload: 1 }),
    ),
  )

  expect(new Set(handles.map(({ runId }) => runId)).size).toBe(1)
  await handles[0]!.signal('stop')
  expect(await handles[0]!.result()).toBe(50)
})

test('sent twice with one request id it is one start and one signal', async () => {
  const loom = await open({ definitions: [collects] })
  const options = { workflowId: 'w', input: 0, signal: 'add', payload: 1, requestId: 'r' } as const
  const first = await loom.signalWithStart(collects, options)
  const second = await loom.signalWithStart(collects, options)

  expect(second.runId).toBe(first.runId)
  await first.signal('stop')
  expect(await first.result()).toBe(1)
})

test('policies hold for it: an open execution may be replaced, a closed one may be the last', async () => {
  const loom = await open({ definitions: [collects] })
  const options = { workflowId: 'w', input: 0, signal: 'stop' } as const
  const first = await loom.start(collects, { workflowId: 'w', input: 0 })
  const second = await loom.signalWithStart(collects, { ...options, workflowIdConflictPolicy: 'TerminateExisting' })
  expect(second.runId).not.toBe(first.runId)
  expect((await first.describe()).status).toBe('Terminated')
  await second.result()

  const once = loom.signalWithStart(collects, { ...options, workflowIdReusePolicy: 'RejectDuplicate' })
  expect((await rejection(once)).code).toBe('LOOM_ALREADY_EXISTS')
  const fail = loom.signalWithStart(collects, { ...options, workflowIdConflictPolicy: 'Fail' })
  expect((await rejection(fail)).code).toBe('LOOM_INVALID_ARGUMENT')
})

test('a signal that does not fit starts nothing', async () => {
  const loom = await open({ definitions: [collects] })
  const start = { workflowId: 'w', input: 0 }
  const bad = [
    { ...start, signal: 'add', payload: 'text' },
    { ...start, signal: 'other' },
    { ...start, signal: 'stop', odd: 1 },
    undefined,
  ]
  for (const options of bad) {
    const refused = loom.signalWithStart(collects, options as never)
    expect((await rejection(refused)).code).toBe('LOOM_INVALID_ARGUMENT')
  }
  expect((await rejection(loom.handle('w').describe())).code).toBe('LOOM_NOT_FOUND')
})
