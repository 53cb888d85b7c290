import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { isLoomError } from '../../src/base/errors.js'
import { decodeFailure, encodeFailure } from '../../src/history/value-codec.js'
import type { Failure } from '../../src/protocol/failure.js'
import { JSON_PLAIN, type Payload } from '../../src/protocol/payload.js'
import { BUILT_IN, type DataConverter, newDataConverter, readPayload } from '../../src/workflow/data-converter.js'
import { errorOf, failureOf, wholeFailureOf } from '../../src/workflow/failure-codec.js'
import { openedFailure } from '../../src/workflow/failure-payloads.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '../../src/workflow/failures.js'
import type { DataConverterOptions, PayloadCodec, PayloadConverter } from '../../src/workflow/payload-codec.js'

const converter = (options: DataConverterOptions, maxBytes = 100_000): DataConverter =>
  newDataConverter(options, maxBytes)

describe('converters', () => {
  const dates: PayloadConverter = {
    encodingType: 'acme/date',
    toPayload: (value) =>
      value instanceof Date
        ? { metadata: { encoding: 'acme/date' }, data: Buffer.from(value.toISOString()) }
        : undefined,
    fromPayload: ({ data }) => new Date(Buffer.from(data).toString()),
  }

  test('are asked in their order, before the built-in one, and found again by their encoding', () => {
    const asked: unknown[] = []
    const curious: PayloadConverter = {
      ...dates,
      encodingType: 'acme/curious',
      toPayload: (value) => void asked.push(value),
    }
    const both = converter({ payloadConverters: [curious, dates] })
    const date = new Date(5)

    const payload = both.encode(date, 'at')

    expect(asked).toEqual([date])
    expect(payload.metadata['encoding']).toBe('acme/date')
    expect(both.decode(payload, 'at')).toEqual(date)
    expect(both.decode(both.encode({ a: 1 }, 'plain'), 'plain')).toEqual({ a: 1 })
    expect(both.decodeAll(both.encodeAll([date, 1, undefined], 'all'), 'all')).toEqual([date, 1, undefined])
    expect(asked).not.toContain(undefined)
  })

  test.each([
    ['throws', () => fail('no such day'), "at: the converter of 'acme/date' refuses it: no such day"],
    ['promises', () => Promise.reject(new Error('later')), "at: the converter of 'acme/date' answers with something"],
    ['gives no payload', () => 5, "at: the converter of 'acme/date' answers with something else than a payload"],
    ['gives another encoding', () => ({ metadata: JSON_PLAIN, data: new Uint8Array() }), 'a payload of that encoding'],
  ])('one that %s refuses the value, in a replay too', (_, toPayload, message) => {
    const bad = converter({ payloadConverters: [{ ...dates, toPayload: toPayload as never }] })

    for (const send of [() => bad.encode(1, 'at'), () => bad.check(1, 'at')])
      expect(send).toThrow(expect.objectContaining({ code: 'LOOM_INVALID_ARGUMENT', message: containing(message) }))
  })

  test('the limit of a payload holds for what they make', () => {
    const small = converter({ payloadConverters: [dates] }, 10)

    expect(() => small.encode(new Date(5), 'at')).toThrow('at: 24 bytes, more than the 10 of a payload')
    expect(() => small.check(new Date(5), 'at')).toThrow('at: 24 bytes, more than the 10 of a payload')
    expect(() => small.check('short', 'at')).not.toThrow()
  })

  test.each([
    ['throws', () => fail('no day'), "at: the converter of 'acme/date' cannot read it: no day"],
    ['promises', () => Promise.reject(new Error('later')), "at: the converter of 'acme/date' answers with a promise"],
  ])('what one that %s has to read is no matter of the value', (_, fromPayload, message) => {
    const bad = converter({ payloadConverters: [{ ...dates, fromPayload }] })

    expect(() => bad.decode(bad.encode(new Date(5), 'at'), 'at')).toThrow(failedCodec(message))
  })

  test('an encoding that nobody reads is no matter of the value either', () => {
    const payload = dates.toPayload(new Date(5))!

    expect(() => BUILT_IN.decode(payload, 'at')).toThrow(failedCodec("at: nothing here reads the encoding 'acme/date'"))
    expect(() => readPayload(payload, 'at')).toThrow(failedCodec('at: nothing here reads'))
    expect(readPayload(payload, 'at', { payloadConverters: [dates] })).toEqual(new Date(5))
  })
})

