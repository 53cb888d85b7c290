import { expect, test } from 'vitest'
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { FakeHost } from './fake-host.js'

const before = activity({ name: 'before' }, () => {})
const after = activity({ name: 'after' }, () => {})
const unused = {}

/** What stands before a wait, and then what comes behind it. */
function code(first: (ctx: WorkflowContext) => unknown, then: (ctx: WorkflowContext) => unknown = () => {}): Workflow {
  return workflow({ name: 'w', signals: unused }, async (ctx) => {
    await first(ctx)
    await ctx.sleep(5)
    return await then(ctx)
  })
}

const old = code((ctx) => ctx.run(before))
const patched = code((ctx) => ctx.run(ctx.patched('p') ? after : before))
const deprecating = code((ctx) => (ctx.deprecatePatch('p'), ctx.run(after)))
const without = code((ctx) => ctx.run(after))

/** Has run the activity, and sleeps. */
async function asleep(definition: Workflow): Promise<readonly HistoryEvent[]> {
  const host = await new FakeHost().start(definition).rest()
  await host.complete(1).rest()
  expect(host.problem).toBeUndefined()
  return host.history
}

async function problemOf(definition: Workflow, history: readonly HistoryEvent[]): Promise<string | undefined> {
  const host = await new FakeHost().replayOf(definition, history).rest()
  return host.problem?.failure.message
}

test('a patch is in where the code is new, and says so once', async () => {
  const answers: boolean[] = []
  const twice = code(
    (ctx) => void answers.push(ctx.patched('p'), ctx.patched('p')),
    (ctx) => void answers.push(ctx.patched('p'), ctx.patched('q')),
  )
  const host = await new FakeHost().start(twice).rest()
  await host.fire(1).rest()

  expect(answers).toEqual([true, true, true, true])
  const attributes = 'attributes TemporalChangeVersion'
  expect(host.asked).toEqual([
    'marker core_patch',
    attributes,
    'timer 1 5',
    'marker core_patch',
    attributes,
    'complete',
  ])
  const lists = host.history.flatMap((event) =>
    event.eventType === 'UpsertWorkflowSearchAttributes'
      ? [Buffer.from(event.attributes.searchAttributes['TemporalChangeVersion']!.data).toString()]
      : [],
  )
  expect(lists).toEqual(['["p"]', '["p","q"]'])
})

test('an execution from before the change goes the old way, and the new one from where it was', async () => {
  const answers: boolean[] = []
  const later = code(
    (ctx) => ctx.run(ctx.patched('p') ? after : before),
    (ctx) => void answers.push(ctx.patched('p')),
  )
  const host = await new FakeHost().replayOf(later, await asleep(old)).rest()
  expect(host.problem).toBeUndefined()

  await host.fire(2).rest()

  expect(answers).toEqual([true])
  expect(host.asked).toEqual(['marker core_patch', 'attributes TemporalChangeVersion', 'complete'])
  // And so it is when all of that is history.
  expect(await problemOf(later, host.history)).toBeUndefined()
  expect(answers).toEqual([true, true])
})

test('each step of a change fits what the step before it recorded', async () => {
  const [byPatched, byDeprecating] = await Promise.all([asleep(patched), asleep(deprecating)])

  expect(await problemOf(patched, byPatched)).toBeUndefined()
  expect(await problemOf(deprecating, byPatched)).toBeUndefined()
  expect(await problemOf(patched, byDeprecating)).toBeUndefined()
  expect(await problemOf(without, byDeprecating)).toBeUndefined()
})

test('a marker that the code does not ask for is another path, and so is one too many', async () => {
  const byPatched = await asleep(patched)

  expect(await problemOf(without, byPatched)).toBe(
    "event 5: history has the patch 'p', but the code asked for ScheduleActivityTask 'after' (id 1)",
  )
  const renamed = code((ctx) => (ctx.patched('q'), ctx.patched('p'), ctx.run(after)))
  expect(await problemOf(renamed, byPatched)).toBeUndefined()
  const elsewhere = code(async (ctx) => (await ctx.run(after), ctx.patched('p')))
  expect(await problemOf(elsewhere, byPatched)).toContain("event 5: history has the patch 'p'")
})

test('a history without the list of patches fits as well', async () => {
  const history = (await asleep(patched)).filter(({ eventType }) => eventType !== 'UpsertWorkflowSearchAttributes')

  expect(await problemOf(patched, history)).toBeUndefined()
})

test('an unknown marker fits no code', async () => {
  const history = (await asleep(patched)).map((event) =>
    event.eventType === 'MarkerRecorded'
      ? { ...event, attributes: { ...event.attributes, markerName: 'core_local_activity' } }
      : event,
  )

  expect(await problemOf(patched, history)).toContain("history has the marker 'core_local_activity'")
})

test('a list of patches that is too long is no search attribute', async () => {
  const host = await new FakeHost().start(code((ctx) => [1, 2, 3].map((n) => ctx.patched(`${n}`.repeat(900))))).rest()

  expect(host.asked.filter((line) => line.startsWith('attributes'))).toHaveLength(2)
  expect(host.asked.filter((line) => line.startsWith('marker'))).toHaveLength(3)
})

test.each(['', 7, 'x'.repeat(901), '\ud800'])('a patch cannot be called %o', async (id) => {
  const host = await new FakeHost().start(code((ctx) => ctx.patched(id as string))).rest()

  expect(host.problem?.failure.message).toContain('patched: the id of its patch')
})
