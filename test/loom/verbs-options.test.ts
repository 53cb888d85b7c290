/** What the typed calls are told: slips of the pen, forged definitions and payloads that the execution could not read. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodePayload, shardOf } from '../../src/index.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import type { Loom } from '../../src/loom.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { Lines, attributesOf, open, rejection, until } from './rig.js'

const add = workflow({ name: 'add', signals: { n: z.number() } }, async (ctx) => ctx.signal('n'))
const ship = activity({ name: 'ship' }, async () => 'shipped')

type Call = (loom: Loom, handle: WorkflowHandle) => unknown
const INVALID: readonly (readonly [what: string, call: Call, message: RegExp])[] = [
  ['history(null)', (_, handle) => handle.history(null as never), /^options: not an object but null/],
  ['history({ from })', (_, handle) => handle.history({ from: 1 } as never), /^options: there is no 'from'/],
  ['close(null)', (loom) => loom.close(null as never), /^options: not an object but null/],
  ['close({ grace })', (loom) => loom.close({ grace: 1 } as never), /there is no 'grace'; did you mean 'graceMs'\?/],
  ['close() with a duration that is none', (loom) => loom.close({ graceMs: '5 x' as never }), /^options\.graceMs: /],
  [
    'signal options misspelt',
    (_, handle) => handle.signal('n', 1, { requestid: 'r' } as never),
    /^options: there is no 'requestid'; did you mean 'requestId'\?/,
  ],
  ['signal options that are null', (_, handle) => handle.signal('n', 1, null as never), /^options: not an object/],
  [
    'start options misspelt',
    (loom) => loom.start('add', { workflowID: 'w' } as never),
    /^options: there is no 'workflowID'; did you mean 'workflowId'\?/,
  ],
  [
    'a forged workflow',
    (loom) => loom.start({ kind: 'workflow', name: {} } as never, { workflowId: 'v' } as never),
    /^workflow: /,
  ],
  [
    'a forged workflow without code',
    (loom) => loom.start({ kind: 'workflow', name: 'x' } as never, { workflowId: 'v' } as never),
    /^workflow: /,
  ],
  [
    'a handle of a forged workflow',
    (loom) => loom.handle({ kind: 'workflow', name: 'x' } as never, 'w'),
    /^workflow: /,
  ],
  ['a signal by id that does not fit', (loom) => loom.handle('w').signal('n', 'text'), /^payload of signal 'n': /],
  [
    'a signal by id that is not there',
    (loom) => loom.handle('w').signal('m', 1),
    /^signal: workflow 'add' has none named 'm'/,
  ],
  ['the shard of a number', () => shardOf(5 as never, 'w', 8), /^namespaceId: not a UUID: 5/],
  ['the shard of an object', (loom) => shardOf(loom.namespaceId, {} as never, 8), /^workflowId: /],
]

test.each(INVALID)('%s is LOOM_INVALID_ARGUMENT', async (_, call, message) => {
  const loom = await open({ definitions: [add] })
  const handle = await loom.start(add, { workflowId: 'w' })

  const error = await rejection((async () => call(loom, handle))())

  expect(error).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(message) })
  expect((await handle.describe()).status).toBe('Running')
})

test.each([
  [
    { settings: { codeCacheCnt: 1 } },
    /^options\.settings: there is no 'codeCacheCnt'; did you mean 'codeCacheCount'\?/,
  ],
  [{ settings: { zzzz: 1 } }, /^options\.settings: there is no 'zzzz' \(there are: executionCacheCount, /],
  [{ settings: null }, /^options\.settings: not an object but null/],
  [{ definition: [] }, /^options: there is no 'definition'; did you mean 'definitions'\?/],
  [{ definitions: [{ kind: 'workflow', name: 'x' }] }, /^definitions\[0\]: made by neither/],
  [{ definitions: [{ kind: 'activity', name: 'x', fn: () => 1 }] }, /^definitions\[0\]: made by neither/],
])('openLoom with %o is refused', async (options, message) => {
  expect(await rejection(open(options as never))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  })
})

test('graceMs may be written out', async () => {
  const loom = await open()

  await loom.close({ graceMs: '10 ms' })
})

test('a handle by id sends what it likes to a workflow that is not known here', async () => {
  const loom = await open({ definitions: [add] })
  const handle = await loom.start('foreign', { workflowId: 'w', taskQueue: 'remote' })

  await loom.handle('w').signal('anything', { at: 'all' })

  const [signaled] = await attributesOf(handle, 'WorkflowExecutionSignaled')
  expect(decodePayload(signaled!.input![0]!)).toEqual({ at: 'all' })
})

test('a task that nobody here can run is told of once for its type', async () => {
  const logger = new Lines()
  const ships = workflow({ name: 'ships' }, async (ctx) => ctx.run(ship))
  const loom = await open({ definitions: [ships], logger })

  for (const workflowId of ['a', 'b']) await loom.start(ships, { workflowId })
  for (const workflowId of ['c', 'd']) await loom.start('unknown', { workflowId })
  await until(() => logger.all.length >= 2)
  await loom.handle('d').describe()

  expect(logger.all.map(({ level, message }) => `${level}: ${message}`).sort()).toEqual([
    "warn: no worker here has activity 'ship' of task queue 'default': a task waits; is it in definitions?",
    "warn: no worker here has workflow 'unknown' of task queue 'default': a task waits; is it in definitions?",
  ])
})

test('nothing is told of tasks that wait for workers elsewhere', async () => {
  const logger = new Lines()
  const loom = await open({ workers: [], logger })
  await loom.start('unknown', { workflowId: 'w' })
  const polled = await open({ logger })
  const poll = { namespaceId: polled.namespaceId, taskQueue: 'remote', identity: 'me', waitMs: 1 }
  await polled.service.pollWorkflowTask(poll)
  await polled.start('unknown', { workflowId: 'w', taskQueue: 'remote' })

  expect(logger.all).toEqual([])
})