describe('codecs', () => {
  test('the last one encodes first, and decodes last', () => {
    const both = converter({ payloadCodecs: [tagging('a'), tagging('b')] })

    const payload = both.encode('x', 'value')

    expect(textOf(payload)).toBe('a(b("x"))')
    expect(both.decode(payload, 'value')).toBe('x')
    expect(both.decode(both.encode(undefined, 'value'), 'value')).toBeUndefined()
    expect(both.decodeAll(undefined, 'none')).toEqual([])
    expect(both.encodeAll([], 'none')).toEqual([])
  })

  test.each([
    ['throws', () => fail('no key'), 'secret: a codec cannot encode it: no key'],
    [
      'throws no error',
      () => rethrown({ toString: 5 }),
      'secret: a codec cannot encode it: something that has no text',
    ],
    ['promises', () => Promise.reject(new Error('later')), 'secret: a codec answers encode with a promise'],
    ['gives no list', () => 'x', 'secret: a codec answers encode with something else than a list of one payload'],
    ['gives too few', () => [], 'a list of one payload'],
    ['gives what is no payload', () => [{ metadata: {}, data: new Uint8Array() }], 'a list of one payload'],
  ])('one that %s is told by a code of its own, with the path', (_, encode, message) => {
    const bad = converter({ payloadCodecs: [{ ...tagging('a'), encode: encode as never }] })

    expect(() => bad.encode('x', 'secret')).toThrow(failedCodec(message))
    // It depends on more than the value: a replay does not ask it.
    expect(() => bad.check('x', 'secret')).not.toThrow()
    expect(() => bad.dry.encode('x', 'secret')).not.toThrow()
  })

  test('one that cannot decode is told in the same way', () => {
    const payload = converter({ payloadCodecs: [tagging('a')] }).encode('x', 'secret')
    const other = converter({ payloadCodecs: [tagging('b')] })

    expect(() => other.decode(payload, 'secret')).toThrow(failedCodec('secret: a codec cannot decode it: not mine'))
    expect(() => other.decodeAll([payload, payload], 'all')).toThrow(failedCodec('all: a codec cannot decode it'))
  })

  test('the limit of a payload holds for what they make, and for that alone', () => {
    const gzip = converter({ payloadCodecs: [gzipping] }, 100)
    const tags = converter({ payloadCodecs: [tagging('long'.repeat(20))] }, 100)
    const big = 'x'.repeat(5000)

    expect(gzip.decode(gzip.encode(big, 'text'), 'text')).toBe(big)
    expect(() => tags.encode('x'.repeat(30), 'text')).toThrow('text: 114 bytes when encoded, more than the 100')
    expect(reasonOf(() => tags.encode('x'.repeat(30), 'text'))).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
    expect(() => tags.check('x'.repeat(3000), 'text')).not.toThrow()
  })
})

test.each([
  [5, 'options.dataConverter: not an object of options'],
  [{ codecs: [] }, "options.dataConverter: unknown option 'codecs'"],
  [{ payloadCodecs: {} }, 'options.dataConverter.payloadCodecs: not a list'],
  [{ payloadCodecs: [{ encode: () => [] }] }, 'options.dataConverter.payloadCodecs[0].decode: not a function'],
  [{ payloadCodecs: [null] }, 'options.dataConverter.payloadCodecs[0].encode: not a function'],
  [
    { payloadCodecs: [{ encode: async () => Promise.resolve([]), decode: () => [] }] },
    'options.dataConverter.payloadCodecs[0].encode: an async function; only synchronous ones fit',
  ],
  [{ payloadConverters: [{ toPayload() {}, fromPayload() {} }] }, 'payloadConverters[0].encodingType: not the name'],
  [
    { payloadConverters: [{ encodingType: 'json/plain', toPayload() {}, fromPayload() {} }] },
    "payloadConverters[0].encodingType: a second converter of 'json/plain'",
  ],
  [{ encodeCommonAttributes: 'yes' }, 'options.dataConverter.encodeCommonAttributes: not true or false'],
])('options that do not fit are refused: %#', (options, message) => {
  expect(reasonOf(() => newDataConverter(options as never))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: containing(message),
  })
})

