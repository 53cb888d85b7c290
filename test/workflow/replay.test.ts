import { expect, test } from 'vitest'
import { z } from 'zod'
import type { EventAttributes, EventType, HistoryEvent } from '../../src/protocol/event.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { FakeHost } from './fake-host.js'

const signals = { s: z.number() }
const charge = activity({ name: 'charge' }, async (amount: number) => amount)
const refund = activity({ name: 'refund' }, async (amount: number) => amount)

const original = workflow({ name: 'order', signals }, async (ctx) => {
  await ctx.run(charge, 1)
  await ctx.sleep('1 s')
  await ctx.signal('s', { timeout: '1 m' })
  return 'done'
})

/** started, task, charge | completed, task, timer | fired, task, timer | signal, task, cancel, complete */
async function recorded(code: Workflow = original): Promise<readonly HistoryEvent[]> {
  const host = await new FakeHost().start(code).rest()
  await host.complete(1, 1).rest()
  await host.fire(2).rest()
  await host.signal('s', 1).rest()
  expect(host.closing).toBeDefined()
  return host.history
}

test('a closed history is replayed without a word', async () => {
  const history = await recorded()

  const host = await new FakeHost().replayOf(original, history).rest()

  expect(host.problem).toBeUndefined()
  expect(host.commands).toEqual([])
  expect(host.quiescents).toBe(1)
})

test('what the last completed task had not seen is delivered live, then what the host has', async () => {
  const history = (await recorded()).slice(0, indexOf(await recorded(), 'TimerFired') + 1)
  const logged: boolean[] = []
  const code = workflow({ name: 'order', signals }, async (ctx) => {
    await ctx.run(charge, 1)
    ctx.log.info({}, 'charged')
    await ctx.sleep('1 s')
    ctx.log.info({}, 'slept')
    logged.push(true)
    return ctx.signal('s')
  })
  const host = new FakeHost().replayOf(code, history)
  host.signal('s', 7)

  await host.rest()

  expect(host.asked).toEqual(['complete'])
  // Silent while it replayed: `charged` was written when it happened.
  expect(host.lines.map(({ message }) => message)).toEqual(['slept'])
})

const other = workflow({ name: 'order' }, async (ctx) => {
  await ctx.run(refund, 1)
})

const MISMATCHES: Record<string, [Workflow, number, string]> = {
  'another activity': [
    other,
    5,
    "event 5: history has ActivityTaskScheduled 'charge' (id 1), but the code asked for ScheduleActivityTask 'refund' (id 1)",
  ],
  'another kind of wait': [
    workflow({ name: 'order' }, (ctx) => ctx.sleep('5 s')),
    5,
    "event 5: history has ActivityTaskScheduled 'charge' (id 1), but the code asked for StartTimer (id 1, 5000 ms)",
  ],
  'nothing where history has something': [
    workflow({ name: 'order', signals }, (ctx) => ctx.signal('s')),
    5,
    "event 5: history has ActivityTaskScheduled 'charge' (id 1), but the code asked for nothing more",
  ],
  'an early end': [
    workflow({ name: 'order' }, async () => 'at once'),
    5,
    "event 5: history has ActivityTaskScheduled 'charge' (id 1), but the code asked for CompleteWorkflowExecution",
  ],
  'something where history has nothing': [
    workflow({ name: 'order' }, (ctx) => Promise.all([ctx.run(charge, 1), ctx.run(refund, 1)])),
    6,
    "event 6: history has nothing more, but the code asked for ScheduleActivityTask 'refund' (id 2)",
  ],
  'another length of sleep': [
    workflow({ name: 'order' }, async (ctx) => {
      await ctx.run(charge, 1)
      await ctx.sleep('2 s')
    }),
    10,
    'event 10: history has TimerStarted (id 2, 1000 ms), but the code asked for StartTimer (id 2, 2000 ms)',
  ],
  'no cancel of the timer': [
    workflow({ name: 'order', signals }, async (ctx) => {
      await ctx.run(charge, 1)
      await ctx.sleep('1 s')
      await Promise.race([ctx.sleep('1 m'), ctx.signal('s')])
    }),
    20,
    'event 20: history has TimerCanceled (id 3), but the code asked for CompleteWorkflowExecution',
  ],
}

test.each(Object.entries(MISMATCHES))(
  'a mismatch is told with what was and what is: %s',
  async (_, [code, eventId, message]) => {
    const host = await new FakeHost().replayOf(code, await recorded()).rest()

    expect(host.problem).toMatchObject({ cause: 'NonDeterministicError', eventId, failure: { message } })
    expect(host.problem!.hint).toMatch(/bring back the old order of ctx calls/)
    expect(host.commands).toEqual([])
  },
)

test('a mistake or a foreign wait in the middle of a replay is told as such', async () => {
  const history = await recorded()
  const throwing = workflow({ name: 'order' }, async (ctx) => {
    await ctx.run(charge, 1)
    throw new TypeError('new mistake')
  })

  const host = await new FakeHost().replayOf(throwing, history).rest()

  expect(host.problem).toMatchObject({ cause: 'WorkflowWorkerUnhandledFailure', failure: { message: 'new mistake' } })
})

test('options of activities may change: time-outs, retries, task queue and input are not compared', async () => {
  const slower = activity({ name: 'charge', startToClose: '1 h', taskQueue: 'slow' }, async (amount: number) => amount)
  const code = workflow({ name: 'order', signals }, async (ctx) => {
    await ctx.run(slower, 99)
    await ctx.sleep(1000)
    await ctx.signal('s', { timeout: 60_000 })
  })

  const host = await new FakeHost().replayOf(code, await recorded()).rest()

  expect(host.problem).toBeUndefined()
})

