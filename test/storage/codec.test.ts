/** Row values: what goes in comes out, format 1 stays as it is, and no bytes can do harm. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { InvariantError } from '../../src/base/assert.js'
import { crc32, decodeRow, encodeRow, MAX_ROW_BYTES, ROW_FORMAT } from '../../src/storage/codec.js'
import { tableCrc32 } from '../../src/storage/crc32.js'
import { CorruptError } from '../../src/storage/errors.js'
import { MAX_DEPTH } from '../../src/storage/msgpack-writer.js'

const msgpackr = new Packr({ useRecords: false, encodeUndefinedAsNil: true })

const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.nat(300), fc.double()).map((n) => n + 0),
    fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 40 })),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 20 }),
  ),
}))
const anyRow = fc.array(anyValue, { maxLength: 20 })

describe('what encodeRow accepts', () => {
  test('comes back equal', () => {
    fc.assert(fc.property(anyRow, (row) => void expect(decodeRow(encodeRow(row), 'row')).toEqual(row)))
  })

  test('is written as msgpackr writes it', () => {
    fc.assert(fc.property(anyRow, (row) => void expect(bodyOf(encodeRow(row))).toEqual(msgpackr.pack(row))))
  })

  test('may be long', () => {
    const row = [
      'x'.repeat(70_000),
      'ü'.repeat(70_000),
      Buffer.alloc(3_000_000, 7),
      new Array(70_000).fill(-1),
      'ü'.repeat(40_000),
    ]

    expect(isDeepStrictEqual(decodeRow(encodeRow(row), 'row'), row)).toBe(true)
    expect(bodyOf(encodeRow(row)).equals(msgpackr.pack(row))).toBe(true)
  })

  test('undefined and holes come back as null, -0 as 0, lone surrogates as U+FFFD', () => {
    expect(decodeRow(encodeRow([undefined, , -0, 'a\ud800']), 'row')).toEqual([null, null, 0, 'a\ufffd'])
  })

  test('keeps whole numbers exact to 2^53', () => {
    const row = [2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 48, 2 ** 32, 2 ** 31, -(2 ** 31) - 1]

    expect(decodeRow(encodeRow(row), 'row')).toEqual(row)
  })

  test('nests as deep as is read', () => {
    expect(depthOf(decodeRow(encodeRow(nested(MAX_DEPTH)), 'row'))).toBe(MAX_DEPTH)
    expect(() => encodeRow(nested(MAX_DEPTH + 1))).toThrow(InvariantError)
  })

  test('is not disturbed by rows before and after it', () => {
    const rows = Array.from({ length: 2000 }, (_, i) => [i, 'x'.repeat(i), Buffer.alloc(i, i)])
    const encoded = rows.map((row) => encodeRow(row))

    const decoded = encoded.map((bytes) => decodeRow(bytes, 'row'))
    expect(isDeepStrictEqual(decoded, rows)).toBe(true)
  })
})

describe('what a row cannot hold', () => {
  test.each([
    { a: 1 },
    new Map(),
    new Date(),
    1n,
    Symbol('s'),
    () => {},
    new Float64Array(1),
    new ArrayBuffer(1),
    new Error('e'),
  ])('%s throws, and the next row is as if nothing had been', (value) => {
    expect(() => encodeRow(['before', 1, [value]])).toThrow(InvariantError)

    expect(decodeRow(encodeRow(['after']), 'row')).toEqual(['after'])
  })

  test('more than the greatest size', () => {
    const bytes = Buffer.alloc(MAX_ROW_BYTES)

    expect(() => encodeRow([bytes])).toThrow(InvariantError)
    expect(() => decodeRow(Buffer.concat([bytes, bytes]), 'row')).toThrow(CorruptError)
  })
})

describe('format 1', () => {
  const golden = readFileSync(new URL('fixtures/rows-v1.txt', import.meta.url), 'utf8')
    .split('\n\n')
    .slice(1)

  test.each(golden.map((entry) => entry.split('\n') as [string, string, string]))('%s', (_, json, hex) => {
    const value = JSON.parse(json, revive) as unknown[]

    expect(Buffer.from(encodeRow(value)).toString('hex')).toBe(hex)
    expect(decodeRow(Buffer.from(hex, 'hex'), 'row')).toEqual(value)
    expect(decodeRow(new Uint8Array(Buffer.from(hex, 'hex')), 'row')).toEqual(value)
  })
})

describe('bytes that are no row', () => {
  test('one flipped bit is noticed wherever it is', () => {
    const row = encodeRow([1, 'text', Buffer.from('bytes'), [null, 2 ** 40]])
    for (let bit = 0; bit < row.length * 8; bit++) {
      const damaged = Buffer.from(row)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)

      expect(() => decodeRow(damaged, 'the row')).toThrow(CorruptError)
    }
  })

  test('a row that was cut or has a tail is noticed', () => {
    const row = encodeRow([1, 'text'])
    for (let length = 0; length < row.length; length++) {
      expect(() => decodeRow(row.subarray(0, length), 'row')).toThrow(CorruptError)
    }
    expect(() => decodeRow(Buffer.concat([row, Buffer.of(0)]), 'row')).toThrow(CorruptError)
  })

  test('the error names the row and has a code', () => {
    expect(() => decodeRow(Buffer.of(9, 0, 0, 0, 0, 0x90), 'head of shard 7')).toThrow(
      expect.objectContaining({
        code: 'LOOM_CORRUPT',
        message: expect.stringMatching(/head of shard 7.*format 9/) as string,
      }),
    )
  })

  test('decoding does not change the bytes', () => {
    const row = encodeRow([1, 'text', Buffer.from('bytes')])
    const copy = Buffer.from(row)

    decodeRow(row, 'row')

    expect(copy.equals(row)).toBe(true)
  })

  test.each([
    ['a map', '81a1610 1'.replace(' ', '')],
    ['a map in an array', '9181a95f5f70726f746f5f5f01'],
    ['a long map', '91de000101'],
    ['an extension', '91d40100'],
    ['a timestamp', '91d6ff00000000'],
    ['an unsigned 64-bit integer', '91cf0000000000000001'],
    ['a signed 64-bit integer', '91d30000000000000001'],
    ['a float of 32 bits', '91ca00000000'],
    ['the tag that is never used', '91c1'],
    ['a number, not an array', '01'],
    ['an array of 4 billion', 'ddffffffff'],
    ['an array of one more than there is', '9301 02'.replace(' ', '')],
    ['text longer than the bytes', '91dbffffffff61'],
    ['bytes longer than the bytes', '91c6ffffffff00'],
    ['a double that is cut', '91cb00'],
    ['a length that is cut', '91cd00'],
    ['a tag that is missing', '92c0'],
    ['two values', '9090'],
    ['nesting without end', '91'.repeat(100_000) + 'c0'],
  ])('%s is refused behind a good CRC', (_, hex) => {
    expect(() => decodeRow(framed(Buffer.from(hex, 'hex')), 'row')).toThrow(CorruptError)
  })

  test('any bytes behind a good CRC are a row or a CorruptError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (body) => {
        try {
          decodeRow(framed(body), 'row')
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptError)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('crc32', () => {
  test('is that of zip, runs on, and is the same without Node', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        const whole = Buffer.concat([a, b])
        expect(crc32(b, crc32(a))).toBe(crc32(whole))
        expect(tableCrc32(b, tableCrc32(a))).toBe(crc32(whole))
      }),
    )
  })
})

function bodyOf(row: Uint8Array): Buffer {
  return Buffer.from(row.subarray(5))
}

/** With the header of a row that is what it says. */
function framed(body: Uint8Array): Buffer {
  const row = Buffer.concat([Buffer.of(ROW_FORMAT, 0, 0, 0, 0), body])
  row.writeUInt32LE(crc32(row), 1)
  return row
}

function nested(depth: number): unknown[] {
  let value: unknown[] = []
  for (let i = 1; i < depth; i++) value = [value]
  return value
}

function depthOf(value: unknown): number {
  return Array.isArray(value) ? 1 + depthOf(value[0]) : 0
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if ('$bytes' in value) return Buffer.from(value.$bytes as string, 'hex')
  if ('$number' in value) return Number(value.$number)
  return value
}
