import { expect, test } from 'vitest'
import { z } from 'zod'
import { isLoomError } from '../../src/base/errors.js'
import type { Memo } from '../../src/protocol/event.js'
import { BINARY_NULL, JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import { BUILT_IN } from '../../src/workflow/data-converter.js'
import { workflow } from '../../src/workflow/define.js'
import { encodeMemo } from '../../src/workflow/memo.js'
import { FakeHost } from './fake-host.js'

const json = (value: unknown): Payload => ({ metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(value)) })

test('code reads what it has written, as JSON carries it, live and replayed', async () => {
  const seen: unknown[] = []
  const definition = workflow({ name: 'w' }, async (ctx) => {
    const at = new Date(0)
    const list = [1]
    ctx.upsertMemo({ at, list, gone: 'x', none: undefined })
    list.push(2)
    const before = ctx.info
    ctx.upsertMemo({ gone: null, more: true })
    seen.push(before.memo, ctx.memo, ctx.info.memo === ctx.memo)
    await ctx.sleep(5)
    seen.push(ctx.memo)
  })
  const host = await new FakeHost().start(definition).rest()
  expect(host.asked).toEqual(['memo at, list, gone', 'memo gone, more', 'timer 1 5'])
  const after = { at: '1970-01-01T00:00:00.000Z', list: [1], more: true }
  expect(seen).toEqual([{ at: after.at, list: [1], gone: 'x' }, after, true])

  seen.length = 0
  const replayed = await new FakeHost().replayOf(definition, host.history).rest()
  await replayed.fire(1).rest()
  expect(replayed.problem).toBeUndefined()
  expect(seen.slice(2)).toEqual([true, after])
})

test('nothing to change is no command, and what cannot be carried is refused before there is one', async () => {
  const refused: unknown[] = []
  const definition = workflow({ name: 'w' }, async (ctx) => {
    ctx.upsertMemo({})
    ctx.upsertMemo({ a: undefined })
    const long = 'é'.repeat(501)
    for (const bad of [null, [1], 'x', new Map(), { a: new Map() }, { a: 1n }, { ['__proto__']: 1 }, { [long]: 1 }]) {
      try {
        ctx.upsertMemo(bad as never)
      } catch (error) {
        refused.push(isLoomError(error, 'LOOM_INVALID_ARGUMENT') ? error.message : error)
      }
    }
  })
  const host = await new FakeHost().start(definition).rest()

  expect(host.asked).toEqual(['complete'])
  expect(refused).toEqual([
    ...Array.from({ length: 4 }, () => 'upsertMemo: not a plain object'),
    'upsertMemo.a: a Map or Set cannot be sent',
    'upsertMemo.a: a bigint cannot be sent',
    'upsertMemo: no key may be called __proto__',
    'upsertMemo: a key: longer than 1000 bytes of UTF-8',
  ])
})

test('code that no longer writes what it wrote does not fit its history', async () => {
  const writes = workflow({ name: 'w' }, async (ctx) => {
    ctx.upsertMemo({ a: 1 })
    await ctx.sleep(5)
  })
  const other = workflow({ name: 'w' }, async (ctx) => {
    await ctx.sleep(5)
  })
  const otherValue = workflow({ name: 'w' }, async (ctx) => {
    ctx.upsertMemo({ b: 2 })
    await ctx.sleep(5)
  })
  const { history } = await new FakeHost().start(writes).rest()

  const problem = (await new FakeHost().replayOf(other, history).rest()).problem
  expect(problem?.failure.message).toBe(
    'event 5: history has WorkflowPropertiesModified, but the code asked for StartTimer (id 1, 5 ms)',
  )
  const without = history.filter(({ eventType }) => eventType !== 'WorkflowPropertiesModified')
  expect((await new FakeHost().replayOf(writes, without).rest()).problem?.failure.message).toContain(
    'history has TimerStarted (id 1, 5 ms), but the code asked for ModifyWorkflowProperties',
  )
  // Values are not compared.
  expect((await new FakeHost().replayOf(otherValue, history).rest()).problem).toBeUndefined()
})

test('the next run has the memo of the start, or what it is given', async () => {
  const memoOfNext = async (memo: object | undefined): Promise<Memo | undefined> => {
    const definition = workflow({ name: 'w', input: z.number() }, async (ctx) => {
      ctx.upsertMemo({ up: 1 })
      return await ctx.continueAsNew(1, memo && { memo: memo as never })
    })
    const host = new FakeHost()
    host.startedWith = { memo: { m: json(1) } }
    await host.start(definition, 0).rest()
    const { closing } = host
    if (closing?.type !== 'ContinueAsNewWorkflowExecution') throw new Error(JSON.stringify(host.problem))
    return closing.memo
  }

  expect(await memoOfNext(undefined)).toEqual({ m: json(1) })
  expect(await memoOfNext({ x: 2 })).toEqual({ x: json(2) })
  expect(await memoOfNext({})).toBeUndefined()
})

test('the options of continueAsNew are checked', async () => {
  const messages: string[] = []
  const definition = workflow({ name: 'w' }, async (ctx) => {
    for (const options of [{ memos: {} }, { memo: 7 }]) {
      await ctx.continueAsNew(undefined, options as never).catch((error: Error) => messages.push(error.message))
    }
  })
  await new FakeHost().start(definition).rest()

  expect(messages).toEqual([
    "continueAsNew: unknown option 'memos' (there are: memo, searchAttributes)",
    'continueAsNew: memo: not a plain object',
  ])
})

test('a null is nothing that history can see', () => {
  expect(encodeMemo({ a: null }, 'memo', BUILT_IN)).toEqual({ a: { metadata: BINARY_NULL, data: new Uint8Array() } })
})