test('tasks that failed or timed out left no trace in the code: their causes come with the next that completed', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const first = await ctx.signal('s')
    const second = await ctx.signal('s', { timeout: 5 })
    await ctx.sleep(first * 10 + (second ?? 0))
  })
  const history = script([
    ...started(code),
    ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(1) }],
    ['WorkflowTaskScheduled', {}],
    ['WorkflowTaskStarted', { beginTimeMs: 1 }],
    ['WorkflowTaskFailed', {}],
    ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(2) }],
    ['WorkflowTaskStarted', { beginTimeMs: 2 }],
    ['WorkflowTaskTimedOut', {}],
    ['WorkflowTaskStarted', { beginTimeMs: 3 }],
    ['WorkflowTaskCompleted', {}],
    // In one task the second message was there in time: no timer, or one that left no trace.
    ['TimerStarted', { timerId: '2', startToFireTimeoutMs: 12 }],
  ])

  const host = await new FakeHost().replayOf(code, history).rest()

  expect(host.problem).toBeUndefined()
})

test('events flushed behind the commands of a remote task belong to the next one', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    const work = ctx.run(charge, 1)
    const n = await ctx.signal('s')
    await ctx.sleep(n)
    await work
  })
  const completedBy = { result: undefined, scheduledEventId: 5 }
  const history = script([
    ...started(code),
    ['WorkflowTaskScheduled', {}],
    ['WorkflowTaskStarted', { beginTimeMs: 1 }],
    ['WorkflowTaskCompleted', {}],
    ['ActivityTaskScheduled', { activityId: '1', activityType: 'charge' }],
    ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(7) }],
    ['ActivityTaskStarted', {}],
    ['ActivityTaskCompleted', completedBy],
    ['WorkflowTaskScheduled', {}],
    ['WorkflowTaskStarted', { beginTimeMs: 2 }],
    ['WorkflowTaskCompleted', {}],
    ['TimerStarted', { timerId: '2', startToFireTimeoutMs: 7 }],
  ])

  const host = await new FakeHost().replayOf(code, history).rest()

  expect(host.problem).toBeUndefined()
})

test('what comes after the main function has settled is not looked at', async () => {
  const code = workflow({ name: 'w', signals }, (ctx) => ctx.signal('s'))
  const history = script([
    ...started(code),
    ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(1) }],
    ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(2) }],
    ['WorkflowTaskStarted', { beginTimeMs: 1 }],
    ['WorkflowTaskCompleted', {}],
    ['WorkflowExecutionCompleted', {}],
  ])

  const host = await new FakeHost().replayOf(code, history).rest()

  expect(host.problem).toBeUndefined()
})

test('a promise left alone that rejects while replaying is judged when the code is live again', async () => {
  const code = (handles: boolean): Workflow =>
    workflow({ name: 'w', signals }, async (ctx) => {
      const branch = (async () => {
        await ctx.run(charge, 1)
      })()
      if (handles) branch.catch(() => {})
      await ctx.sleep(1)
      await ctx.signal('s')
      await branch.catch(() => {})
    })
  const host = await new FakeHost().start(code(true)).rest()
  await host.fail(1, { type: 'application', message: 'no' }).fire(2).rest()

  // Handled by what is delivered live.
  const handled = new FakeHost().replayOf(code(false), host.history).signal('s', 1)
  const unhandled = new FakeHost().replayOf(code(false), host.history)
  await Promise.all([handled.rest(), unhandled.rest()])

  expect(handled.problem).toBeUndefined()
  expect(unhandled.problem!.failure).toMatchObject({ applicationType: 'UnhandledRejection' })
})

test('a long history yields to timers while it is replayed', async () => {
  const code = workflow({ name: 'w', signals }, async (ctx) => {
    for (;;) await ctx.signal('s')
  })
  const signal = ['WorkflowExecutionSignaled', { signalName: 's', input: numberPayload(1) }] as const
  const history = script([...started(code), ...Array.from({ length: 60_000 }, () => signal)])
  let turns = 0
  const interval = setInterval(() => turns++, 1)

  const host = new FakeHost().replayOf(code, history)
  await host.rest()
  clearInterval(interval)

  expect(host.problem).toBeUndefined()
  expect(turns).toBeGreaterThan(1)
})

test('closing a run in the middle of its replay stops it', async () => {
  const history = await recorded()
  const host = new FakeHost().replayOf(original, history)

  host.run.close()
  await new Promise<void>((resolve) => host.train.later(resolve))

  expect(host.quiescents).toBe(0)
})

type Line = readonly [EventType, Partial<Record<string, unknown>>]

function script(lines: readonly Line[]): HistoryEvent[] {
  return lines.map(
    ([eventType, attributes], at) =>
      ({ eventId: at + 1, eventType, eventTimeMs: 1000 + at, version: 0, attributes }) as unknown as HistoryEvent,
  )
}

function started({ name }: Workflow): Line[] {
  const attributes: Partial<EventAttributes['WorkflowExecutionStarted']> = { workflowType: name }
  return [['WorkflowExecutionStarted', attributes]]
}

function numberPayload(n: number): unknown {
  return [{ metadata: { encoding: 'json/plain' }, data: Buffer.from(String(n)) }]
}

function indexOf(history: readonly HistoryEvent[], eventType: EventType): number {
  return history.findIndex((event) => event.eventType === eventType)
}
