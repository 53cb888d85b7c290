/** A whole loom whose values are encrypted, by the codec of examples/encryption. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { AesCodec } from '../../examples/encryption/aes-codec.js'
import { KeyRing } from '../../examples/encryption/key-ring.js'
import { checkReplay } from '../../src/check/check-replay.js'
import { historyJson } from '../../src/check/history-json.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { ApplicationFailure, isFailure } from '../../src/workflow/failures.js'
import type { DataConverterOptions } from '../../src/workflow/payload-codec.js'
import { eventsOf, open, rejection, reopenable, rowsOf, until } from './rig.js'

const KEY = Buffer.alloc(32, 'key of a test')
const newRing = (): KeyRing => new KeyRing().add('k1', KEY).use('k1')
const hiding = (ring: KeyRing): DataConverterOptions => ({
  payloadCodecs: [new AesCodec(ring)],
  encodeCommonAttributes: true,
})
/** Long and odd, so that it is nowhere by chance. */
const secret = (what: string): string => `SECRET-of-${what}`

const attempted: unknown[] = []
const work = activity(
  { name: 'work', heartbeatTimeout: '30 s', retry: { initialInterval: 1 } },
  (input: string, { attempt, heartbeat, heartbeatDetails, lastFailure }) => {
    attempted.push([input, attempt, heartbeatDetails, lastFailure?.message])
    if (attempt > 1) return secret('result')
    heartbeat(secret('heartbeat'))
    throw new Error(secret('first failure'))
  },
)
const refuse = activity({ name: 'refuse' }, (): string => {
  throw ApplicationFailure.nonRetryable(secret('refusal'), { details: [secret('details')] })
})

const everything = workflow(
  {
    name: 'everything',
    input: z.string(),
    signals: { go: z.string() },
    queries: { seen: z.array(z.string()) },
  },
  async (ctx, input) => {
    const seen = [input, String(ctx.memo['note'])]
    ctx.upsertMemo({ note: secret('changed memo') })
    seen.push(String(ctx.memo['note']))
    ctx.onQuery('seen', () => seen)
    if (input === secret('next run')) throw new ApplicationFailure(secret('end'), { details: [secret('last words')] })
    seen.push(await ctx.run(work, secret('activity')))
    seen.push(await ctx.step('look', () => secret('step')))
    try {
      await ctx.run(refuse)
    } catch (error) {
      if (!isFailure(error, 'activity') || !isFailure(error.cause, 'application')) throw error
      seen.push(error.message, error.cause.message, ...(error.cause.details as string[]))
    }
    if (ctx.patched('later')) await ctx.sleep(1)
    seen.push(await ctx.signal('go'))
    return await ctx.continueAsNew(secret('next run'))
  },
)
const SEEN = [
  secret('input'),
  secret('memo'),
  secret('changed memo'),
  secret('result'),
  secret('step'),
  `activity 'refuse' failed: ${secret('refusal')}`,
  secret('refusal'),
  secret('details'),
]
const definitions = [everything, work, refuse]

test.each([
  ['in memory', {}],
  ['evicted after every task', { executionCacheCount: 1, codeCacheCount: 1 }],
])(
  'everything that a user hands in or gets back passes the codec, and nothing is stored in clear: %s',
  async (_, settings) => {
    attempted.length = 0
    const { store, open } = reopenable()
    const options = { definitions, settings, dataConverter: hiding(newRing()) }
    const first = await open(options)
    const { runId } = await first.start(everything, {
      workflowId: 'w',
      input: secret('input'),
      memo: { note: secret('memo') },
    })
    const asked = first.handle(everything, 'w')
    await until(async () => (await asked.query('seen')).length === SEEN.length)

    expect(await asked.query('seen')).toEqual(SEEN)
    expect(attempted).toEqual([
      [secret('activity'), 1, undefined, undefined],
      [secret('activity'), 2, secret('heartbeat'), secret('first failure')],
    ])
    expect((await asked.describe()).memo).toEqual({ note: secret('changed memo') })
    await first.close()
    const second = await open(options)
    await second.handle(everything, 'w').signal('go', secret('signal'))

    expect(await rejection(second.handle(everything, 'w').result())).toMatchObject({
      message: `workflow w failed: ${secret('end')}`,
      cause: { message: secret('end'), details: [secret('last words')] },
    })
    const rows = rowsOf(store).join('\n')
    expect(rows).not.toContain(Buffer.from('SECRET').toString('hex'))
    // Names are no values, and are found: so would the others be.
    expect(rows).toContain(Buffer.from('everything').toString('hex'))
    const history = await eventsOf(second.handle('w', runId))
    expect(history.at(-1)!.eventType).toBe('WorkflowExecutionContinuedAsNew')

    const saved = JSON.parse(JSON.stringify(historyJson(history))) as ReturnType<typeof historyJson>
    const readOnly = { payloadCodecs: [{ ...codecOf(newRing()), encode: () => fail() }], encodeCommonAttributes: true }
    const [fits] = await checkReplay(everything, [saved], { dataConverter: readOnly })
    const without = await rejection(checkReplay(everything, [saved]))
    expect(fits!.difference).toBeUndefined()
    expect(without).toMatchObject({ code: 'LOOM_CODEC_FAILED' })
    expect(without.message).toContain("nothing here reads the encoding 'binary/encrypted'")
  },
)

