import { expect, test } from 'vitest'
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.js'
import type { Command } from '../../src/protocol/command.js'
import type { Memo, SearchAttributes } from '../../src/protocol/event.js'
import { BINARY_NULL, BINARY_PLAIN, JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import { RULES, Subject } from './subject.js'

const json = (text: string): Payload => ({ metadata: JSON_PLAIN, data: Buffer.from(text) })
const nothing: Payload = { metadata: BINARY_NULL, data: new Uint8Array() }
const upsert = (upsertedMemo: Memo): Command => ({ type: 'ModifyWorkflowProperties', upsertedMemo })
const upsertAttributes = (searchAttributes: SearchAttributes): Command => ({
  type: 'UpsertWorkflowSearchAttributes',
  searchAttributes,
})
const big = json(`"${'x'.repeat(DEFAULT_SETTINGS.maxMemoBytes / 2)}"`)

test('what is upserted is recorded as a change, and merged into the memo of the start', () => {
  const subject = new Subject()
  subject.start({ memo: { kept: json('1'), changed: json('2') } })

  subject.run(upsert({ changed: json('"x"'), added: json('true') }))

  expect(subject.last('WorkflowPropertiesModified').attributes).toEqual({
    workflowTaskCompletedEventId: 4,
    upsertedMemo: { changed: json('"x"'), added: json('true') },
  })
  expect(subject.state.memo).toEqual({ kept: json('1'), changed: json('"x"'), added: json('true') })
  expect(subject.state.workflowTask).toBeUndefined()
})

test('a null takes its key away, but only one that is upserted; other bytes are left alone', () => {
  const subject = new Subject()
  const bytes = { metadata: BINARY_PLAIN, data: Buffer.from('null') }
  subject.start({ memo: { a: json('1'), b: json('2'), c: nothing } })

  subject.run(upsert({ a: json('null'), b: nothing, bytes, absent: nothing }))
  expect(subject.state.memo).toEqual({ c: nothing, bytes })

  subject.signal('go')
  subject.run(upsert({ bytes: nothing, c: nothing }))
  expect(subject.state.memo).toBeUndefined()
})

test('names that every object has are names like others', () => {
  const subject = new Subject()
  subject.start({ memo: { toString: nothing } as unknown as Memo })

  subject.run(upsert({ a: json('1') }))

  expect(subject.state.memo).toEqual({ a: json('1'), toString: nothing })
})

test('an upsert of nothing fails the task', () => {
  const subject = new Subject()
  subject.start()

  expect(subject.answer(subject.poll(), [upsert({})])).toBe(
    'BadModifyWorkflowPropertiesAttributes: UpsertedMemo is not set on ModifyWorkflowPropertiesCommand.',
  )
})

test('a memo that becomes too big fails the task and stays as it was', () => {
  const subject = new Subject()
  subject.start({ memo: { a: big } })

  const answer = subject.answer(subject.poll(), [upsert({ b: big })])

  expect(answer).toBe('BadModifyWorkflowPropertiesAttributes: memo: 2097158 bytes; at most 2097152 are allowed')
  expect(Object.keys(subject.state.memo!)).toEqual(['a'])
  const next: Command = { type: 'ContinueAsNewWorkflowExecution', memo: { a: big, b: big } }
  expect(subject.answer(subject.poll('again'), [next])).toMatch(
    /^BadContinueAsNewAttributes: memo: \d+ bytes; at most /,
  )
})

test('a run that is continued as new has the memo of the command; one that is tried again that of the start', () => {
  const memo = { m: json('1') }
  const continued = new Subject()
  continued.start({ memo })
  continued.run(upsert({ m: json('2') }), { type: 'ContinueAsNewWorkflowExecution', memo: { n: json('3') } })
  expect(continued.last('WorkflowExecutionContinuedAsNew').attributes.memo).toEqual({ n: json('3') })
  expect(nextRun(continued)).toMatchObject({ attributes: { memo: { n: json('3') } } })

  const retried = new Subject()
  retried.start({ memo, cronSchedule: '@every 10s' })
  retried.run(upsert({ m: json('2') }), { type: 'CompleteWorkflowExecution' })
  expect(nextRun(retried)).toMatchObject({ attributes: { memo } })
})

test('search attributes are recorded as a change, and merged: a null takes one away, and an empty list', () => {
  const subject = new Subject()
  subject.start({ searchAttributes: { kept: json('1'), changed: json('2'), gone: json('3'), list: json('["a"]') } })
  const searchAttributes = { changed: json('4'), gone: json('null'), list: json('[]'), added: json('[1]') }

  subject.run(upsertAttributes(searchAttributes))

  const recorded = { workflowTaskCompletedEventId: 4, searchAttributes }
  expect(subject.last('UpsertWorkflowSearchAttributes').attributes).toEqual(recorded)
  expect(subject.state.searchAttributes).toEqual({ kept: json('1'), changed: json('4'), added: json('[1]') })
})

test('an upsert of no search attribute fails the task', () => {
  const subject = new Subject()
  subject.start()

  expect(subject.answer(subject.poll(), [upsertAttributes({})])).toBe(
    'BadSearchAttributes: IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.',
  )
})

test('what the host says of search attributes decides: of those that are given, with all that there are then', () => {
  const asked: unknown[] = []
  const subject = new Subject()
  subject.start({ searchAttributes: { a: json('1') } })
  subject.rules = { ...RULES, searchAttributeProblem: (...args) => (asked.push(args), 'too many') }
  const searchAttributes = { c: json('3') }

  expect(() => subject.run(upsertAttributes({ b: json('2') }))).toThrow('BadSearchAttributes: too many')
  expect(() => subject.run(upsertAttributes({ a: nothing }))).toThrow('BadSearchAttributes: too many')
  expect(() => subject.run({ type: 'ContinueAsNewWorkflowExecution', searchAttributes })).toThrow(
    'BadContinueAsNewAttributes: too many',
  )
  expect(asked).toEqual([
    [{ b: json('2') }, { a: json('1'), b: json('2') }],
    [{ a: nothing }, {}],
    [searchAttributes, searchAttributes],
  ])
})

test('a run that is continued as new has the search attributes of the command; one that is tried again those of the start', () => {
  const searchAttributes = { a: json('1') }
  const continued = new Subject()
  continued.start({ searchAttributes })
  continued.run({ type: 'ContinueAsNewWorkflowExecution', searchAttributes: { b: json('2') } })
  const closing = continued.last('WorkflowExecutionContinuedAsNew')
  expect(closing.attributes.searchAttributes).toEqual({ b: json('2') })
  expect(nextRun(continued)).toMatchObject({ attributes: { searchAttributes: { b: json('2') } } })

  const retried = new Subject()
  retried.start({ searchAttributes, cronSchedule: '@every 10s' })
  retried.run(upsertAttributes({ a: json('2') }), { type: 'CompleteWorkflowExecution' })
  expect(nextRun(retried)).toMatchObject({ attributes: { searchAttributes } })
})

function nextRun({ lastTurn }: Subject): unknown {
  return lastTurn!.tasks.find(({ type }) => type === 'StartNextRun')
}
