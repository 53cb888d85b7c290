/** Memos as the host application sees them. */
import { expect, test } from 'vitest'
import { JSON_PLAIN } from '../../src/protocol/payload.js'
import type { PayloadCodec } from '../../src/workflow/payload-codec.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { workflow } from '../../src/workflow/define.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import { attributesOf, open, rejection, reopenable, until } from './rig.js'

const noting = workflow({ name: 'noting', signals: {} }, async (ctx) => {
  ctx.upsertMemo({ stage: 'waiting', draft: null })
  await ctx.sleep('1 h')
  ctx.upsertMemo({ stage: 'done' })
  return ctx.memo
})

test('a memo is shown as it is now, also by whoever opens the store next', async () => {
  const clock = new VirtualClock()
  const store = reopenable()
  const before = await store.open({ definitions: [noting], clock })
  const memo = { customer: { name: 'ada' }, draft: true, stage: 'new' }
  const handle = await before.start(noting, { workflowId: 'w', memo })
  expect((await handle.describe()).memo).toEqual({ customer: { name: 'ada' }, stage: 'waiting' })
  await before.close()

  const loom = await store.open({ definitions: [noting], clock })
  expect((await loom.handle('w').describe()).memo).toEqual({ customer: { name: 'ada' }, stage: 'waiting' })
  await clock.advance('1 h')
  const result = { customer: { name: 'ada' }, stage: 'done' }
  expect(await loom.handle('w').result()).toEqual(result)
  expect((await loom.handle('w').describe()).memo).toEqual(result)
})

test('without a memo there is none, and history says nothing of it', async () => {
  const plain = workflow({ name: 'plain' }, async (ctx) => ctx.memo)
  const loom = await open({ definitions: [plain] })
  const handles = [
    await loom.start(plain, { workflowId: 'none' }),
    await loom.start(plain, { workflowId: 'empty', memo: {} }),
    await loom.start(plain, { workflowId: 'undefined', memo: { a: undefined } }),
  ]

  for (const handle of handles) {
    expect(await handle.result()).toEqual({})
    expect((await handle.describe()).memo).toEqual({})
    expect((await attributesOf(handle, 'WorkflowExecutionStarted'))[0]!.memo).toBeUndefined()
  }
})

test('a run that is tried again has the memo of the start, without what was changed', async () => {
  const clock = new VirtualClock()
  const flaky = workflow({ name: 'flaky' }, async (ctx) => {
    const { memo } = ctx
    ctx.upsertMemo({ tried: ctx.info.attempt })
    if (ctx.info.attempt === 1) throw new ApplicationFailure('again')
    return memo
  })
  const loom = await open({ definitions: [flaky], clock })
  const handle = await loom.start(flaky, { workflowId: 'w', memo: { m: 1 }, retry: {} })
  const result = handle.result()
  await clock.advance('1 m')

  expect(await result).toEqual({ m: 1 })
  expect((await loom.handle('w').describe()).memo).toEqual({ m: 1, tried: 2 })
})

test('a memo that is too big is refused at the start, and stalls the code that makes it so', async () => {
  const grows = workflow({ name: 'grows' }, async (ctx) => ctx.upsertMemo({ b: 'x'.repeat(600) }))
  const loom = await open({ definitions: [grows], settings: { maxMemoBytes: 1000 } })

  const big = await rejection(loom.start(grows, { workflowId: 'w', memo: { a: 'x'.repeat(500), b: 'y'.repeat(500) } }))
  expect(big).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: 'memo: 1006 bytes; at most 1000 are allowed',
  })
  expect(await rejection(loom.handle('w').describe())).toMatchObject({ code: 'LOOM_NOT_FOUND' })
  const handle = await loom.start(grows, { workflowId: 'w', memo: { a: 'x'.repeat(500) } })
  await until(async () => (await handle.describe()).stalled !== undefined)
  expect((await handle.describe()).stalled).toMatchObject({ reason: 'BadCommand' })
  expect((await attributesOf(handle, 'WorkflowTaskFailed'))[0]).toMatchObject({
    cause: 'BadModifyWorkflowPropertiesAttributes',
  })
})