test('details of a termination, of a cancellation and of activities answered from outside are hidden as well', async () => {
  const { store, open } = reopenable()
  const parked = activity({ name: 'parked', startToClose: '1 h' }, () => new Promise<string>(() => {}))
  const waits = workflow({ name: 'waits' }, (ctx) => ctx.run(parked))
  const loom = await open({ definitions: [waits, parked], dataConverter: hiding(newRing()) })
  const [ended, completed, failed] = await Promise.all(
    ['a', 'b', 'c'].map((workflowId) => loom.start(waits, { workflowId })),
  )
  const activityId = '1'
  await loom.activity({ workflowId: 'b', activityId }).heartbeat(secret('beat'))
  await loom.activity({ workflowId: 'b', activityId }).complete(secret('outside'))
  await loom.activity({ workflowId: 'c', activityId }).fail(ApplicationFailure.nonRetryable(secret('outside')))
  await ended!.terminate('enough', secret('termination'))

  expect(await completed!.result()).toBe(secret('outside'))
  expect((await rejection(failed!.result())).message).toContain(secret('outside'))
  const { details } = (await eventsOf(ended!)).at(-1)!.attributes as { details: readonly { metadata: object }[] }
  expect(details).toMatchObject([{ metadata: { encoding: 'binary/encrypted', 'encryption-key-id': 'k1' } }])
  expect(rowsOf(store).join('\n')).not.toContain(Buffer.from('SECRET').toString('hex'))
})

test('describe shows failures in clear with the key, and as they are stored without', async () => {
  const { store, open } = reopenable()
  const failing = activity({ name: 'failing', retry: { initialInterval: '1 h' } }, () => {
    throw new Error(secret('attempt'))
  })
  const wrong = workflow({ name: 'wrong' }, async () => {
    await Promise.resolve()
    throw new TypeError(secret('mistake'))
  })
  const retries = workflow({ name: 'retries' }, (ctx) => ctx.run(failing))
  const loom = await open({ definitions: [wrong, retries, failing], dataConverter: hiding(newRing()) })
  const stalled = await loom.start(wrong, { workflowId: 'stalled' })
  const backingOff = await loom.start(retries, { workflowId: 'retries' })
  await until(async () => (await stalled.describe()).stalled !== undefined)
  await until(async () => (await backingOff.describe()).pendingActivities[0]?.lastFailure !== undefined)

  const { stalled: seen } = await stalled.describe()
  expect(seen).toMatchObject({ message: secret('mistake'), encodedAttributes: undefined })
  expect(seen!.stackTrace).toContain('encryption.test')
  expect((await backingOff.describe()).pendingActivities[0]!.lastFailure).toMatchObject({ message: secret('attempt') })
  await loom.close()

  const blind = await open()
  const { stalled: hidden } = await blind.handle('stalled').describe()
  expect(hidden).toMatchObject({ message: 'Encoded failure', stackTrace: '', encodedAttributes: { metadata: {} } })
  expect((await blind.handle('retries').describe()).pendingActivities[0]!.lastFailure).toMatchObject({
    message: 'Encoded failure',
    encodedAttributes: { metadata: { encoding: 'binary/encrypted' } },
  })
  expect(rowsOf(store).join('\n')).not.toContain(Buffer.from('SECRET').toString('hex'))
})