describe('failures', () => {
  const hidden = converter({ payloadCodecs: [xoring], encodeCommonAttributes: true })
  const ids = { activityId: '7', activityType: 'charge', retryState: 'Timeout', scheduledEventId: 5, startedEventId: 6 }
  const cause = new Error('SECRET inside')
  const FAILURES = {
    application: new ApplicationFailure('SECRET', { type: 'T', details: ['SECRET detail'], nonRetryable: true, cause }),
    activity: new ActivityFailure('SECRET', { ...ids, cause } as never),
    timeout: new TimeoutFailure('SECRET', 'Heartbeat', ['SECRET beat']),
    canceled: new CancelledFailure('SECRET', ['SECRET why']),
    terminated: new TerminatedFailure('SECRET'),
  }

  test.each(Object.entries(FAILURES))(
    'show nothing of what they say, and come back as they were: %s',
    (kind, error) => {
      const failure = failureOf(error, hidden)
      const stored = decodeFailure(encodeFailure(failure))!
      const back = errorOf(stored, hidden)

      expect(stored).toEqual(failure)
      expect(inClear(stored)).not.toContain('SECRET')
      expect(inClear(stored)).not.toContain('data-converter.test')
      expect(stored.message).toBe('Encoded failure')
      expect(back).toMatchObject({ kind, message: 'SECRET', stack: error.stack })
      expect(failureOf(back, BUILT_IN)).toEqual(failureOf(error, BUILT_IN))
      expect(openedFailure(stored, hidden)).toEqual(failureOf(error, BUILT_IN))
      expect(() => errorOf(stored, BUILT_IN)).toThrow(failedCodec("nothing here reads the encoding 'test/xor'"))
    },
  )

  test('keep their texts where only details are hidden', () => {
    const details = converter({ payloadCodecs: [xoring] })
    const failure = failureOf(FAILURES.application, details)

    expect(failure.message).toBe('SECRET')
    expect(inClear(failure)).not.toContain('SECRET detail')
    expect(errorOf(failure, details)).toMatchObject({ details: ['SECRET detail'] })
  })

  test.each([true, false])('a codec that fails hides what it was to hide: texts %s', (encodeCommonAttributes) => {
    const broken = { ...xoring, encode: () => fail('no key') }
    const bad = converter({ payloadCodecs: [broken], encodeCommonAttributes })
    const failure = failureOf(FAILURES.application, bad)

    expect(inClear(failure)).not.toContain('SECRET detail')
    if (encodeCommonAttributes) expect(inClear(failure)).not.toContain('SECRET')
    else expect(failure.message).toBe('SECRET (its details were left out: details: a codec cannot encode it: no key)')
    expect(failure).toMatchObject({ type: 'application', applicationType: 'T', nonRetryable: true })
    expect(() => wholeFailureOf(FAILURES.application, bad)).toThrow(failedCodec('a codec cannot encode it: no key'))
  })

  test('what is no error is hidden as well', () => {
    expect(inClear(failureOf('SECRET', hidden))).not.toContain('SECRET')
    expect(errorOf(failureOf('SECRET', hidden), hidden).message).toBe('SECRET')
  })

  test('attributes that are no attributes change nothing', () => {
    const odd: Failure = { type: 'none', message: 'm', encodedAttributes: xored({ metadata: JSON_PLAIN, data: FIVE }) }

    expect(errorOf(odd, hidden)).toMatchObject({ message: 'm' })
  })
})

const FIVE = Buffer.from('5')

const xoring: PayloadCodec = {
  encode: (payloads) => payloads.map(xored),
  decode: (payloads) =>
    payloads.map(({ metadata, data }) => ({
      metadata: JSON.parse(metadata['was']!) as Record<string, string>,
      data: data.map((byte) => byte ^ 0x55),
    })),
}

function xored({ metadata, data }: Payload): Payload {
  return { metadata: { encoding: 'test/xor', was: JSON.stringify(metadata) }, data: data.map((byte) => byte ^ 0x55) }
}

/** Texts and bytes alike. */
function inClear(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item instanceof Uint8Array ? Buffer.from(item).toString('latin1') : item,
  )
}

function tagging(tag: string): PayloadCodec {
  return {
    encode: (payloads) =>
      payloads.map((payload) => ({
        metadata: { ...payload.metadata, encoding: tag, [tag]: payload.metadata['encoding']! },
        data: Buffer.from(`${tag}(${textOf(payload)})`),
      })),
    decode: (payloads) =>
      payloads.map((payload) => {
        if (payload.metadata['encoding'] !== tag) throw new Error('not mine')
        return {
          metadata: { ...payload.metadata, encoding: payload.metadata[tag]! },
          data: Buffer.from(textOf(payload).slice(tag.length + 1, -1)),
        }
      }),
  }
}

const gzipping: PayloadCodec = {
  encode: (payloads) => payloads.map(({ data }) => ({ metadata: { encoding: 'gzip' }, data: gzipSync(data) })),
  decode: (payloads) => payloads.map(({ data }) => ({ metadata: JSON_PLAIN, data: gunzipSync(data) })),
}

function textOf({ data }: Payload): string {
  return Buffer.from(data).toString()
}

function fail(message: string): never {
  throw new Error(message)
}

function rethrown(thrown: unknown): never {
  throw thrown
}

function containing(message: string): string {
  return expect.stringContaining(message) as string
}

function failedCodec(message: string): object {
  return expect.objectContaining({
    name: 'CodecFailure',
    code: 'LOOM_CODEC_FAILED',
    message: containing(message),
  }) as object
}

function reasonOf(fn: () => unknown): unknown {
  try {
    fn()
  } catch (error) {
    expect(isLoomError(error)).toBe(true)
    return error
  }
  throw new Error('it did not throw')
}