test('input and memo that are too much together are refused', async () => {
  const loom = await open({ settings: { maxTurnBytes: 1000 } })

  const error = await rejection(
    loom.start('any', { workflowId: 'w', input: 'x'.repeat(600), memo: { m: 'y'.repeat(600) } }),
  )

  expect(error.message).toBe(
    'input, memo, search attributes and signalInput: 1205 bytes together; at most 1000 are allowed',
  )
})

test.each([
  [7, 'options.memo: not a plain object'],
  [[1], 'options.memo: not a plain object'],
  [{ a: () => {} }, 'options.memo.a: a function cannot be sent'],
  [{ '': 1 }, 'options.memo: a key: '],
])('a memo %j is refused', async (memo, message) => {
  const loom = await open()
  const error = await rejection(loom.start('any', { workflowId: 'w', memo: memo as never }))

  expect(error).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
  expect(error.message).toContain(message)
})

test('a value that nobody here can read is shown as its payload', async () => {
  const loom = await open()
  const secret = { metadata: { encoding: 'binary/encrypted' }, data: new Uint8Array([1, 2]) }
  await loom.service.startWorkflow({
    ...{ namespaceId: loom.namespaceId, workflowId: 'w', workflowType: 'wf', taskQueue: 'nobody', input: undefined },
    ...{ workflowExecutionTimeoutMs: 0, workflowRunTimeoutMs: 0, workflowTaskTimeoutMs: 0 },
    ...{ workflowIdReusePolicy: 'AllowDuplicate', identity: 'me', requestId: 'r', isFreshRequestId: true },
    memo: { secret, open: { metadata: JSON_PLAIN, data: Buffer.from('1') } },
  })

  expect((await loom.handle('w').describe()).memo).toEqual({ secret, open: 1 })
})

test('values go through codecs, one by one; that there is none does not', async () => {
  const flipped = (data: Uint8Array): Uint8Array => data.map((byte) => byte ^ 255)
  const codec: PayloadCodec = {
    encode: (payloads) => payloads.map(({ data }) => ({ metadata: { encoding: 'flipped' }, data: flipped(data) })),
    decode: (payloads) =>
      payloads.map(({ metadata, data }) => {
        if (metadata['encoding'] !== 'flipped') throw new Error('not mine')
        return { metadata: JSON_PLAIN, data: flipped(data) }
      }),
  }
  const clock = new VirtualClock()
  const store = reopenable()
  const options = { definitions: [noting], clock, dataConverter: { payloadCodecs: [codec] } }
  const before = await store.open(options)
  await before.start(noting, { workflowId: 'w', memo: { customer: 'ada', draft: 1, none: null } })
  const [changed] = await attributesOf(before.handle('w'), 'WorkflowPropertiesModified')
  expect(changed!.upsertedMemo['stage']!.metadata).toEqual({ encoding: 'flipped' })
  expect((await before.handle('w').describe()).memo).toEqual({ customer: 'ada', stage: 'waiting', none: null })
  await before.close()

  const loom = await store.open(options)
  await clock.advance('1 h')
  expect(await loom.handle('w').result()).toEqual({ customer: 'ada', stage: 'done', none: null })
  await loom.close()
  const without = await store.open()
  expect((await without.handle('w').describe()).memo).toMatchObject({ customer: { metadata: { encoding: 'flipped' } } })
})

test('a memo that cannot be read stalls the code that asks for it, and no other', async () => {
  const reads = workflow({ name: 'reads' }, async (ctx) => [ctx.info.workflowId, ctx.memo])
  const knows = workflow({ name: 'knows' }, async (ctx) => ctx.info.workflowId)
  const fails = (): never => {
    throw new Error('no key')
  }
  const codec: PayloadCodec = { encode: (payloads) => payloads, decode: fails }
  const loom = await open({ definitions: [reads, knows], dataConverter: { payloadCodecs: [codec] } })
  const handle = await loom.start(reads, { workflowId: 'r', memo: { a: 1 } })
  await until(async () => (await handle.describe()).stalled !== undefined)

  expect((await handle.describe()).stalled!.message).toContain('no key')
  const other = await loom.start(knows, { workflowId: 'k', memo: { a: 1 } })
  await until(async () => (await other.describe()).status === 'Completed')
})
