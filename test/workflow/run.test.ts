import { expect, test } from 'vitest'
import { z } from 'zod'
import type { CompleteWorkflowExecutionCommand } from '../../src/protocol/command.js'
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '../../src/workflow/failures.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { decodePayload, encodePayloads } from '../../src/workflow/converter.js'
import type { Workflow } from '../../src/workflow/definition.js'
import type { ActivityContext } from '../../src/workflow/activity-context.js'
import { EXECUTION, FakeHost } from './fake-host.js'

const op = activity({ name: 'op' }, async (name: string) => name)

test('a workflow runs its activities in order and completes with what it returns', async () => {
  const host = new FakeHost()
  host.answer = ({ input }) => ({ value: Number(decodePayload(input![0]!)) + 1 })
  const addOne = activity({ name: 'addOne' }, async (n: number) => n + 1)
  const add = workflow({ name: 'add' }, async (ctx, n: number) => {
    for (let i = 0; i < 3; i++) n = await ctx.run(addOne, n)
    await ctx.sleep('1 s')
    return n
  })

  await host.start(add, 5).rest()
  expect(host.asked).toEqual(['run addOne', 'run addOne', 'run addOne', 'timer 4 1000'])
  await host.fire(4).rest()

  expect(resultOf(host)).toBe(8)
  expect(host.commands.map((commands) => commands.length)).toEqual([1, 1, 1, 1, 1])
})

test('a function that is not async, returns nothing or a thenable ends the execution as well', async () => {
  const plain = await new FakeHost().start(workflow({ name: 'w' }, () => 7)).rest()
  const nothing = await new FakeHost().start(workflow({ name: 'w' }, () => undefined)).rest()
  const thenable = workflow({ name: 'w' }, () => ({ then: (resolve: (n: number) => void) => resolve(9) }))
  const awaited = await new FakeHost().start(thenable).rest()

  expect(resultOf(plain)).toBe(7)
  expect(nothing.closing).toEqual({ type: 'CompleteWorkflowExecution', result: undefined })
  expect(resultOf(awaited)).toBe(9)
})

test('one completion a drain: the first in history wins, however deep its branch waits', async () => {
  const race = workflow({ name: 'w' }, async (ctx) => {
    const deep = async (promise: Promise<string>): Promise<string> => {
      await Promise.resolve()
      const value = await promise
      for (let i = 0; i < 3; i++) await Promise.resolve()
      return value
    }
    return Promise.race([deep(ctx.run(op, 'a')), ctx.run(op, 'b')])
  })
  const host = await new FakeHost().start(race).rest()

  // In one task: both wait when the first window opens.
  await host.complete(1, 'a').complete(2, 'b').rest()

  expect(resultOf(host)).toBe('a')
})

test('what completes is found by its event, in any order', async () => {
  const all = workflow({ name: 'w' }, (ctx) =>
    Promise.all([ctx.run(op, 'a'), ctx.sleep(5), ctx.run(op, 'b'), ctx.run(op, 'c')]),
  )
  const host = await new FakeHost().start(all).rest()

  await host.complete(4, 'C').complete(1, 'A').rest()
  await host.fire(2).complete(3, 'B').rest()

  expect(resultOf(host)).toEqual(['A', null, 'B', 'C'])
})

const thenable = <T>(value: T): PromiseLike<T> =>
  ({ then: (resolve: (value: T) => unknown) => resolve(value) }) as PromiseLike<T>
const nested = <T>(depth: number, fn: () => Promise<T>): Promise<T> =>
  depth === 0 ? fn() : (async () => await nested(depth - 1, fn))()
const nestedReturn = <T>(depth: number, fn: () => Promise<T>): Promise<T> =>
  depth === 0 ? fn() : (async () => nestedReturn(depth - 1, fn))()
async function* generated<T>(depth: number, fn: () => Promise<T>): AsyncGenerator<T> {
  if (depth === 0) yield await fn()
  else yield* generated(depth - 1, fn)
}

