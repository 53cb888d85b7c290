import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkReplay } from '../../src/check/check-replay.js'
import { historyJson, type HistoryJson } from '../../src/check/history-json.js'
import type { SavedHistory } from '../../src/check/saved-history.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { eventsOf, open, rejection, until } from '../loom/rig.js'
import { definitions } from './fixtures/order-changed.js'
import { order } from './fixtures/order.js'

const TEMPORAL = JSON.parse(readFileSync('test/check/fixtures/order-temporal.json', 'utf8')) as SavedHistory

const weigh = activity({ name: 'weigh' }, () => 12)
const pack = activity({ name: 'pack' }, (_bytes: Uint8Array) => {})
const signals = { go: z.undefined() }
const parcel = workflow({ name: 'parcel', signals }, async (ctx) => {
  await ctx.run(pack, new Uint8Array([1, 2, 3]))
  const chance = ctx.random()
  await ctx.sleep(1 + Math.floor(chance * 5))
  await ctx.signal('go')
  return ctx.uuid()
})

/** A run that has ended, or waits for its signal. */
async function recorded({ ends }: { ends: boolean }): Promise<{ events: HistoryEvent[]; json: HistoryJson }> {
  const loom = await open({ definitions: [parcel, pack] })
  const handle = await loom.start(parcel, { workflowId: 'p' })
  if (ends) {
    await handle.signal('go')
    await handle.result()
  } else await until(async () => (await eventsOf(handle)).some(({ eventType }) => eventType === 'TimerFired'))
  return { events: await eventsOf(handle), json: await handle.history().toJson() }
}

async function check(definition: Workflow, ...histories: SavedHistory[]): Promise<(string | undefined)[]> {
  return (await checkReplay(definition, histories)).map(({ difference }) => difference?.text)
}

test('unchanged code fits its histories: open or closed, as they are and through JSON', async () => {
  const [open, closed] = [await recorded({ ends: false }), await recorded({ ends: true })]
  const throughText = JSON.parse(JSON.stringify(closed.json)) as HistoryJson

  expect(await check(parcel, open.events, open.json, closed.events, throughText)).toEqual(Array(4).fill(undefined))

  const [result] = await checkReplay(parcel, [throughText])
  expect(result).toMatchObject({ workflowId: 'p', runId: closed.json.events[0]!.attributes['originalExecutionRunId'] })
  expect(result!.eventCount).toBe(closed.events.length)
})

test('a history comes back from its JSON as it was', async () => {
  const { events, json } = await recorded({ ends: true })
  const payload = (json.events[4]!.attributes['input'] as { data: unknown }[])[0]!

  expect(payload).toEqual({ metadata: { encoding: 'binary/plain' }, data: 'AQID' })
  expect(historyJson(events)).toEqual(json)
})

test('the first difference is told with the events before it', async () => {
  const changed = workflow({ name: 'parcel', signals }, async (ctx) => {
    await ctx.run(weigh)
    await ctx.run(pack, new Uint8Array())
  })
  const { events } = await recorded({ ends: true })

  const [result] = await checkReplay(changed, [events])

  expect(result!.difference).toMatchObject({ eventId: 5, reason: 'NonDeterministicError' })
  expect(result!.difference!.text).toBe(
    [
      '  1  WorkflowExecutionStarted',
      '  2  WorkflowTaskScheduled',
      '  3  WorkflowTaskStarted',
      '  4  WorkflowTaskCompleted',
      "- 5  history has ActivityTaskScheduled 'pack' (id 1)",
      "+    the code asked for ScheduleActivityTask 'weigh' (id 1)",
      '',
      result!.difference!.hint,
    ].join('\n'),
  )
})

test('code that throws what is no failure does not fit', async () => {
  const broken = workflow({ name: 'parcel', signals }, async (ctx) => {
    await ctx.run(pack, new Uint8Array())
    throw new TypeError('oops')
  })
  const { events } = await recorded({ ends: false })

  const [result] = await checkReplay(broken, [events])

  expect(result!.difference).toMatchObject({ reason: 'WorkflowWorkerUnhandledFailure', message: 'oops' })
  expect(result!.difference!.text).toContain('oops')
})

test("what Temporal's command line exports is read, whoever numbered its timers", async () => {
  const changed = definitions.find(({ kind }) => kind === 'workflow') as Workflow

  expect(await check(order, TEMPORAL)).toEqual([undefined])
  const [difference] = await check(changed, TEMPORAL)

  expect(difference).toContain('- 8  history has TimerStarted (id 2, 86400000 ms)')
  expect(difference).toContain('the code asked for StartTimer (id 2, 43200000 ms)')
})

test('failures, durations and details of a Temporal history reach the code', async () => {
  const seen: unknown[] = []
  const curious = workflow({ name: 'order', input: z.object({ id: z.string() }) }, async (ctx, input) => {
    ctx.patched('offers')
    const charging = ctx.run(activity({ name: 'charge' }, () => {})).catch((error: unknown) => seen.push(error))
    await Promise.all([charging, ctx.sleep('1 day')])
    seen.push(input, ctx.info.taskQueue, ctx.now())
  })

  expect(await check(curious, TEMPORAL)).toEqual([undefined])

  expect(seen[0]).toMatchObject({ cause: { message: 'card refused', type: 'CardRefused', details: [{ code: 7 }] } })
  expect(seen.slice(1)).toEqual([{ id: '42' }, 'orders', Date.parse('2026-01-02T03:04:15.123Z')])
})

test.each([
  [7, 'neither an object'],
  [{}, "it has no 'events'"],
  [{ format: 'shardloom-history', version: 2, events: [] }, 'its version is 2; this release reads 1'],
  [{ format: 'shardloom-history', version: 1 }, 'its events are not a list'],
  [{ events: [] }, 'does not begin with WorkflowExecutionStarted'],
  [{ events: [7] }, 'an object was expected, and there is 7'],
  [{ events: [{ eventType: 'EVENT_TYPE_NEW_THING' }] }, 'event 1 is of type NewThing'],
  [{ events: [{ eventType: 'TimerFired', eventTime: 'noon' }] }, 'the time of event 1 is no time'],
  [
    {
      events: [
        {
          eventType: 'TimerStarted',
          eventTime: '2026-01-01T00:00:00Z',
          timerStartedEventAttributes: { startToFireTimeout: 'soon' },
        },
      ],
    },
    'startToFireTimeout: "soon" is no duration',
  ],
])('what is no history is refused: %j', async (saved, why) => {
  expect(await rejection(checkReplay(order, [saved as never]))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining(why) as string,
  })
})

test('a gap, another workflow and a forged definition are refused', async () => {
  const { events } = await recorded({ ends: true })

  expect((await rejection(checkReplay(parcel, [events.toSpliced(3, 1)]))).message).toContain('event 4 is missing')
  expect((await rejection(checkReplay(order, [events]))).message).toContain("of workflow 'parcel'")
  expect((await rejection(checkReplay({ name: 'parcel' } as never, [events]))).message).toContain('made by workflow()')
})