describe('a key that is missing', () => {
  const echo = workflow({ name: 'echo', input: z.string(), output: z.string() }, (_, input) => Promise.resolve(input))
  const twice = activity({ name: 'twice', retry: { initialInterval: 1 } }, (input: string) => input + input)
  const doubles = workflow({ name: 'doubles', input: z.string(), signals: { go: z.string() } }, async (ctx, input) => {
    const signal = await ctx.signal('go')
    return await ctx.run(twice, input + signal)
  })

  test('is told by a code of its own, with the path, and the result is there when the key is', async () => {
    const { open } = reopenable()
    const loom = await open({ definitions: [echo], dataConverter: hiding(newRing()) })
    const { runId } = await loom.start(echo, { workflowId: 'e', input: 'x' })
    await loom.handle('e').result()
    await loom.close()
    const ring = new KeyRing().add('k2', Buffer.alloc(32, 2)).use('k2')
    const handle = (await open({ definitions: [echo], dataConverter: hiding(ring) })).handle('e', runId)

    expect(await rejection(handle.result())).toMatchObject({
      code: 'LOOM_CODEC_FAILED',
      retryable: true,
      message: "result of workflow e: a codec cannot decode it: there is no key 'k1' here",
    })
    expect(await rejection(handle.query('any'))).toMatchObject({ code: 'LOOM_CODEC_FAILED' })
    ring.add('k1', KEY)
    expect(await handle.result()).toBe('x')
  })

  test('stalls what needs it, and nothing else; it goes on when the key is there', async () => {
    const { open } = reopenable()
    const first = await open({ definitions: [doubles, twice], dataConverter: hiding(newRing()) })
    await first.start(doubles, { workflowId: 'old', input: 'a' })
    await first.close()
    const ring = new KeyRing().add('k2', Buffer.alloc(32, 2)).use('k2')
    const loom = await open({ definitions: [doubles, twice], dataConverter: hiding(ring) })
    const old = loom.handle(doubles, 'old')
    await old.signal('go', 'b')
    await until(async () => (await old.describe()).stalled !== undefined)
    const young = await loom.start(doubles, { workflowId: 'young', input: 'c' })
    await young.signal('go', 'd')

    expect(await young.result()).toBe('cdcd')
    expect((await old.describe()).stalled).toMatchObject({
      message: "input of workflow 'doubles': a codec cannot decode it: there is no key 'k1' here",
    })
    ring.add('k1', KEY)
    await old.retryStalled()
    expect(await old.result()).toBe('abab')
  })

  test('fails the attempt of an activity, which is tried again', async () => {
    let isLocked = false
    const codec = codecOf(newRing())
    const locking = {
      ...codec,
      decode: (payloads: Parameters<typeof codec.decode>[0]) => {
        if (!isLocked) return codec.decode(payloads)
        isLocked = false
        throw new Error('no key yet')
      },
    }
    const starts = workflow({ name: 'starts' }, async (ctx) => {
      isLocked = true
      return await ctx.run(twice, 'x')
    })
    const loom = await open({ definitions: [starts, twice], dataConverter: { payloadCodecs: [locking] } })
    const handle = await loom.start(starts, { workflowId: 's' })

    expect(await handle.result()).toBe('xx')
    const started = (await eventsOf(handle)).find(({ eventType }) => eventType === 'ActivityTaskStarted')
    expect(started!.attributes).toMatchObject({
      attempt: 2,
      lastFailure: {
        applicationType: 'CodecFailure',
        message: "input of activity 'twice': a codec cannot decode it: no key yet",
      },
    })
  })

  test('lets nothing be written that it would have to encode', async () => {
    const { store, open } = reopenable()
    const ring = newRing()
    const loom = await open({ definitions: [doubles, twice], dataConverter: hiding(ring) })
    const handle = await loom.start(doubles, { workflowId: 'w', input: 'a' })
    await until(async () => (await handle.describe()).historyLength === 4)
    const before = rowsOf(store)
    Object.defineProperty(ring, 'currentId', { get: () => fail() })

    for (const call of [
      () => loom.start(doubles, { workflowId: 'other', input: 'b' }),
      () => handle.signal('go', 'b'),
      () => handle.terminate('no', 'details'),
      () => loom.activity({ workflowId: 'w', activityId: '1' }).complete('x'),
      () => loom.activity({ workflowId: 'w', activityId: '1' }).fail(new Error('x')),
    ])
      expect(await rejection(call())).toMatchObject({ code: 'LOOM_CODEC_FAILED' })
    expect(rowsOf(store)).toEqual(before)
  })

  test('has a result of an activity made again', async () => {
    let failures = 1
    const codec = codecOf(newRing())
    let calls = 0
    const loom = await open({
      definitions: [
        workflow({ name: 'one' }, (ctx) => ctx.step('s', () => `call ${++calls}`, { retry: { initialInterval: 1 } })),
      ],
      dataConverter: {
        payloadCodecs: [{ ...codec, encode: (payloads) => (failures-- > 0 ? fail() : codec.encode(payloads)) }],
      },
    })

    expect(await loom.execute('one', { workflowId: 'one' })).toBe('call 2')
  })
})

