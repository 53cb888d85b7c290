import { expect, test } from 'vitest'
import { searchAttributeProblem } from '../../src/history/search-attributes.js'
import type { SearchAttributes } from '../../src/protocol/event.js'
import { BINARY_NULL, BINARY_PLAIN, JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import { SEARCH_ATTRIBUTE_TYPES } from '../../src/protocol/search-attributes.js'
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.js'

const TYPES = new Map(SEARCH_ATTRIBUTE_TYPES.map((type) => [type as string, type]))
const json = (value: unknown): Payload => ({ metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(value)) })
const problemOf = (given: SearchAttributes, all = given, limits = {}): string | undefined =>
  searchAttributeProblem(given, all, TYPES, { ...DEFAULT_SETTINGS, ...limits })

test.each([
  ['Bool', true],
  ['Datetime', '2026-01-02T03:04:05.678Z'],
  ['Datetime', '2026-01-02T03:04:05+02:00'],
  ['Double', 1.5],
  ['Double', 1],
  ['Int', -7],
  ['Keyword', 'a b'],
  ['KeywordList', ['a', 'b']],
  ['KeywordList', []],
  ['Text', ''],
  ['Int', [1, 2]],
  ['Int', null],
])('%s takes %j', (type, value) => {
  expect(problemOf({ [type]: json(value) })).toBeUndefined()
})

test.each([
  ['Bool', 'true'],
  ['Datetime', 'tomorrow'],
  ['Datetime', '2026-01-02'],
  ['Datetime', 7],
  ['Double', '1'],
  ['Int', 1.5],
  ['Int', 'x'],
  ['Int', [1, 'x']],
  ['Keyword', 1],
  ['KeywordList', 'a'],
  ['KeywordList', [1]],
  ['Text', {}],
])('%s does not take %j', (type, value) => {
  expect(problemOf({ [type]: json(value) })).toBe(
    `invalid value for search attribute ${type} of type ${type}: ${JSON.stringify(value)}`,
  )
})

test('what says that there is no value is a value of every type; what is not JSON is of none', () => {
  expect(problemOf({ Int: { metadata: BINARY_NULL, data: new Uint8Array() } })).toBeUndefined()
  const why = 'invalid value for search attribute Int of type Int: something that is not JSON'
  expect(problemOf({ Int: { metadata: BINARY_PLAIN, data: Buffer.from('1') } })).toBe(why)
  expect(problemOf({ Int: { metadata: JSON_PLAIN, data: Buffer.from('{') } })).toBe(why)
})

test('a name that is not registered is refused', () => {
  expect(problemOf({ NoSuch: json(1) })).toBe(
    "no search attribute 'NoSuch' is registered (options.searchAttributes of openLoom)",
  )
  expect(problemOf({ toString: json(1) })).toMatch(/^no search attribute 'toString' is registered/)
})

test('sizes and counts are bounded, as they are after the change', () => {
  const text = (bytes: number): Payload => json('x'.repeat(bytes - 2))
  expect(problemOf({ Text: text(2048) })).toBeUndefined()
  expect(problemOf({ Text: text(2049) })).toBe('search attribute Text: 2049 bytes; at most 2048 are allowed')
  const limits = { maxSearchAttributeCount: 2, maxSearchAttributesBytes: 100 }
  expect(problemOf({ Int: json(1) }, { Int: json(1), Double: json(1) }, limits)).toBeUndefined()
  expect(problemOf({ Int: json(1) }, { Int: json(1), Double: json(1), Bool: json(true) }, limits)).toBe(
    'search attributes: 3 of them; at most 2 are allowed',
  )
  expect(problemOf({ Int: json(1) }, { Int: json(1), Text: text(92) }, limits)).toBeUndefined()
  expect(problemOf({ Int: json(1) }, { Int: json(1), Text: text(93) }, limits)).toMatch(
    /^search attributes: \d+ bytes together; at most 100 are allowed$/,
  )
})

test('the list of patches is known, and counts for nothing', () => {
  const patches = { TemporalChangeVersion: json(['p'.repeat(500)]) }
  const limits = { maxSearchAttributeCount: 1, maxSearchAttributesBytes: 10, maxSearchAttributeBytes: 10 }
  expect(problemOf(patches, { ...patches, Int: json(1) }, limits)).toBeUndefined()
  expect(problemOf({ TemporalChangeVersion: json('p') })).toMatch(/^invalid value for .* of type KeywordList/)
})
