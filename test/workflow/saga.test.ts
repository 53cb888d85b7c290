import { expect, test } from 'vitest'
import { z } from 'zod'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { ApplicationFailure, CompensationFailure, isFailure } from '../../src/workflow/failures.js'
import type { Undo } from '../../src/workflow/saga.js'
import { FakeHost } from './fake-host.js'

const book = activity({ name: 'book' }, async (what: string) => what)
const cancel = activity({ name: 'cancel' }, async (what: string) => what)

type C = WorkflowContext
const FAILURE = { type: 'application', message: 'no' } as const

/** Books one thing, and says how to give it back. */
async function booked(c: C, undo: Undo<C>, what: string, by: typeof book = book): Promise<void> {
  const receipt = await c.run(by, what)
  undo((cc) => cc.run(cancel, receipt))
}

test('a saga that fails is undone in reverse, one after the other, and rejects with what it failed with', async () => {
  let caught: unknown
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx
      .saga(async (c, undo) => {
        await booked(c, undo, 'flight')
        await booked(c, undo, 'hotel')
        await c.run(book, 'car')
      })
      .catch((error: unknown) => void (caught = error)),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1, 'flight').rest()
  await host.complete(2, 'hotel').rest()
  await host.fail(3, FAILURE).rest()
  expect(host.asked.slice(3)).toEqual(['run cancel'])

  await host.complete(4).rest()
  expect(host.asked.slice(4)).toEqual(['run cancel'])
  expect(caught).toBeUndefined()
  await host.complete(5).rest()

  expect(host.asked.slice(5)).toEqual(['complete'])
  expect(caught).toMatchObject({ name: 'ActivityFailure', cause: { message: 'no' } })
  expect(host.inputs).toEqual(['flight', 'hotel', 'car', 'hotel', 'flight'])
})

test('a saga that succeeds gives what its function gives, and undoes nothing', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      await booked(c, undo, 'flight')
      return 'booked'
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1, 'flight').rest()

  expect(host.asked.slice(1)).toEqual(['complete'])
})

test('in parallel: all compensations at once, the last one first', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(
      async (c, undo) => {
        for (const what of ['flight', 'hotel', 'car']) undo((cc) => cc.run(cancel, what))
        await c.run(book, 'all')
      },
      { parallel: true },
    ),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.fail(1, FAILURE).rest()

  expect(host.inputs.slice(1)).toEqual(['car', 'hotel', 'flight'])
  await host.complete(2).complete(3).complete(4).rest()
  expect(host.asked.at(-1)).toBe("fail activity 'book' failed: no")
})

test('a compensation that fails does not hold up the others, and all of it is told', async () => {
  let caught: unknown
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx
      .saga(async (c, undo) => {
        undo((cc) => cc.run(cancel, 'flight'))
        undo(() => {
          throw new ApplicationFailure('the hotel does not answer')
        })
        undo((cc) => cc.run(cancel, 'car'))
        await c.run(book, 'all')
      })
      .catch((error: unknown) => {
        caught = error
        throw error
      }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.fail(1, FAILURE).rest()
  await host.fail(2, { type: 'application', message: 'the car is gone' }).rest()
  await host.complete(3).rest()

  expect(caught).toBeInstanceOf(CompensationFailure)
  expect(isFailure(caught, 'application')).toBe(true)
  expect(caught).toMatchObject({
    message: "2 of 3 compensations failed, after: activity 'book' failed: no",
    failures: [{ name: 'ActivityFailure' }, { message: 'the hotel does not answer' }],
    cause: { name: 'ActivityFailure', activityType: 'book' },
  })
  expect(host.lines.map(({ message }) => message)).toEqual(['a compensation failed', 'a compensation failed'])
  const { failure } = host.closing as unknown as { failure: { details: { data: Buffer }[] } }
  expect(failure).toMatchObject({ applicationType: 'CompensationFailure', nonRetryable: true })
  expect(failure.details.map(({ data }) => JSON.parse(Buffer.from(data).toString()) as unknown)).toEqual([
    "activity 'cancel' failed: the car is gone",
    'the hotel does not answer',
  ])
})

test('a mistake undoes nothing, and no code around it can catch it', async () => {
  let caught = false
  const trip = workflow({ name: 'trip' }, async (ctx) => {
    try {
      await ctx.saga(async (c, undo) => {
        await booked(c, undo, 'flight')
        throw new TypeError('not a function')
      })
    } catch {
      caught = true
    }
  })
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1, 'flight').rest()

  expect(host.problem).toMatchObject({ failure: { message: 'not a function' } })
  expect(caught).toBe(false)
  expect(host.asked).toEqual(['run book'])
})

