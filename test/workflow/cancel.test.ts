import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ActivityCancellationType } from '../../src/workflow/activity-settings.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { ApplicationFailure, CancelledFailure, isFailure } from '../../src/workflow/failures.js'
import { FakeHost } from './fake-host.js'

const signals = { a: z.string(), b: z.string() }
const op = activity({ name: 'op' }, async (name: string) => name)
const patient = activity({ name: 'patient', cancellationType: 'WaitCancellationCompleted' }, async (n: string) => n)
const left = activity({ name: 'left', cancellationType: 'Abandon' }, async (name: string) => name)

/** New code over what `host` has recorded has to come to the same end. */
async function expectReplay(code: Workflow, host: FakeHost): Promise<void> {
  const { problem } = await new FakeHost().replayOf(code, host.history).rest()
  expect(problem).toBeUndefined()
}

test('a cancel request reaches all that the function itself waits for', async () => {
  const seen: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const waits = [
      ...[ctx.condition(() => false, 60), ctx.signal('a', { timeout: 50 }), ctx.run(op, 'x'), ctx.sleep(5)],
      ...[ctx.signal('b'), ctx.condition(() => false), ctx.race({ inner: (c) => c.sleep(9) })],
      ctx.scope(async (c) => c.scope((cc) => cc.sleep(8))),
    ]
    for (const wait of waits) void wait.catch((error: unknown) => seen.push(error))
    await Promise.allSettled(waits)
    await ctx.sleep(1).catch((error: unknown) => seen.push(error))
    throw seen[0]
  })
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel('enough').rest()

  expect(seen).toHaveLength(9)
  expect(seen[0]).toBeInstanceOf(CancelledFailure)
  expect(seen[0]).toMatchObject({ message: 'the workflow was asked to cancel: enough' })
  expect(new Set(seen).size).toBe(1)
  expect(host.asked.slice(6)).toEqual([
    `cancel event ${host.scheduled(3)}`,
    ...[4, 1, 2, 5, 6].map((id) => `cancel timer ${id}`),
    'cancel',
  ])
  await expectReplay(code, host)
})

test('code may swallow a cancel request, and clean up behind a shield', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    try {
      await ctx.sleep(60_000)
      return 'slept'
    } catch {
      return await ctx.shield(async (c) => {
        await c.sleep(5)
        return c.run(op, 'clean')
      })
    }
  })
  const host = await new FakeHost().start(code).rest()
  await host.requestCancel().rest()
  await host.fire(2).rest()

  await host.complete(3, 'cleaned').rest()

  expect(host.asked).toEqual(['timer 1 60000', 'cancel timer 1', 'timer 2 5', 'run op', 'complete'])
  await expectReplay(code, host)
})

test('what stands behind a shield before the request is not reached by it', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => ctx.scope((c) => c.shield((cc) => cc.sleep(5))))
  const host = await new FakeHost().start(code).rest()
  await host.requestCancel().rest()

  await host.fire(1).rest()

  expect(host.asked).toEqual(['timer 1 5', 'complete'])
})

test('the cancellation that leaves the function is its end only when somebody asked for it', async () => {
  const own = workflow({ name: 'w' }, async (ctx) => {
    await ctx.sleep(1)
    throw new CancelledFailure('of my own', [1])
  })
  const unasked = await new FakeHost().start(own).rest()
  await unasked.fire(1).rest()
  const other = workflow({ name: 'w' }, (ctx) =>
    ctx.sleep(1).catch(() => {
      throw ApplicationFailure.nonRetryable('clean-up failed')
    }),
  )
  const failed = await new FakeHost().start(other).rest()
  await failed.requestCancel().rest()
  const asked = await new FakeHost().start(own).requestCancel().rest()
  const withDetails = workflow({ name: 'w' }, (ctx) =>
    ctx.sleep(1).catch(() => {
      throw new CancelledFailure('of my own', ['why'])
    }),
  )
  const detailed = await new FakeHost().start(withDetails).requestCancel().rest()

  expect(unasked.closing).toMatchObject({ type: 'FailWorkflowExecution', failure: { type: 'canceled' } })
  expect(failed.closing).toMatchObject({ type: 'FailWorkflowExecution', failure: { message: 'clean-up failed' } })
  expect(asked.closing).toEqual({ type: 'CancelWorkflowExecution', details: undefined })
  expect(detailed.closing).toMatchObject({ type: 'CancelWorkflowExecution', details: [{}] })
})