const SHAPES: Record<string, (ctx: WorkflowContext) => Promise<unknown>> = {
  'plain await': (ctx) => ctx.run(op, 'a'),
  '50 nested async functions that await': (ctx) => nested(50, () => ctx.run(op, 'a')),
  '50 nested async functions that return a promise': (ctx) => nestedReturn(50, () => ctx.run(op, 'a')),
  'race, any and allSettled in each other': (ctx) =>
    Promise.allSettled([Promise.any([Promise.race([nested(5, () => ctx.run(op, 'a'))])])]),
  'an async generator, yield* 20 deep': async (ctx) => {
    for await (const _ of generated(20, () => ctx.run(op, 'a')));
  },
  '60 thenables': async (ctx) => {
    await ctx.run(op, 'a')
    for (let i = 0; i < 60; i++) await thenable(i)
  },
  '10,000 times await Promise.resolve()': async (ctx) => {
    await ctx.run(op, 'a')
    for (let i = 0; i < 10_000; i++) await Promise.resolve()
  },
  'a chain of 1,000 microtasks': async (ctx) => {
    await ctx.run(op, 'a')
    await new Promise<void>((resolve) => {
      let left = 1000
      const next = (): void => (left-- > 0 ? queueMicrotask(next) : resolve())
      next()
    })
  },
  'ticks and microtasks in turn': async (ctx) => {
    await ctx.run(op, 'a')
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((resolve) => process.nextTick(resolve))
      await Promise.resolve()
    }
  },
  'import() of what is loaded': async (ctx) => {
    await ctx.run(op, 'a')
    await import('node:path')
  },
}

test.each(Object.entries(SHAPES))('a drain is complete: %s', async (_, shape) => {
  const host = new FakeHost()
  const code = workflow({ name: 'w' }, async (ctx) => {
    await shape(ctx)
    await ctx.run(op, 'b')
  })
  await host.start(code).rest()

  await host.complete(1).rest()

  expect(host.problem).toBeUndefined()
  expect(host.asked).toEqual(['run op', 'run op'])
})

test('Promise.all, race, any and allSettled see failures as they were recorded', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    const [settled, any] = await Promise.all([
      Promise.allSettled([ctx.run(op, '1'), ctx.run(op, '2')]),
      Promise.any([ctx.run(op, '3'), ctx.run(op, '4')]),
    ])
    return [settled.map(({ status }) => status), any]
  })
  const host = await new FakeHost().start(code).rest()

  await host.fail(1, refused).complete(2).fail(3, refused).complete(4, 'four').rest()

  expect(resultOf(host)).toEqual([['rejected', 'fulfilled'], 'four'])
})

test('a failed activity rejects with an ActivityFailure that keeps its cause', async () => {
  let caught: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(op, 'a').catch((error: unknown) => (caught = error))
  })
  const host = await new FakeHost().start(code).rest()

  await host.fail(1, { ...refused, details: encodePayloads([{ limit: 5 }]), applicationType: 'Refused' }).rest()

  expect(caught).toBeInstanceOf(ActivityFailure)
  expect(caught).toMatchObject({ activityId: '1', activityType: 'op', retryState: 'MaximumAttemptsReached' })
  const { cause } = caught as ActivityFailure
  expect(cause).toBeInstanceOf(ApplicationFailure)
  expect(cause).toMatchObject({ message: 'no', type: 'Refused', details: [{ limit: 5 }] })
})

test('a timed-out activity rejects with an ActivityFailure caused by a TimeoutFailure', async () => {
  let caught: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(op, 'a').catch((error: unknown) => (caught = error))
  })
  const host = await new FakeHost().start(code).rest()
  const failure = { type: 'timeout', message: 'too long', timeoutType: 'StartToClose' } as const
  const attributes = { failure, scheduledEventId: host.scheduled(1), startedEventId: 0, retryState: 'Timeout' } as const

  await host.happen({ eventType: 'ActivityTaskTimedOut', attributes }).rest()

  expect(caught).toMatchObject({ retryState: 'Timeout', cause: { timeoutType: 'StartToClose' } })
  expect((caught as ActivityFailure).cause).toBeInstanceOf(TimeoutFailure)
})

test('an activity that was cancelled from elsewhere rejects with a CancelledFailure', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(op, 'a')
  })
  const host = await new FakeHost().start(code).rest()
  const ids = { latestCancelRequestedEventId: 0, scheduledEventId: host.scheduled(1), startedEventId: 0, identity: '' }

  await host.happen({ eventType: 'ActivityTaskCanceled', attributes: { ...ids, details: undefined } }).rest()

  expect(host.closing).toMatchObject({ type: 'FailWorkflowExecution', failure: { type: 'canceled' } })
})

