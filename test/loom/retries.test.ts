/** Activities and steps that fail: when they are tried again, and what workflow code hears of it. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryAfter,
  TimeoutFailure,
} from '../../src/workflow/failures.js'
import { WorkflowFailedError } from '../../src/client/errors.js'
import { attributesOf, eventsOf, gate, open, rejection, until } from './rig.js'

const quickly = { initialInterval: 5 } as const

/** Why a workflow failed. */
async function causeOf(result: Promise<unknown>): Promise<Error> {
  const error = await rejection(result)
  expect(error).toBeInstanceOf(WorkflowFailedError)
  return error.cause as Error
}

test('an activity that throws is tried again, under one idempotency key, and hears what it failed with', async () => {
  const seen: unknown[] = []
  const flaky = activity({ name: 'flaky', retry: quickly }, async (_: unknown, context) => {
    const { attempt, idempotencyKey, lastFailure } = context
    seen.push([attempt, idempotencyKey, lastFailure?.message])
    if (attempt < 3) throw new Error(`no ${attempt}`)
    return 'yes'
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(flaky, 0))
  const loom = await open({ definitions: [calls, flaky] })

  const handle = await loom.start(calls, { workflowId: 'w' })

  expect(await handle.result()).toBe('yes')
  const key = `${handle.runId}/1`
  expect(seen).toEqual([
    [1, key, undefined],
    [2, key, 'no 1'],
    [3, key, 'no 2'],
  ])
  const [started] = await attributesOf(handle, 'ActivityTaskStarted')
  expect(started).toMatchObject({ attempt: 3, lastFailure: { message: 'no 2', applicationType: 'Error' } })
})

test('attempts end with the policy, and the workflow fails with the whole chain of causes', async () => {
  const broken = activity({ name: 'broken', retry: { ...quickly, maximumAttempts: 2 } }, async () => {
    throw new Error('outer', { cause: new TypeError('inner') })
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(broken))
  const loom = await open({ definitions: [calls, broken] })

  const cause = await causeOf(loom.execute(calls, { workflowId: 'w' }))

  expect(cause).toBeInstanceOf(ActivityFailure)
  expect(cause).toMatchObject({ activityType: 'broken', retryState: 'MaximumAttemptsReached' })
  expect(cause.cause).toMatchObject({ message: 'outer', type: 'Error', cause: { message: 'inner', type: 'TypeError' } })
})

test('a non-retryable failure is not tried again, nor is a type that the policy names', async () => {
  let calls = 0
  const refuses = activity({ name: 'refuses', retry: quickly }, async () => {
    calls++
    throw ApplicationFailure.nonRetryable('card declined', { type: 'Declined', details: [{ code: 51 }] })
  })
  const typed = activity({ name: 'typed', retry: { ...quickly, nonRetryableErrorTypes: ['RangeError'] } }, async () => {
    calls++
    throw new RangeError('too far')
  })
  const both = workflow({ name: 'both' }, async (ctx) => {
    const failures: unknown[] = []
    for (const one of [refuses, typed]) {
      try {
        await ctx.run(one)
      } catch (error) {
        const { cause, retryState } = error as ActivityFailure
        failures.push([retryState, (cause as ApplicationFailure).type, (cause as ApplicationFailure).details])
      }
    }
    return failures
  })
  const loom = await open({ definitions: [both, refuses, typed] })

  expect(await loom.execute(both, { workflowId: 'w' })).toEqual([
    ['NonRetryableFailure', 'Declined', [{ code: 51 }]],
    ['NonRetryableFailure', 'RangeError', []],
  ])
  expect(calls).toBe(2)
})

test('whatever is thrown becomes an application failure: texts, nothing, failures of other kinds', async () => {
  const thrown: unknown[] = [
    'a text',
    undefined,
    null,
    { toString: () => 'shown' },
    new TimeoutFailure('late', 'StartToClose'),
    new CancelledFailure(),
  ]
  const throws = activity({ name: 'throws', retry: { maximumAttempts: 1 } }, (at: number) => {
    throw thrown[at]
  })
  const each = workflow({ name: 'each' }, async (ctx) => {
    const messages: unknown[] = []
    for (let at = 0; at < thrown.length; at++) {
      await ctx.run(throws, at).catch(({ cause }: ActivityFailure) => messages.push((cause as Error).message))
    }
    return messages
  })
  const loom = await open({ definitions: [each, throws] })

  expect(await loom.execute(each, { workflowId: 'w' })).toEqual([
    'a text',
    'undefined',
    'null',
    'shown',
    'late',
    'cancelled',
  ])
})

test('RetryAfter says when', async () => {
  const atMs: number[] = []
  const later = activity({ name: 'later', retry: { initialInterval: '1 h' } }, async (_: unknown, { attempt }) => {
    atMs.push(Date.now())
    if (attempt === 1) throw new RetryAfter(30)
    if (attempt === 2) throw new RetryAfter(new Date(Date.now() + 30))
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(later))
  const loom = await open({ definitions: [calls, later] })

  await loom.execute(calls, { workflowId: 'w' })

  expect(atMs[1]! - atMs[0]!).toBeGreaterThanOrEqual(29)
  expect(atMs[2]! - atMs[1]!).toBeGreaterThanOrEqual(29)
})

test('input and results that do not fit their schemas fail the attempt, with the path in the message', async () => {
  const bad = {
    '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never', path: ['x', 0] }] }) },
  } as const
  const badResult = activity({ name: 'badResult', output: bad, retry: { maximumAttempts: 1 } }, async () => 1 as never)
  const lossy = activity({ name: 'lossy', retry: { maximumAttempts: 1 } }, async () => ({ f: () => 1 }))
  const each = workflow({ name: 'each' }, async (ctx) => {
    const messages: string[] = []
    for (const one of [badResult, lossy]) await ctx.run(one).catch(({ cause }) => messages.push(cause.message))
    return messages
  })
  const loom = await open({ definitions: [each, badResult, lossy] })

  expect(await loom.execute(each, { workflowId: 'w' })).toEqual([
    "result of activity 'badResult'.x[0]: never",
    "result of activity 'lossy'.f: a function cannot be sent",
  ])
})