test('what failOn names is a failure to a saga, too', async () => {
  const trip = workflow({ name: 'trip', failOn: [RangeError] }, (ctx) =>
    ctx.saga(async (c, undo) => {
      await booked(c, undo, 'flight')
      throw new RangeError('too far')
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1, 'flight').rest()
  expect(host.asked.at(-1)).toBe('run cancel')
  await host.complete(2).rest()
  expect(host.asked.at(-1)).toBe('fail too far')
})

test.each([
  [false, []],
  [true, ['flight']],
])('a mistake in a compensation stops the run at once (parallel: %s)', async (parallel, expected) => {
  const began: string[] = []
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(
      (_, undo) => {
        undo((c) => {
          began.push('flight')
          return c.run(cancel, 'flight')
        })
        undo(() => {
          throw new TypeError('not a function')
        })
        throw new ApplicationFailure('no')
      },
      { parallel },
    ),
  )
  const host = await new FakeHost().start(trip).rest()

  expect(host.problem).toMatchObject({ failure: { message: 'not a function' } })
  expect(host.asked).toEqual([])
  expect(began).toEqual(expected)
})

test('a cancel request undoes it, shielded, and one that comes meanwhile is no other', async () => {
  const signals = { go: z.string() }
  const trip = workflow({ name: 'trip', signals }, (ctx) =>
    ctx.saga(async (c, undo) => {
      undo(async (cc) => {
        await cc.sleep('1 h')
        await cc.signal('go')
        await cc.run(cancel, 'flight')
      })
      await c.signal('go')
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.requestCancel().rest()
  expect(host.asked).toEqual(['timer 1 3600000'])

  await host.requestCancel('again').rest()
  await host.fire(1).rest()
  await host.signal('go', 'x').rest()
  await host.complete(2).rest()

  expect(host.asked.slice(1)).toEqual(['run cancel', 'cancel'])
})

test('a request that comes while a failed saga is undone changes nothing', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga((_, undo) => {
      undo((c) => c.run(cancel, 'flight'))
      throw new ApplicationFailure('no')
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.requestCancel().rest()
  await host.complete(1).rest()

  expect(host.asked).toEqual(['run cancel', 'fail no'])
})

test('a compensation that cancels its own ctx has failed, and reaches no other', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga((_, undo) => {
      undo((c) => c.run(cancel, 'flight'))
      undo((c) => {
        c.cancel('enough')
        return c.run(cancel, 'hotel')
      })
      throw new ApplicationFailure('no')
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1).rest()

  expect(host.inputs).toEqual(['flight'])
  expect(host.asked.at(-1)).toBe('fail 1 of 2 compensations failed, after: no')
})

test('a cancelled ctx begins no saga', async () => {
  let began = false
  const trip = workflow({ name: 'trip' }, (ctx) => {
    ctx.cancel()
    return ctx.saga(() => (began = true))
  })
  const host = await new FakeHost().start(trip).rest()

  expect(began).toBe(false)
  expect(host.asked).toEqual(['cancel'])
})

test.each([
  ['saga: its argument is not a function', (ctx: C) => ctx.saga(7 as never)],
  ["saga: unknown option 'paralel' (there are: parallel)", (ctx: C) => ctx.saga(() => {}, { paralel: true } as never)],
  ['saga: parallel: neither true nor false', (ctx: C) => ctx.saga(() => {}, { parallel: 1 as never })],
  ['saga: what undo was given is not a function', (ctx: C) => ctx.saga((_, undo) => undo(7 as never))],
])('%s', async (message, code) => {
  const host = await new FakeHost().start(workflow({ name: 'w' }, code)).rest()

  expect(host.problem).toMatchObject({ failure: { message } })
})