test('a Failure that leaves the function fails the execution, causes included', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(op, 'a')
  })
  const host = await new FakeHost().start(code).rest()

  await host.fail(1, refused).rest()

  const failure = { type: 'activity', activityType: 'op', cause: { type: 'application', message: 'no' } }
  expect(host.closing).toMatchObject({ type: 'FailWorkflowExecution', failure })
})

test('any other error is a mistake: the task fails and the execution does not', async () => {
  const code = workflow({ name: 'w' }, async () => {
    throw new TypeError('oops')
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.closing).toBeUndefined()
  const failure = { type: 'application', applicationType: 'TypeError', message: 'oops' }
  expect(host.problem).toMatchObject({ cause: 'WorkflowWorkerUnhandledFailure', failure })
})

test('what Promise.any rejects with is a failure when all that it gathered are, and a mistake else', async () => {
  const throws = (...errors: Error[]): Workflow =>
    workflow({ name: 'w' }, async () => {
      await Promise.any(errors.map((error) => Promise.reject(error)))
    })
  const both = [new ApplicationFailure('one'), new ApplicationFailure('two')]
  const failed = await new FakeHost().start(throws(...both)).rest()
  const mixed = await new FakeHost().start(throws(...both, new TypeError('oops'))).rest()
  const empty = await new FakeHost().start(throws()).rest()

  expect(failed.closing).toMatchObject({
    type: 'FailWorkflowExecution',
    failure: { applicationType: 'AggregateError', cause: { message: 'one' } },
  })
  expect(mixed.problem).toBeDefined()
  expect(empty.problem).toBeDefined()
})

test('failOn names errors that fail the execution', async () => {
  class Bankrupt extends Error {}
  const throws = (error: Error) => async (): Promise<void> => {
    throw error
  }
  const named = await new FakeHost()
    .start(workflow({ name: 'w', failOn: [Bankrupt] }, throws(new Bankrupt('broke'))))
    .rest()
  const other = await new FakeHost().start(workflow({ name: 'w', failOn: [Bankrupt] }, throws(new Error('x')))).rest()
  const any = await new FakeHost().start(workflow({ name: 'w', failOn: 'any' }, throws(new Error('x')))).rest()

  expect(named.closing).toMatchObject({ type: 'FailWorkflowExecution', failure: { message: 'broke' } })
  expect(other.problem).toBeDefined()
  expect(any.closing).toMatchObject({ type: 'FailWorkflowExecution', failure: { message: 'x' } })
})

test('after the function has settled other branches are not heard', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    const branch = async (): Promise<void> => {
      await ctx.sleep(1)
      for (let i = 0; i < 10; i++) {
        await Promise.resolve()
        void ctx.run(op, `branch ${i}`)
      }
    }
    void branch()
    await ctx.sleep(2)
    void ctx.run(op, 'before the end')
  })
  const host = await new FakeHost().start(code).rest()

  await host.fire(2).fire(1).rest()

  expect(host.commands.at(-1)!.map(({ type }) => type)).toEqual(['ScheduleActivityTask', 'CompleteWorkflowExecution'])
  // The second cause got no window: it goes to the next run, or is answered that there is none.
  expect(host.history.filter(({ eventType }) => eventType === 'TimerFired')).toHaveLength(1)
})

test('the commands that were asked for before the end, in the same window, count', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    void ctx.run(op, 'left running')
    return 1
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['run op', 'complete'])
})

test('a task takes no more causes than its host gives, and the next one the others', async () => {
  const code = workflow({ name: 'w', signals: { s: z.number() } }, async (ctx) => {
    let sum = 0
    for (let i = 0; i < 10; i++) sum += await ctx.signal('s')
    return sum
  })
  const host = new FakeHost()
  host.maxCauses = 4
  await host.start(code).rest()

  for (let i = 1; i <= 10; i++) host.signal('s', i)
  await host.rest()

  expect(resultOf(host)).toBe(55)
  expect(host.history.filter(({ eventType }) => eventType === 'WorkflowTaskCompleted')).toHaveLength(4)
})

test('waking a run that nothing waits for ends in a quiescent call without commands', async () => {
  const host = await new FakeHost().start(workflow({ name: 'w' }, (ctx) => ctx.sleep(1))).rest()
  const before = host.quiescents

  host.run.wake()
  await new Promise<void>((resolve) => host.train.later(resolve))

  expect(host.quiescents).toBe(before + 1)
  expect(host.commands).toHaveLength(1)
})

