import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import { BINARY_NULL, BINARY_PLAIN, JSON_PLAIN } from '../../src/protocol/payload.js'
import {
  checkPayload,
  decodePayload,
  decodePayloads,
  encodePayload,
  encodePayloads,
  MAX_PAYLOAD_BYTES,
} from '../../src/workflow/converter.js'

test('what JSON carries comes back', () => {
  const carries = fc
    .jsonValue()
    .filter((value) => !JSON.stringify(value).includes('"__proto__":'))
    .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  fc.assert(
    fc.property(carries, (value) => {
      const payload = encodePayload(value)
      expect(payload.metadata).toBe(JSON_PLAIN)
      expect(decodePayload(payload)).toEqual(value)
    }),
  )
})

test('undefined and bytes have encodings of their own', () => {
  const bytes = new Uint8Array([1, 2, 3])
  const payload = encodePayload(bytes)
  bytes[0] = 9

  expect(encodePayload(undefined)).toMatchObject({ metadata: BINARY_NULL, data: new Uint8Array(0) })
  expect(decodePayload(encodePayload(undefined))).toBeUndefined()
  expect(payload.metadata).toBe(BINARY_PLAIN)
  expect(decodePayload(payload)).toEqual(new Uint8Array([1, 2, 3]))
  expect(decodePayload(encodePayload(Buffer.from('x')))).toEqual(new Uint8Array([120]))
})

test('bytes of JSON may come as any view, and metadata as any object', () => {
  const data = new Uint8Array([120, ...Buffer.from('{"a":"ä"}'), 120]).subarray(1, -1)

  expect(decodePayload({ metadata: { encoding: 'json/plain' }, data })).toEqual({ a: 'ä' })
})

test('lists go and come item by item', () => {
  expect(decodePayloads(encodePayloads([1, undefined, 'x']))).toEqual([1, undefined, 'x'])
  expect(decodePayloads(undefined)).toEqual([])
  expect(() => encodePayloads([1, 2n])).toThrow('values[1]: a bigint cannot be sent')
})

const circle: { items: unknown[] } = { items: [1] }
circle.items.push({ back: circle })

const REFUSED: Record<string, [unknown, string]> = {
  'a function': [() => 1, 'value: a function cannot be sent'],
  'a symbol': [Symbol('s'), 'value: a symbol cannot be sent'],
  'a bigint': [{ price: 1n }, 'value.price: a bigint cannot be sent'],
  'a function inside': [
    { order: { items: [1, { make: () => 1 }] } },
    'value.order.items[1].make: a function cannot be sent',
  ],
  'a symbol inside': [[Symbol('s')], 'value[0]: a symbol cannot be sent'],
  'a circle': [circle, 'value.items[1].back: a circle cannot be sent'],
  'a promise': [{ charge: Promise.resolve() }, 'value.charge: a promise (await it first) cannot be sent'],
  'a Map': [{ byId: new Map([[1, 2]]) }, 'value.byId: a Map or Set cannot be sent'],
  'a Set': [new Set([1]), 'value: a Map or Set cannot be sent'],
  'bytes inside': [{ image: new Uint8Array(3) }, 'value.image: bytes inside of something else cannot be sent'],
  'a field that its reader would drop': [
    [JSON.parse('{"__proto__":{"admin":true}}')],
    'value[0].__proto__: a field of that name cannot be sent',
  ],
  'not a number': [{ rate: Number.NaN }, 'value.rate: NaN cannot be sent'],
  'no finite number': [[-Infinity], 'value[0]: -Infinity cannot be sent'],
  'an error': [{ error: new Error('x') }, 'value.error: an error (send its message) cannot be sent'],
  'a regular expression': [/x/, 'value: a regular expression (send its source) cannot be sent'],
  'a WeakMap': [new WeakMap(), 'value: a WeakMap or WeakSet cannot be sent'],
  'a Buffer inside': [{ image: Buffer.from('x') }, 'value.image: bytes inside of something else cannot be sent'],
  'a primitive in an object': [[new Number(5)], 'value[0]: a primitive in an object cannot be sent'],
  'what is nested too deep': [nested(20_000), 'value: something nested so deep cannot be sent'],
  'a getter that throws': [
    {
      get price() {
        throw new TypeError('no price')
      },
    },
    'value: something that cannot be read cannot be sent',
  ],
  'what turns itself into nothing': [{ toJSON: () => undefined }, 'value: nothing cannot be sent'],
  'what throws': [
    {
      toJSON: () => {
        throw new Error('not today')
      },
    },
    'value: not today cannot be sent',
  ],
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

test.each(Object.entries(REFUSED))('refused by name, not lost: %s', (_, [value, message]) => {
  for (const send of [() => encodePayload(value), () => checkPayload(value, 'value')]) {
    const error = thrownBy(send)
    expect(isLoomError(error, 'LOOM_INVALID_ARGUMENT')).toBe(true)
    expect((error as Error).message).toBe(message)
  }
})

test('what JSON turns into something on purpose goes through', () => {
  class Money {
    readonly amount = 5
    describe(): string {
      return 'money'
    }
  }
  const sent = {
    at: new Date(0),
    money: new Money(),
    gone: undefined,
    list: [undefined],
    bare: Object.create(null) as object,
  }

  expect(decodePayload(encodePayload(sent))).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    money: { amount: 5 },
    list: [null],
    bare: {},
  })
})