test('an attempt that takes too long is aborted and tried again; what it still says is ignored', async () => {
  const late = gate<string>()
  let reason: unknown
  const slow = activity({ name: 'slow', startToClose: 20, retry: quickly }, async (_: unknown, { attempt, signal }) => {
    if (attempt > 1) return 'second'
    signal.addEventListener('abort', () => (reason = signal.reason))
    return await late.promise
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(slow))
  const loom = await open({ definitions: [calls, slow] })
  const handle = await loom.start(calls, { workflowId: 'w' })

  expect(await handle.result()).toBe('second')
  late.open('first')

  expect(reason).toBeInstanceOf(TimeoutFailure)
  await until(() => loom.admin.stats().runningActivityCount === 0)
})

test('an activity that nobody waits for any more hears of it, and ends as cancelled when it says so', async () => {
  const begun = gate()
  const polite = activity({ name: 'polite', retry: quickly }, async (_: unknown, { signal }) => {
    begun.open()
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  })
  const racing = workflow(
    {
      name: 'racing',
      signals: { stop: z.any() },
    },
    async (ctx) => {
      const { key } = await ctx.race({ work: (c) => c.run(polite), stop: (c) => c.signal('stop') })
      await ctx.sleep(30)
      return key
    },
  )
  const loom = await open({ definitions: [racing, polite] })
  const handle = await loom.start(racing, { workflowId: 'w' })
  await begun.promise

  await handle.signal('stop')

  expect(await handle.result()).toBe('stop')
  const types = (await eventsOf(handle)).map(({ eventType }) => eventType)
  expect(types).toEqual(expect.arrayContaining(['ActivityTaskCancelRequested', 'ActivityTaskCanceled']))
})

test('describe shows an activity between its attempts', async () => {
  const broken = activity({ name: 'broken', retry: { initialInterval: '1 h' } }, async () => {
    throw new Error('down')
  })
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(broken))
  const loom = await open({ definitions: [calls, broken] })
  const handle = await loom.start(calls, { workflowId: 'w' })

  await until(async () => (await handle.describe()).pendingActivities[0]?.attempt === 2)

  const { pendingActivities } = await handle.describe()
  expect(pendingActivities).toMatchObject([
    {
      activityType: 'broken',
      state: 'Scheduled',
      attempt: 2,
      lastFailure: { message: 'down' },
      currentRetryIntervalMs: 3_600_000,
    },
  ])
  expect(pendingActivities[0]!.nextAttemptAtMs).toBeGreaterThan(Date.now() + 3_000_000)
})