test('a scope is cancelled by itself, and its ctx asked for nothing afterwards', async () => {
  const errors: unknown[] = []
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const outside = ctx.sleep(7)
    await ctx
      .scope(async (c) => {
        const work = c.run(op, 'x')
        await ctx.signal('a')
        c.cancel('not wanted')
        await c.sleep(1).catch((error: unknown) => errors.push(error))
        await c.scope(() => 1).catch((error: unknown) => errors.push(error))
        await work
      })
      .catch((error: unknown) => errors.push(error))
    await outside
  })
  const host = await new FakeHost().start(code).rest()
  await host.signal('a', 'x').rest()

  await host.fire(1).rest()

  expect(errors.map((error) => isFailure(error, 'canceled') && error.message)).toEqual(Array(3).fill('not wanted'))
  expect(host.asked.slice(2)).toEqual([`cancel event ${host.scheduled(2)}`, 'complete'])
  await expectReplay(code, host)
})

test('ctx.cancel on the function itself is as good as a request', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const work = ctx.run(op, 'x')
    await ctx.signal('a')
    ctx.cancel()
    await work
  })
  const host = await new FakeHost().start(code).rest()

  await host.signal('a', 'x').rest()

  expect(host.asked).toEqual(['run op', `cancel event ${host.scheduled(1)}`, 'cancel'])
})

test.each([
  ['late', 'timed out after 30 ms', ['timer 1 30', 'timer 2 60', 'cancel timer 2', 'complete']],
  ['in time', 2, ['timer 1 30', 'timer 2 60', 'cancel timer 1', 'complete']],
])('a time limit for a part of the code: %s', async (_, end, asked) => {
  let outcome: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    outcome = await ctx
      .timeout(30, (c) => c.sleep(60).then(() => 2))
      .catch((error: unknown) => isFailure(error, 'canceled') && error.message)
  })
  const host = await new FakeHost().start(code).rest()

  await host.fire(end === 2 ? 2 : 1).rest()

  expect(outcome).toBe(end)
  expect(host.asked).toEqual(asked)
  await expectReplay(code, host)
})

test('a time limit goes with the scope around it', async () => {
  const code = workflow({ name: 'w' }, (ctx) => ctx.timeout(30, (c) => c.timeout(40, (cc) => cc.sleep(60))))
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel().rest()

  expect(host.asked.slice(3)).toEqual([1, 2, 3].map((id) => `cancel timer ${id}`).concat('cancel'))
})

test('WaitCancellationCompleted: the wait goes on until the activity has ended, in whatever way', async () => {
  const ends: unknown[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    const waits = ['stops', 'completes', 'fails'].map((name) => ctx.run(patient, name))
    for (const wait of waits) void wait.then(ends.push.bind(ends), (error: Error) => ends.push(error.name))
    await Promise.allSettled(waits)
    await ctx.sleep(1)
  })
  const host = await new FakeHost().start(code).rest()
  await host.requestCancel().rest()
  expect(ends).toEqual([])
  expect(host.asked.slice(3)).toEqual([1, 2, 3].map((id) => `cancel event ${host.scheduled(id)}`))

  host.canceled(1).complete(2, 'done').fail(3, { type: 'application', message: 'no' })
  await host.rest()

  expect(ends).toEqual(['CancelledFailure', 'done', 'ActivityFailure'])
  expect(host.asked.slice(6)).toEqual(['cancel'])
  await expectReplay(code, host)
})