test('the same object twice is no circle', () => {
  const shared = { a: 1 }

  expect(decodePayload(encodePayload([shared, { shared }]))).toEqual([{ a: 1 }, { shared: { a: 1 } }])
})

test('2 MB is the most a payload carries', () => {
  const most = 'x'.repeat(MAX_PAYLOAD_BYTES - 2)

  expect(encodePayload(most).data.byteLength).toBe(MAX_PAYLOAD_BYTES)
  expect(() => encodePayload(`${most}x`)).toThrow('value: 2097153 bytes, more than the 2097152 of a payload')
  expect(() => encodePayload(new Uint8Array(MAX_PAYLOAD_BYTES + 1), 'image')).toThrow('image: 2097153 bytes')
  expect(() => checkPayload(new Uint8Array(MAX_PAYLOAD_BYTES + 1), 'image')).toThrow('image: 2097153 bytes')
  expect(() => encodePayload('ä'.repeat(MAX_PAYLOAD_BYTES / 2))).toThrow('2097154 bytes')
  expect(() => checkPayload(undefined, 'nothing')).not.toThrow()
})

test('a limit may be given', () => {
  expect(() => encodePayload('x'.repeat(9), 'name', 10)).toThrow('name: 11 bytes, more than the 10 of a payload')
  expect(() => encodePayloads([1, 'x'.repeat(9)], 'names', 10)).toThrow('names[1]: 11 bytes')
  expect(encodePayload('x'.repeat(MAX_PAYLOAD_BYTES), 'name', MAX_PAYLOAD_BYTES * 2).data).toHaveLength(
    MAX_PAYLOAD_BYTES + 2,
  )
})

test.each(['{"a":{"__proto__":{"admin":true}}}', '{"a":{"\\u005f_proto__":{"admin":true}}}'])(
  'a key that would become a prototype when copied is dropped: %s',
  (text) => {
    const value = decodePayload({ metadata: JSON_PLAIN, data: Buffer.from(text) }) as { a: Record<string, unknown> }

    expect(Object.keys(value.a)).toEqual([])
    expect(Object.assign({}, value.a)).not.toHaveProperty('admin')
  },
)

test('what cannot be read is an error with the path', () => {
  const text = { metadata: JSON_PLAIN, data: Buffer.from('{') }
  const foreign = { metadata: { encoding: 'binary/zip' }, data: Buffer.alloc(1) }

  expect(() => decodePayload(text, 'input')).toThrow('input: not JSON, though it says so')
  expect(() => decodePayload(foreign, 'input')).toThrow("input: nothing here reads the encoding 'binary/zip'")
})

function thrownBy(fn: () => unknown): unknown {
  try {
    fn()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
