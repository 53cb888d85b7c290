import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { FakeHost } from './fake-host.js'

const signals = { a: z.string(), b: z.string(), n: z.number() }
const op = activity({ name: 'op' }, async () => undefined)

test('a message that came before is kept for the first who asks', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.sleep(1)
    got.push(await ctx.signal('a'), await ctx.signal('a'))
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').signal('a', '2').fire(1).rest()

  expect(got).toEqual(['1', '2'])
  expect(host.closing).toBeDefined()
})

test('without a time limit there is one pending promise a name', async () => {
  const got: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const first = ctx.signal('a')
    expect(ctx.signal('a')).toBe(first)
    expect(ctx.signal('b')).not.toBe(first)
    const branch = async (name: string): Promise<void> => void got.push(name + (await ctx.signal('a')))
    await Promise.all([branch('x'), branch('y')])
    expect(ctx.signal('a')).not.toBe(first)
    await ctx.signal('b')
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').signal('b', '2').rest()

  expect(got).toEqual(['x1', 'y1'])
  expect(host.closing).toBeDefined()
})

test('a loop over a native race of two names and a timer loses no message', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    for (let i = 0; i < 4; i++) got.push(await Promise.race([ctx.signal('a'), ctx.signal('b'), ctx.sleep(1)]))
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', 'a1').signal('b', 'b1').signal('b', 'b2').signal('a', 'a2').rest()

  expect(got).toEqual(['a1', 'b1', 'b2', 'a2'])
})

test('with a time limit the wait is withdrawn when the time is up', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    got.push(await ctx.signal('a', { timeout: '1 s' }))
    await ctx.sleep(1)
    got.push(await ctx.signal('a'))
  })
  const host = await new FakeHost().start(code).rest()
  expect(host.asked).toEqual(['timer 1 1000'])

  await host.fire(1).signal('a', 'late').rest()
  await host.fire(2).rest()

  expect(got).toEqual([undefined, 'late'])
})

test('with a time limit the timer is cancelled when a message comes first', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    got.push(await ctx.signal('a', { timeout: 1000 }))
    await ctx.sleep(5)
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', 'in time').rest()

  expect(got).toEqual(['in time'])
  expect(host.asked).toEqual(['timer 1 1000', 'cancel timer 1', 'timer 2 5'])
})

test('a time limit costs no timer when a message is there already', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.run(op)
    await ctx.signal('a', { timeout: 1000 })
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').complete(1).rest()

  expect(host.asked).toEqual(['run op', 'complete'])
})

test('signals() hands each message to one reader, in order', async () => {
  const got: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const read = async (reader: string): Promise<void> => {
      for await (const message of ctx.signals('a')) {
        got.push(reader + message)
        if (message === '3' || message === '4') break
      }
    }
    await Promise.all([read('x'), read('y')])
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', '1').signal('a', '2').signal('a', '3').signal('a', '4').rest()

  expect(got).toEqual(['x1', 'y2', 'x3', 'y4'])
  expect(host.closing).toBeDefined()
})

test('signals() begins with what was kept', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.sleep(1)
    const reader = ctx.signals('n')
    got.push(await reader.next(), await reader.next(), await reader.return!())
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('n', 1).signal('n', 2).fire(1).rest()

  expect(got).toEqual([
    { value: 1, done: false },
    { value: 2, done: false },
    { value: undefined, done: true },
  ])
})

test('a handler gets each message in a window of its own, those that were kept first', async () => {
  const got: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.sleep(1)
    let left = 4
    ctx.onSignal('n', async (n) => {
      got.push(`${n} begins`)
      for (let i = 0; i < 50; i++) await Promise.resolve()
      got.push(`${n} ends`)
      left--
    })
    await ctx.condition(() => left === 0)
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('n', 1).signal('n', 2).fire(1).signal('n', 3).signal('n', 4).rest()

  expect(got).toEqual([1, 2, 3, 4].flatMap((n) => [`${n} begins`, `${n} ends`]))
  expect(host.closing).toBeDefined()
})

test('a handler may be replaced, and what it waits for keeps the execution', async () => {
  const got: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await new Promise<void>((resolve) => {
      ctx.onSignal('a', (text) => {
        got.push(`first ${text}`)
        ctx.onSignal('a', (next) => {
          got.push(`second ${next}`)
          resolve()
        })
      })
    })
  })
  const host = await new FakeHost().start(code).rest()
  expect(host.problem).toBeUndefined()

  await host.signal('a', '1').signal('a', '2').rest()

  expect(got).toEqual(['first 1', 'second 2'])
  expect(host.closing).toBeDefined()
})

test('a handler that throws, or whose promise rejects, fails the task', async () => {
  const throwing = (handler: () => unknown) =>
    workflow({ name: 'w', signals }, async (ctx) => {
      ctx.onSignal('a', handler)
      await ctx.sleep(1)
    })
  const boom = (): never => {
    throw new Error('boom')
  }

  const sync = await new FakeHost().start(throwing(boom)).signal('a', '').rest()
  const late = await new FakeHost()
    .start(throwing(async () => boom()))
    .signal('a', '')
    .rest()

  expect(sync.problem!.failure).toMatchObject({ applicationType: 'UnhandledRejection', cause: { message: 'boom' } })
  expect(late.problem!.failure).toMatchObject({ applicationType: 'UnhandledRejection', cause: { message: 'boom' } })
})

test('a name is consumed in one style', async () => {
  const errors: string[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    ctx.onSignal('a', () => {})
    void ctx.signal('b', { timeout: 5 })
    await ctx.signal('a').catch((error: Error) => errors.push(error.message))
    await ctx
      .signals('a')
      .next()
      .catch((error: Error) => errors.push(error.message))
    try {
      ctx.onSignal('b', () => {})
    } catch (error) {
      errors.push((error as Error).message)
    }
  })

  await new FakeHost().start(code).rest()

  expect(errors).toEqual([
    "signal 'a' is consumed by a handler (onSignal) already; one style for a name",
    "signal 'a' is consumed by a handler (onSignal) already; one style for a name",
    "signal 'b' is consumed by waiting (signal or signals) already; one style for a name",
  ])
})

test('a name that the workflow does not declare is an error, and one that arrives does no harm', async () => {
  let message = ''
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.signal('typo' as 'a').catch((error: Error) => (message = error.message))
    await ctx.signal('toString' as 'a').catch(() => {})
    await ctx.sleep(1)
  })

  const host = await new FakeHost().start(code).signal('unknown', 1).rest()

  expect(message).toBe("signal 'typo' is not declared; the workflow declares: a, b, n")
  expect(host.problem).toBeUndefined()
})

test('a message that does not fit rejects for whoever takes it, and is not dropped silently', async () => {
  const errors: string[] = []
  const keep = (error: Error): number => errors.push(error.message)
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    await ctx.signal('n').catch(keep)
    await ctx.sleep(1)
    await ctx.signal('n').catch(keep)
    await ctx.signals('n').next().catch(keep)
    const done = await ctx.signal('n')
    return done
  })
  const host = await new FakeHost().start(code).signal('n', 'x').rest()

  await host.signal('n', 'y').signal('n', 'z').fire(1).signal('n', 4).rest()

  expect(errors).toHaveLength(3)
  expect(errors[0]).toMatch(/^signal 'n': Invalid input: expected number/)
  expect(host.closing?.type).toBe('CompleteWorkflowExecution')
})
