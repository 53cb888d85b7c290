/** Codecs that fail while code runs: the code does not hear of it, waits, and goes on when they do not. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { newDataConverter } from '../../src/workflow/data-converter.js'
import { failureOf } from '../../src/workflow/failure-codec.js'
import { ApplicationFailure, CancelledFailure } from '../../src/workflow/failures.js'
import type { PayloadCodec } from '../../src/workflow/payload-codec.js'
import { FakeHost } from './fake-host.js'

const charge = activity({ name: 'charge' }, (input: unknown) => input)
/** What code caught: nothing of this may ever be there. */
const caught: unknown[] = []
const note = (error: unknown): string => `caught ${caught.push(error)}`

const flow = (name: string, fn: Parameters<typeof workflow>[1]): Workflow =>
  workflow({ name, signals: { s: z.unknown() } }, fn)

describe('what cannot be decoded stops the code, and goes on with the key', () => {
  const cases: readonly (readonly [string, Workflow, (host: LockedHost) => Promise<unknown>])[] = [
    [
      'its input',
      workflow({ name: 'input', failOn: 'any' }, (_, input) => Promise.resolve(input)),
      (host) => host.lock('decode').start(host.definition, 'fine').rest(),
    ],
    [
      'a signal that is waited for',
      flow('signal', (ctx) => ctx.signal('s').catch(note)),
      async (host) => (await host.start(host.definition).rest(), host.lock('decode').signal('s', 'fine').rest()),
    ],
    [
      'a signal that was kept',
      flow('kept', async (ctx) => {
        await ctx.sleep(1000)
        return await ctx.signal('s').catch(note)
      }),
      async (host) => {
        await host.start(host.definition).rest()
        await host.signal('s', 'fine').rest()
        await host.lock('decode').fire(1).rest()
      },
    ],
    [
      'a signal that is iterated',
      flow('iterated', async (ctx) => {
        try {
          for await (const payload of ctx.signals('s')) return payload
        } catch (error) {
          return note(error)
        }
        return 'none'
      }),
      async (host) => (await host.start(host.definition).rest(), host.lock('decode').signal('s', 'fine').rest()),
    ],
    [
      'a signal that is handled',
      flow('handled', async (ctx) => {
        const got: unknown[] = []
        ctx.onSignal('s', (payload: unknown) => void got.push(payload))
        await ctx.condition(() => got.length > 0).catch(note)
        return got[0]
      }),
      async (host) => (await host.start(host.definition).rest(), host.lock('decode').signal('s', 'fine').rest()),
    ],
    [
      'the result of an activity',
      flow('result', (ctx) => ctx.run(charge, 1).catch(note)),
      async (host) => (await host.start(host.definition).rest(), host.lock('decode').complete(1, 'fine').rest()),
    ],
    [
      'details of a failed activity',
      flow('failed', (ctx) => ctx.run(charge, 1).catch(reasonIn)),
      async (host) => {
        await host.start(host.definition).rest()
        const failure = failureOf(new ApplicationFailure('fine', { details: [1] }), host.converter)
        await host.lock('decode').fail(1, failure).rest()
      },
    ],
    [
      'details of a canceled activity',
      flow('canceled', (ctx) => ctx.run(charge, 1, { cancellationType: 'WaitCancellationCompleted' }).catch(reasonIn)),
      async (host) => {
        await host.start(host.definition).rest()
        const details = host.converter.encodeAll(['fine'], 'details')
        const ids = { scheduledEventId: host.scheduled(1), startedEventId: 0, latestCancelRequestedEventId: 0 }
        const attributes = { details, identity: '', ...ids }
        await host.lock('decode').happen({ eventType: 'ActivityTaskCanceled', attributes }).rest()
      },
    ],
  ]

  test.each(cases)('%s', async (_, definition, act) => {
    caught.length = 0
    const host = new LockedHost(definition)
    await act(host)

    expect(host.problem).toMatchObject({
      cause: 'WorkflowWorkerUnhandledFailure',
      failure: { applicationType: 'CodecFailure', message: expect.stringContaining('no key') as string },
      hint: expect.stringContaining('data converter') as string,
    })

    const again = new LockedHost(definition)
    await again.replayOf(definition, host.history).rest()

    expect(again.problem).toBeUndefined()
    expect(again.result).toContain('fine')
    expect(caught).toEqual([])
  })
})

