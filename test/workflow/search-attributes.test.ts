import { expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import { BINARY_PLAIN, JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import { workflow } from '../../src/workflow/define.js'
import { decodeSearchAttributes, encodeSearchAttributes } from '../../src/workflow/search-attributes.js'
import { FakeHost } from './fake-host.js'

const json = (value: unknown): Payload => ({ metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(value)) })
const DUE = new Date('2026-01-02T03:04:05.678Z')

test('values of every type come back as they were', () => {
  const values = { bool: true, datetime: DUE, double: 1.5, int: -7, keyword: 'k', keywords: ['a', 'b'], none: [] }

  expect(decodeSearchAttributes(encodeSearchAttributes(values, 'path'))).toEqual(values)
  expect(encodeSearchAttributes({ gone: null, absent: undefined }, 'path')).toEqual({
    gone: { metadata: { encoding: 'binary/null' }, data: new Uint8Array() },
  })
  expect(encodeSearchAttributes({ absent: undefined }, 'path')).toBeUndefined()
})

test('what others wrote is read as far as it can be', () => {
  const broken = { metadata: JSON_PLAIN, data: Buffer.from('{') }
  const binary = { metadata: BINARY_PLAIN, data: Buffer.from('1') }
  expect(decodeSearchAttributes({ a: json(['x']), b: json(null), broken, binary, due: json(DUE) })).toEqual({
    a: ['x'],
    due: DUE.toISOString(),
  })
})

test.each([
  [7, 'path: not an object'],
  [[1], 'path: not an object'],
  [{ a: {} }, 'path.a: neither a boolean, a finite number, a text, a Date, a list of texts, nor null'],
  [{ a: Infinity }, 'path.a: neither'],
  [{ a: [1] }, 'path.a: neither'],
  [{ a: 1n }, 'path.a: neither'],
  [{ a: new Date(NaN) }, 'path.a: an invalid Date'],
  [{ '': 1 }, 'path: a name: '],
  [{ TemporalChangeVersion: ['x'] }, 'path.TemporalChangeVersion: it is set by ctx.patched alone'],
])('%o is refused', (values, message) => {
  expect(() => encodeSearchAttributes(values, 'path')).toThrow(message)
  expect(() => encodeSearchAttributes(values, 'path')).toThrow(
    expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT' }),
  )
})

test('code reads what it has written, live and replayed', async () => {
  const seen: unknown[] = []
  const definition = workflow({ name: 'w' }, async (ctx) => {
    const before = ctx.info
    ctx.upsertSearchAttributes({ Due: DUE, Tags: ['a'], Customer: null })
    ctx.upsertSearchAttributes({})
    ctx.upsertSearchAttributes({ Tags: [] })
    seen.push(before.searchAttributes, ctx.info.searchAttributes)
    ctx.patched('p')
    await ctx.sleep(5)
    seen.push(ctx.info.searchAttributes)
  })
  const host = new FakeHost()
  host.startedWith = { searchAttributes: { Customer: json('ada'), Old: json(1) } }
  await host.start(definition).rest()
  expect(host.asked).toEqual([
    'attributes Due, Tags, Customer',
    'attributes Tags',
    'marker core_patch',
    'attributes TemporalChangeVersion',
    'timer 1 5',
  ])
  expect(seen).toEqual([
    { Customer: 'ada', Old: 1 },
    { Due: DUE, Old: 1 },
  ])

  const replayed = await new FakeHost().replayOf(definition, host.history).rest()
  await replayed.fire(1).rest()
  expect(replayed.problem).toBeUndefined()
  expect(seen.at(-1)).toEqual({ Due: DUE, Old: 1, TemporalChangeVersion: ['p'] })
})

test('code that no longer writes what it wrote does not fit its history', async () => {
  const writes = workflow({ name: 'w' }, async (ctx) => {
    ctx.upsertSearchAttributes({ a: 1 })
    await ctx.sleep(5)
  })
  const other = workflow({ name: 'w' }, async (ctx) => {
    await ctx.sleep(5)
  })
  const { history } = await new FakeHost().start(writes).rest()

  expect((await new FakeHost().replayOf(other, history).rest()).problem?.failure.message).toBe(
    'event 5: history has UpsertWorkflowSearchAttributes, but the code asked for StartTimer (id 1, 5 ms)',
  )
})

test('what is refused is no command, and the next run has those of the start, or what it is given', async () => {
  const messages: unknown[] = []
  const definition = workflow({ name: 'w' }, async (ctx) => {
    try {
      ctx.upsertSearchAttributes({ a: {} } as never)
    } catch (error) {
      messages.push(isLoomError(error) && error.message)
    }
    ctx.upsertSearchAttributes({ up: 1 })
    return await ctx.continueAsNew()
  })
  const given = workflow({ name: 'w' }, (ctx) => ctx.continueAsNew(1, { searchAttributes: { b: 2 } }))
  const attributesOfNext = async (definition: Parameters<FakeHost['start']>[0]): Promise<unknown> => {
    const host = new FakeHost()
    host.startedWith = { searchAttributes: { a: json(1) } }
    await host.start(definition).rest()
    return host.closing?.type === 'ContinueAsNewWorkflowExecution' ? host.closing.searchAttributes : host.problem
  }

  expect(await attributesOfNext(definition)).toEqual({ a: json(1) })
  expect(await attributesOfNext(given)).toEqual({ b: json(2) })
  expect(messages).toEqual([
    'upsertSearchAttributes.a: neither a boolean, a finite number, a text, a Date, a list of texts, nor null',
  ])
})