test('an end that meets the request to stop in one task is the end, and nothing is asked', async () => {
  let end: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    end = await ctx.run(patient, 'x')
  })
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel().complete(1, 'done').together().rest()

  expect(end).toBe('done')
  expect(host.asked).toEqual(['run patient', 'complete'])
  await expectReplay(code, host)
})

test('an activity that waits for its end and was not sent yet is never sent', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    ctx.run(patient, 'x').catch(() => {})
    ctx.run(left, 'y').catch(() => {})
    ctx.cancel()
    await ctx.shield((c) => c.sleep(1))
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['timer 3 1'])
})

test('Abandon: the activity is left alone, and its end is nobody’s', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(left, 'x').catch(() => {})
    await ctx.step('own', () => 1, { cancellationType: 'Abandon' }).catch(() => {})
    await ctx.shield((c) => c.sleep(1))
  })
  const host = await new FakeHost().start(code).rest()
  await host.requestCancel().rest()
  expect(host.asked).toEqual(['run left', 'timer 2 1'])

  await host.complete(1, 'late').fire(2).rest()

  expect(host.asked.slice(2)).toEqual(['complete'])
  await expectReplay(code, host)
})

test('an abandoned step keeps its function', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.step('own', () => 1, { cancellationType: 'Abandon' }).catch(() => {})
    await ctx.shield((c) => c.sleep(1))
  })
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel().rest()

  expect(host.run.stepClosure('step:own#1')).toBeDefined()
})

test('a loop that does not let its cancellation out is stopped', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    for (;;) await ctx.sleep(1).catch(() => {})
  })
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel().rest()

  expect(host.problem?.failure).toMatchObject({ applicationType: 'Restless' })
})

test('a mistake in a scope that nobody awaits is a mistake, a cancellation is none', async () => {
  const careless = workflow({ name: 'w' }, async (ctx) => {
    void ctx.scope(async (c) => {
      await c.sleep(1)
      throw new TypeError('oops')
    })
    await ctx.sleep(9)
  })
  const host = await new FakeHost().start(careless).rest()
  await host.fire(1).rest()
  const cancelled = workflow({ name: 'w' }, async (ctx) => {
    void ctx.scope(async (c) => c.run(patient, 'x'))
    void ctx.timeout(30, async (c) => c.sleep(1))
    await ctx.shield((c) => c.sleep(9))
  })
  const quiet = await new FakeHost().start(cancelled).rest()
  await quiet.requestCancel().rest()
  await quiet.canceled(2 - 1).rest()

  expect(host.problem?.failure.message).toContain('oops')
  expect(quiet.problem).toBeUndefined()
})

test('slips of the pen are refused by name', async () => {
  const errors: string[] = []
  const keep = (error: Error): number => errors.push(error.message)
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.scope(1 as never).catch(keep)
    await ctx.shield(1 as never).catch(keep)
    await ctx.timeout(1, 1 as never).catch(keep)
    try {
      ctx.cancel(1 as never)
    } catch (error) {
      keep(error as Error)
    }
  })

  await new FakeHost().start(code).rest()

  expect(errors).toEqual([
    'scope: its argument is not a function',
    'shield: its argument is not a function',
    'timeout: its second argument is not a function',
    'cancel: its reason is not a text',
  ])
  const wrong = 'later' as ActivityCancellationType
  expect(() => activity({ name: 'x', cancellationType: wrong }, () => 1)).toThrow(
    "activity 'x'.cancellationType: none of TryCancel, WaitCancellationCompleted, Abandon: later",
  )
})

test('cancelled in Promise.any: it is a cancellation that leaves the code', async () => {
  const code = workflow({ name: 'w' }, (ctx) => Promise.any([ctx.sleep('1 day'), ctx.run(op, 'x')]))
  const host = await new FakeHost().start(code).rest()

  await host.requestCancel().rest()

  expect(host.asked.at(-1)).toBe('cancel')
})