test('input is parsed for the function, and the result is checked and kept as it was given', async () => {
  const seen: unknown[] = []
  const code = workflow(
    { name: 'w', input: z.object({ n: z.number().default(3) }), output: z.string().transform((text) => text.length) },
    async (_, input) => {
      seen.push(input)
      return 'four'
    },
  )

  const host = await new FakeHost().start(code, {}).rest()

  expect(seen).toEqual([{ n: 3 }])
  expect(resultOf(host)).toBe('four')
})

test('a result that does not fit its schema is a mistake, and so is an input', async () => {
  const badResult = workflow({ name: 'w', output: z.number().max(3) }, async () => 4)
  const host = await new FakeHost().start(badResult).rest()
  const strict = workflow({ name: 'w', input: z.number() }, async () => 1)
  const lax = workflow({ name: 'w' }, async () => 1)
  const other = new FakeHost().start(lax, 'text')
  other.run.close()
  const changed = await new FakeHost().replayOf(strict, [other.nextEvent()!]).rest()

  expect(host.problem!.failure.message).toMatch(/^result of workflow 'w': Too big/)
  expect(changed.problem!.failure.message).toMatch(/^input of workflow 'w': Invalid input/)
})

test('activity input is checked where it is sent, and its result parsed where it arrives', async () => {
  const strict = activity(
    { name: 'strict', input: z.object({ n: z.number() }), output: z.string().transform(Number) },
    async () => '1',
  )
  const errors: string[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.run(strict, { n: 'x' as unknown as number }).catch((error: Error) => errors.push(error.message))
    await ctx.run(strict, { n: 1n as unknown as number }).catch((error: Error) => errors.push(error.message))
    const good = await ctx.run(strict, { n: 1 })
    await ctx.run(strict, { n: 1 }).catch((error: Error) => errors.push(error.message))
    return good
  })
  const host = await new FakeHost().start(code).rest()

  await host.complete(1, '42').rest()
  await host.complete(2, 42).rest()

  expect(resultOf(host)).toBe(42)
  expect(errors).toEqual([
    expect.stringMatching(/^input of activity 'strict'\.n: Invalid input/),
    expect.stringMatching(/^input of activity 'strict'\.n: Invalid input/),
    expect.stringMatching(/^result of activity 'strict': Invalid input/),
  ])
})

test('options of the definition and of the call become those of the command', async () => {
  const fast = activity(
    { name: 'fast', startToClose: '10 s', retry: { maximumAttempts: 3 }, taskQueue: 'gpu' },
    async () => 1,
  )
  const code = workflow({ name: 'w' }, async (ctx) => {
    void ctx.run(fast)
    void ctx.run(fast, undefined, { scheduleToClose: '1 m', retry: { initialInterval: '2 s' } })
    void ctx.run(op, 'x')
    await ctx.sleep(1)
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.commands[0]).toMatchObject([
    {
      startToCloseTimeoutMs: 10_000,
      scheduleToCloseTimeoutMs: undefined,
      retryPolicy: { maximumAttempts: 3 },
      taskQueue: 'gpu',
    },
    { startToCloseTimeoutMs: 10_000, scheduleToCloseTimeoutMs: 60_000, retryPolicy: { initialIntervalMs: 2000 } },
    { startToCloseTimeoutMs: 60_000, retryPolicy: undefined, taskQueue: undefined },
    { type: 'StartTimer' },
  ])
})

test('sleep takes ms, a text or an instant, and is at least 1 ms', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    void ctx.sleep(0)
    void ctx.sleep('1.5 h')
    void ctx.sleep(new Date(ctx.now() + 250))
    void ctx.sleep(new Date(0))
    await ctx.sleep('soon' as '1 s').catch(() => {})
    await ctx.sleep(7)
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['timer 1 1', 'timer 2 5400000', 'timer 3 250', 'timer 4 1', 'timer 5 7'])
})

test('a step is an activity of a type of its own, whose closure the run keeps until it ends', async () => {
  const context = {} as ActivityContext
  const code = workflow({ name: 'w' }, async (ctx) => {
    const first = await ctx.step('charge', () => 'a', { startToClose: '5 s' })
    const [second] = await Promise.all([ctx.step('charge', () => 'b'), ctx.step('ship', async () => 'c')])
    return first + second
  })
  const host = await new FakeHost().start(code).rest()

  expect(host.commands[0]).toMatchObject([{ activityType: 'step:charge#1', startToCloseTimeoutMs: 5000 }])
  expect(host.run.stepClosure('step:charge#1')!(context)).toBe('a')
  await host.complete(1, 'a').rest()

  expect(host.asked.slice(1)).toEqual(['run step:charge#2', 'run step:ship#1'])
  expect(host.run.stepClosure('step:charge#1')).toBeUndefined()
  expect(host.run.stepClosure('step:charge#2')!(context)).toBe('b')
})

