/** Calls that are wrong: each is refused with a code and a path, and nothing is written. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Loom } from '../../src/loom.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { open, rejection, reopenable, rowsOf } from './rig.js'

const Order = z.object({ id: z.string(), amount: z.number().positive() })
const checkout = workflow(
  { name: 'checkout', input: Order, signals: { approve: z.object({ by: z.string() }), note: z.string().optional() } },
  async (ctx) => ctx.signal('approve'),
)
const anything = workflow({ name: 'anything' }, async (_, input: unknown) => input)
const input = { id: '1', amount: 1 }
const circle: Record<string, unknown> = {}
circle['self'] = circle
const asyncSchema = z.string().refine(async () => true)
const slow = workflow({ name: 'slow', input: asyncSchema }, async () => 1)

type Call = (loom: Loom, handle: WorkflowHandle<typeof checkout>) => Promise<unknown>
const start = (workflowOrName: unknown, options?: unknown): Call => {
  return (loom) => loom.start(workflowOrName as typeof checkout, options as never)
}

const INVALID: readonly [string, Call, RegExp][] = [
  ['no options', start(checkout), /^options: /],
  ['no id', start(checkout, { input }), /^options\.workflowId: /],
  ['an empty id', start(checkout, { workflowId: '', input }), /^options\.workflowId: /],
  ['an id that is a number', start(checkout, { workflowId: 7, input }), /^options\.workflowId: /],
  [
    'an id of a lone surrogate',
    start(checkout, { workflowId: 'x\udc00', input }),
    /^options\.workflowId: not well-formed/,
  ],
  [
    'an id of 1,001 bytes',
    start(checkout, { workflowId: 'é'.repeat(500) + 'x', input }),
    /^options\.workflowId: longer than 1000/,
  ],
  [
    'input that does not fit',
    start(checkout, { workflowId: 'w', input: { id: 1, amount: -1 } }),
    /^input of workflow 'checkout'\.id: .*; input of workflow 'checkout'\.amount: /,
  ],
  ['no input', start(checkout, { workflowId: 'w' }), /^input of workflow 'checkout': /],
  [
    'input that JSON loses',
    start(anything, { workflowId: 'w', input: { at: [new Map()] } }),
    /^input of workflow 'anything'\.at\[0\]: a Map or Set/,
  ],
  [
    'input in a circle',
    start(anything, { workflowId: 'w', input: circle }),
    /^input of workflow 'anything'\.self: a circle/,
  ],
  [
    'input that is a bigint',
    start(anything, { workflowId: 'w', input: 1n }),
    /^input of workflow 'anything': a bigint/,
  ],
  [
    'input that is too big',
    start(anything, { workflowId: 'w', input: 'x'.repeat(3 * 1024 * 1024) }),
    /^input.*2097152/,
  ],
  [
    'a schema that answers later',
    start(slow, { workflowId: 'w', input: 'x' }),
    /^input of workflow 'slow': its schema answers with a promise/,
  ],
  ['an option that is not there', start(checkout, { workflowId: 'w', input, retries: {} }), /^options: .*retries/],
  [
    'a policy that is not there',
    start(checkout, { workflowId: 'w', input, workflowIdReusePolicy: 'Never' }),
    /^options\.workflowIdReusePolicy: /,
  ],
  [
    'policies that contradict',
    start(checkout, {
      workflowId: 'w',
      input,
      workflowIdReusePolicy: 'TerminateIfRunning',
      workflowIdConflictPolicy: 'Fail',
    }),
    /^workflowIdConflictPolicy: /,
  ],
  [
    'a time-out that is none',
    start(checkout, { workflowId: 'w', input, workflowTaskTimeout: '5 lightyears' }),
    /^options\.workflowTaskTimeout: not a duration/,
  ],
  ['an empty task queue', start(checkout, { workflowId: 'w', input, taskQueue: '' }), /^options\.taskQueue: /],
  ['an empty request id', start(checkout, { workflowId: 'w', input, requestId: '' }), /^options\.requestId: /],
  ['no workflow', start(undefined, { workflowId: 'w' }), /^workflow: neither/],
  [
    'an activity',
    start(
      activity({ name: 'a' }, () => 1),
      { workflowId: 'w' },
    ),
    /^workflow: neither/,
  ],
  ['an empty name', start('', { workflowId: 'w' }), /^workflow: /],
  [
    'a name that is known, with input that does not fit',
    start('checkout', { workflowId: 'w', input: 1 }),
    /^input of workflow 'checkout': /,
  ],
  ['a handle without id', async (loom) => loom.handle(''), /^workflowId: /],
  [
    'a handle with a typed workflow and no id',
    async (loom) => loom.handle(checkout, undefined as never),
    /^workflowId: /,
  ],
  ['a run id that is none', async (loom) => loom.handle('w', 'run-1'), /^runId: not a UUID: run-1/],
  [
    'a signal that is not there',
    async (_, handle) => handle.signal('aprove' as never, { by: 'x' } as never),
    /^signal: workflow 'checkout' has none named 'aprove' \(it has: approve, note\)/,
  ],
  [
    'a signal named like a method of objects',
    async (_, handle) => handle.signal('toString' as never, 1 as never),
    /^signal: .*none named 'toString'/,
  ],
  [
    'a payload that does not fit',
    async (_, handle) => handle.signal('approve', { by: 1 as never }),
    /^payload of signal 'approve'\.by: /,
  ],
  ['no payload', async (_, handle) => handle.signal('approve', undefined as never), /^payload of signal 'approve': /],
  ['an empty name of a signal', async (loom) => loom.handle('there').signal('', 1), /^signal: /],
  [
    'an empty request id of a signal',
    async (_, handle) => handle.signal('note', 'x', { requestId: '' }),
    /^options\.requestId: /,
  ],
  ['a reason that is no text', async (_, handle) => handle.terminate(7 as never), /^reason: /],
  ['details that JSON loses', async (_, handle) => handle.terminate('', () => 1), /^details\[0\]: a function/],
  ['a page of nothing', async (_, handle) => handle.history({ pageEvents: 0 }), /^options\.pageEvents: /],
  ['an event before the first', async (_, handle) => handle.history({ fromEventId: 0 }), /^options\.fromEventId: /],
]

test.each(INVALID)('%s is LOOM_INVALID_ARGUMENT, and nothing is written', async (_, call, message) => {
  const { open: reopen, store } = reopenable()
  const loom = await reopen({ definitions: [checkout, anything, slow] })
  const handle = await loom.start(checkout, { workflowId: 'there', input })
  const before = [rowsOf(store), loom.admin.stats().flushCount]

  const error = await rejection((async () => call(loom, handle))())

  expect(error).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(message) })
  expect([rowsOf(store), loom.admin.stats().flushCount]).toEqual(before)
})

test('executions that never were are LOOM_NOT_FOUND for every verb', async () => {
  const loom = await open({ definitions: [checkout] })
  const { runId } = await loom.start(checkout, { workflowId: 'other', input })

  for (const handle of [
    loom.handle('w'),
    loom.handle('w', runId),
    loom.handle('other', '01890000-0000-7000-8000-000000000001'),
  ]) {
    for (const call of [
      () => handle.describe(),
      () => handle.result(),
      () => handle.signal('x'),
      () => handle.terminate(),
      () => handle.retryStalled(),
      () => handle.history().pages()[Symbol.asyncIterator]().next(),
    ]) {
      expect((await rejection(call())).code).toBe('LOOM_NOT_FOUND')
    }
  }
})

test('a workflow that no worker knows waits, and can be terminated', async () => {
  const loom = await open({ definitions: [] })

  const handle = await loom.start('unknown', { workflowId: 'w', input: { any: 'thing' } })

  expect(await handle.describe()).toMatchObject({ status: 'Running', pendingWorkflowTask: { state: 'Scheduled' } })
  await handle.terminate()
})

test('a result that does not fit the output schema of whoever asks is refused for him alone', async () => {
  const numbers = workflow({ name: 'w' }, async () => 1)
  const texts = workflow({ name: 'w', output: z.string() }, async () => '')
  const loom = await open({ definitions: [numbers] })
  await loom.execute(numbers, { workflowId: 'w' })

  expect(await rejection(loom.handle(texts, 'w').result())).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
  expect(await loom.handle('w').result()).toBe(1)
})

test('a workflow whose own result does not fit its schema stalls', async () => {
  const liar = workflow({ name: 'liar', output: z.string() }, async () => 1 as never)
  const loom = await open({ definitions: [liar] })
  const handle = await loom.start(liar, { workflowId: 'w' })

  expect((await handle.describe()).stalled).toMatchObject({
    message: expect.stringMatching(/^result of workflow 'liar': /),
  })
})