test('code that is replayed again and again does not mind that nothing is encrypted twice the same way', async () => {
  const { open } = reopenable()
  const add = activity({ name: 'add', retry: { initialInterval: 1 } }, ([a, b]: number[]) => a! + b!)
  const sums = workflow({ name: 'sums' }, async (ctx) => {
    let sum = 0
    for (let i = 1; i <= 20; i++) {
      sum = await ctx.run(add, [sum, i])
      await ctx.step('look', () => ({ sum }), { retry: { initialInterval: 1 } })
      await ctx.sleep(1)
    }
    return sum
  })
  const options = { definitions: [sums, add], dataConverter: hiding(newRing()) }
  let loom = await open(options)
  await loom.start(sums, { workflowId: 'w' })
  for (let round = 1; round <= 10; round++) {
    await until(async () => (await loom.handle('w').describe()).historyLength > round * 20)
    await loom.close({ graceMs: 0 })
    loom = await open(options)
  }

  expect(await loom.handle(sums, 'w').result()).toBe(210)
})

test('the codec refuses what was changed, what is too short, what is in clear, and keys that are none', () => {
  const ring = newRing()
  const codec = new AesCodec(ring)
  const clear = { metadata: { encoding: 'json/plain' }, data: Buffer.from('"x"') }
  const [payload] = codec.encode([clear])
  const { metadata, data } = payload!
  const flipped = (at: number): Uint8Array => data.map((byte, index) => (index === at ? byte ^ 1 : byte))
  const other = new KeyRing().add('k1', Buffer.alloc(32, 9)).add('k2', KEY)

  expect(codec.decode([payload!])).toEqual([clear])
  expect(codec.encode([clear])[0]!.data).not.toEqual(data)
  for (let at = 0; at < data.length; at++) expect(() => codec.decode([{ metadata, data: flipped(at) }])).toThrow()
  expect(() => new AesCodec(other).decode([payload!])).toThrow('unable to authenticate')
  // The same key under another id: the id is bound, too.
  expect(() => new AesCodec(other).decode([{ metadata: { ...metadata, 'encryption-key-id': 'k2' }, data }])).toThrow(
    'unable to authenticate',
  )
  expect(() => codec.decode([{ metadata, data: data.subarray(0, 20) }])).toThrow('too short')
  expect(() => codec.decode([clear])).toThrow("'json/plain' is not encrypted")
  expect(new AesCodec(ring, true).decode([clear])).toEqual([clear])
  expect(() => ring.add('k1', KEY)).toThrow("there is a key 'k1' already")
  expect(() => ring.add('k2', KEY.subarray(1))).toThrow('32 bytes are wanted')
  expect(() => ring.use('k9')).toThrow("there is no key 'k9' here")
  expect(() => new AesCodec(new KeyRing()).encode([clear])).toThrow('no key is in use')
})

function codecOf(ring: KeyRing): Pick<AesCodec, 'encode' | 'decode'> {
  const codec = new AesCodec(ring)
  return { encode: (payloads) => codec.encode(payloads), decode: (payloads) => codec.decode(payloads) }
}

function fail(): never {
  throw new Error('no key to encode with')
}