describe('what cannot be encoded stops the code, and goes on with the key', () => {
  const cases: readonly (readonly [string, Workflow, string])[] = [
    ['the input of an activity', flow('run', (ctx) => ctx.run(charge, 'fine').catch(note)), 'ScheduleActivityTask'],
    ['its result', workflow({ name: 'returns', failOn: 'any' }, () => 'fine'), 'CompleteWorkflowExecution'],
    [
      'the details of its failure',
      workflow({ name: 'fails', failOn: 'any' }, () => {
        throw new ApplicationFailure('fine', { details: [1] })
      }),
      'FailWorkflowExecution',
    ],
    [
      'the input of its next run',
      flow('again', (ctx) => ctx.continueAsNew('fine').catch(note)),
      'ContinueAsNewWorkflowExecution',
    ],
    [
      'a note of its memo',
      flow('memo', async (ctx) => {
        try {
          ctx.upsertMemo({ at: 'fine' })
        } catch (error) {
          note(error)
        }
        return await ctx.signal('s')
      }),
      'ModifyWorkflowProperties',
    ],
  ]

  test.each(cases)('%s', async (_, definition, asked) => {
    caught.length = 0
    const host = new LockedHost(definition)
    await host.lock('encode').start(definition).rest()

    expect(host.problem).toMatchObject({ failure: { applicationType: 'CodecFailure' } })
    expect(host.commands).toEqual([])

    const again = new LockedHost(definition)
    await again.replayOf(definition, host.history).rest()

    expect(again.problem).toBeUndefined()
    expect(again.commands.flat().map(({ type }) => type)).toEqual([asked])
    expect(caught).toEqual([])
  })

  test('the details of its cancellation', async () => {
    const definition = flow('gives way', (ctx) =>
      ctx.sleep(1000).catch(() => {
        throw new CancelledFailure('fine', ['why'])
      }),
    )
    const host = new LockedHost(definition)
    await host.start(definition).rest()
    await host.lock('encode').requestCancel().rest()

    expect(host.problem).toMatchObject({ failure: { applicationType: 'CodecFailure' } })
    const again = new LockedHost(definition)
    await again.replayOf(definition, host.history).rest()
    expect(again.closing).toMatchObject({ type: 'CancelWorkflowExecution', details: [{}] })
  })
})

test('what is too big when it is encoded stops the code: a replay could not refuse it', async () => {
  const definition = flow('big', (ctx) => ctx.run(charge, 'x'.repeat(200)).catch(note))
  caught.length = 0
  const host = new LockedHost(definition, 100)
  await host.start(definition).rest()

  expect(host.problem?.failure.message).toContain('bytes when encoded, more than the 100 of a payload')
  expect(caught).toEqual([])
})

test('a replay encodes nothing, and compares no payloads', async () => {
  const definition = flow('long', async (ctx) => {
    const one = await ctx.run(charge, 'one')
    await ctx.sleep(1000)
    return `${String(one)} is fine`
  })
  const first = new LockedHost(definition)
  await first.start(definition).rest()
  await first.complete(1, 'it').rest()
  await first.fire(2).rest()
  expect(first.result).toBe('it is fine')

  // Up to its end, and up to where it waits.
  for (const end of [first.history.length, first.history.length - 5]) {
    const again = new LockedHost(definition).lock('encode')
    await again.replayOf(definition, first.history.slice(0, end)).rest()
    expect(again.problem).toBeUndefined()
  }
})

function reasonIn(error: unknown): string {
  const { cause = error } = error as { cause?: { message: string; details?: unknown } }
  return `fine: ${JSON.stringify(cause)}`
}

/** Its codec has no keys for what is locked. */
class LockedHost extends FakeHost {
  readonly definition: Workflow
  readonly #locked = new Set<keyof PayloadCodec>()

  constructor(definition: Workflow, maxPayloadBytes = 10_000) {
    super()
    this.definition = definition
    this.converter = newDataConverter({ payloadCodecs: [this.#codec()] }, maxPayloadBytes)
  }

  /** From now on. */
  lock(direction: keyof PayloadCodec): this {
    this.#locked.add(direction)
    return this
  }

  get result(): unknown {
    const { closing } = this
    if (closing?.type !== 'CompleteWorkflowExecution') return undefined
    return this.converter.decodeAll(closing.result, 'result')[0]
  }

  #codec(): PayloadCodec {
    const flipped: PayloadCodec['encode'] = (payloads) =>
      payloads.map(({ metadata, data }) => ({
        metadata: { ...metadata, encoding: [...metadata['encoding']!].reverse().join('') },
        data: Buffer.from(data).reverse(),
      }))
    const unless = (direction: keyof PayloadCodec) => (payloads: Parameters<typeof flipped>[0]) => {
      if (this.#locked.has(direction)) throw new Error('no key')
      return flipped(payloads)
    }
    return { encode: unless('encode'), decode: unless('decode') }
  }
}
