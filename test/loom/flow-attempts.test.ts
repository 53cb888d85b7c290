/** What is said of an attempt that failed, and what a result must be. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Activity } from '../../src/workflow/definition.js'
import type { ActivityFailure } from '../../src/workflow/failures.js'
import { Lines, open, rejection } from './rig.js'

test('each failed attempt is a line: which activity, which attempt, and why', async () => {
  const logger = new Lines()
  const cause = new Error('the bank is down')
  const pay = activity({ name: 'pay', retry: { maximumAttempts: 2, initialInterval: 1 } }, async () => {
    throw cause
  })
  const order = workflow({ name: 'order' }, async (ctx) => ctx.run(pay))
  const loom = await open({ definitions: [order, pay], logger })

  const handle = await loom.start(order, { workflowId: 'w' })
  await rejection(handle.result())

  const warned = logger.all.filter(({ level }) => level === 'warn')
  expect(warned.map(({ message }) => message)).toEqual([
    "attempt 1 of activity 'pay' failed: the bank is down",
    "attempt 2 of activity 'pay' failed: the bank is down",
  ])
  expect(warned[0]!.fields).toEqual({
    workflowId: 'w',
    runId: handle.runId,
    activityId: '1',
    activityType: 'pay',
    attempt: 1,
    error: cause,
  })
})

test('a logger that throws costs no attempt', async () => {
  const thrown: unknown[] = []
  const listeners = process.rawListeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (error) => thrown.push(error))
  const logger = new Lines()
  logger.warn = () => {
    throw new Error('no disk for lines')
  }
  const pay = activity({ name: 'pay', retry: { maximumAttempts: 1 } }, () => {
    throw new Error('declined')
  })
  const order = workflow({ name: 'order' }, async (ctx) => ctx.run(pay))
  const loom = await open({ definitions: [order, pay], logger })

  expect(await rejection(loom.execute(order, { workflowId: 'w' }))).toMatchObject({ status: 'Failed' })
  process.removeAllListeners('unhandledRejection')
  for (const listener of listeners) process.on('unhandledRejection', listener as () => void)

  expect(thrown).toEqual([new Error('no disk for lines')])
})

const BAD_RESULTS: Record<string, Activity> = {
  'does not fit its schema': activity({ name: 'bad', output: z.number() }, async () => 'five' as never),
  'cannot be encoded': activity({ name: 'bad' }, async () => new Map([[1, 2]])),
  'is too big': activity({ name: 'bad' }, async () => 'x'.repeat(2000)),
}

test.each(Object.entries(BAD_RESULTS))('a result that %s is not tried again, and says so', async (_, bad) => {
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.run(bad))
  const loom = await open({ definitions: [calls, bad], settings: { maxPayloadBytes: 1000 } })

  const error = await rejection(loom.execute(calls, { workflowId: 'w' }))

  const { retryState, cause } = error.cause as ActivityFailure
  expect(retryState).toBe('NonRetryableFailure')
  expect(cause).toMatchObject({
    type: 'BadResult',
    nonRetryable: true,
    message: expect.stringMatching(/^result of activity 'bad'/),
  })
})

test('the result of a step is held to the same', async () => {
  const calls = workflow({ name: 'calls' }, async (ctx) => ctx.step('count', () => 5n as unknown as number))
  const loom = await open({ definitions: [calls] })

  const error = await rejection(loom.execute(calls, { workflowId: 'w' }))

  expect((error.cause as ActivityFailure).cause).toMatchObject({ type: 'BadResult' })
})

const echo = activity({ name: 'echo' }, async (text: string) => text)

test('maxPayloadBytes holds for what workflows send and return, below and above the default', async () => {
  const sends = workflow({ name: 'sends' }, async (ctx, length: number) => {
    const back = await ctx.run(echo, 'x'.repeat(length)).catch((error: Error) => error.message)
    return back.length > 100 ? back.length : back
  })
  const returns = workflow({ name: 'returns', failOn: 'any' }, async (_ctx, length: number) => 'x'.repeat(length))
  const definitions = [sends, returns, echo]
  const small = await open({ definitions, settings: { maxPayloadBytes: 1000 } })
  const big = await open({ definitions, settings: { maxPayloadBytes: 10_000_000, maxTurnBytes: 20_000_000 } })
  const workflowId = 'w'

  expect(await small.execute(sends, { workflowId, input: 5000 })).toMatch(/5002 bytes, more than the 1000 of a payload/)
  expect(await rejection(small.execute(returns, { workflowId: 'r', input: 5000 }))).toMatchObject({
    cause: { message: expect.stringContaining('5002 bytes, more than the 1000 of a payload') },
  })
  expect(await big.execute(sends, { workflowId, input: 2_200_000 })).toBe(2_200_000)
  const handle = await big.start(returns, { workflowId: 'r', input: 2_200_000 })
  expect(await handle.result()).toHaveLength(2_200_000)
})