test('mistakes in the arguments of step and run are told where they are made', async () => {
  const errors: string[] = []
  const keep = (error: Error): number => errors.push(error.message)
  const code = workflow({ name: 'w' }, async (ctx) => {
    await ctx.step('', () => 1).catch(keep)
    await ctx.step('s', 'no function' as unknown as () => 1).catch(keep)
    await ctx.step('s', () => 1, { startToClose: 'x' as '1 s' }).catch(keep)
    await ctx.run(op, 'x', { retry: { maximumAttempts: -1 } }).catch(keep)
    await ctx.run(op, (() => 1) as unknown as string).catch(keep)
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.asked).toEqual(['complete'])
  expect(errors).toEqual([
    'step: its name is not a text',
    "step 's': its second argument is not a function",
    expect.stringMatching(/^step 's'\.startToClose: /),
    expect.stringMatching(/^options of activity 'op'\.retry\.maximumAttempts: /),
    "input of activity 'op': a function cannot be sent",
  ])
})

test('now is the later of the begin of the task and the time of the cause', async () => {
  const seen: number[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    seen.push(ctx.now())
    await ctx.sleep(1)
    seen.push(ctx.now())
    await ctx.sleep(1)
    seen.push(ctx.now())
  })
  const host = await new FakeHost().start(code).rest()
  host.nowMs += 5000
  await host.fire(1).rest()
  host.nowMs += 5000
  host.fire(2)
  // A task that begins long after its cause was recorded.
  host.beginTimeMs += 70_000
  await host.rest()

  const [first, second, third] = seen as [number, number, number]
  expect(second - first).toBeGreaterThanOrEqual(5000)
  expect(third - second).toBeGreaterThanOrEqual(75_000)
})

test('random and uuid come from the run id alone', async () => {
  const draws: unknown[][] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    draws.push([ctx.random(), ctx.random(), ctx.uuid(), ctx.uuid()])
  })

  await new FakeHost().start(code).rest()
  await new FakeHost().start(code).rest()
  await new FakeHost().start(code, undefined, { ...EXECUTION, runId: '01890000-0000-7000-8000-000000000002' }).rest()

  const [one, two, three] = draws as [unknown[], unknown[], unknown[]]
  expect(two).toEqual(one)
  expect(three.filter((draw) => one.includes(draw))).toEqual([])
  expect(one[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('info says what the execution is', async () => {
  let info: unknown
  const code = workflow({ name: 'w' }, async (ctx) => {
    info = ctx.info
  })

  await new FakeHost().start(code).rest()

  expect(info).toMatchObject({ ...EXECUTION, workflowType: 'w', taskQueue: 'q', attempt: 1 })
})

test('log lines go to the host with their level', async () => {
  const code = workflow({ name: 'w' }, async (ctx) => {
    ctx.log.debug({ a: 1 }, 'd')
    ctx.log.info({}, 'i')
    ctx.log.warn({}, 'w')
    ctx.log.error({}, 'e')
  })

  const host = await new FakeHost().start(code).rest()

  expect(host.lines.map(({ level, message }) => level + message)).toEqual(['debugd', 'infoi', 'warnw', 'errore'])
  expect(host.lines[0]!.fields).toEqual({ a: 1 })
})

test('every promise of ctx is the one the engine settles', async () => {
  const order: string[] = []
  const code = workflow({ name: 'w' }, async (ctx) => {
    const slept = ctx.sleep(1)
    await slept.then(() => {
      order.push('continued')
      // A wrapper would resume a tick later than what is queued now.
      queueMicrotask(() => order.push('a tick later'))
    })
    order.push('awaited')
  })
  const host = await new FakeHost().start(code).rest()

  await host.fire(1).rest()

  expect(order).toEqual(['continued', 'a tick later', 'awaited'])
})

const refused = { type: 'application', message: 'no' } as const

function resultOf(host: FakeHost): unknown {
  expect(host.problem).toBeUndefined()
  expect(host.closing?.type).toBe('CompleteWorkflowExecution')
  return decodePayload((host.closing as CompleteWorkflowExecutionCommand).result![0]!)
}
