/** What grows without end is ended, with the reason, by the limits of the settings; nobody else is harmed. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Loom } from '../../src/loom.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import type { ActivityTask, WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { encodePayloads } from '../../src/workflow/converter.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { Lines, attributesOf, eventsOf, open, rejection, reopenable, typesOf, until } from './rig.js'

const work = activity({ name: 'work' }, async (at: number) => at)
const runaway = workflow({ name: 'runaway' }, async (ctx) => {
  for (let at = 0; ; at++) await ctx.run(work, at)
})
const signals = { go: z.string() }
const listens = workflow({ name: 'listens', signals }, async (ctx) => {
  const heard: string[] = []
  ctx.onSignal('go', (text) => void heard.push(text))
  await ctx.condition(() => heard.includes('enough'))
  return heard.length
})
const definitions = [work, runaway, listens]

async function reasonOf(handle: WorkflowHandle): Promise<string> {
  const [terminated] = await attributesOf(handle, 'WorkflowExecutionTerminated')
  expect(terminated!.identity).toBe('history-service')
  return terminated!.reason
}

test('an endless loop of activities is terminated by its number of events, and its neighbour goes on', async () => {
  const lines = new Lines()
  const settings = { warnHistoryEvents: 50, maxHistoryEvents: 200 }
  const loom = await open({ definitions, settings, shardCount: 1, logger: lines })
  const neighbour = await loom.start(listens, { workflowId: 'n' })

  const handle = await loom.start(runaway, { workflowId: 'w' })

  expect(await rejection(handle.result())).toMatchObject({
    name: 'WorkflowFailedError',
    cause: {
      kind: 'terminated',
      message: expect.stringMatching(/history count exceeds its limit: 20\d events/) as string,
    },
  })
  expect(await reasonOf(handle)).toMatch(/^history count exceeds its limit: 20\d events, maxHistoryEvents is 200$/)
  const { status, historyLength, pendingActivities } = await handle.describe()
  expect({ status, pendingActivities }).toEqual({ status: 'Terminated', pendingActivities: [] })
  expect(historyLength).toBeLessThan(210)
  expect((await eventsOf(handle)).map(({ eventId }) => eventId)).toEqual(
    Array.from({ length: historyLength }, (_, at) => at + 1),
  )
  await neighbour.signal('go', 'enough')
  expect(await neighbour.result()).toBe(1)
  const about = { workflowId: 'w', runId: handle.runId }
  const said = lines.all.filter(({ fields }) => fields['workflowId'] === 'w')
  expect(said).toMatchObject([
    { level: 'warn', fields: about, message: 'the history of a run has many events: continue as new' },
    {
      level: 'error',
      fields: about,
      message: expect.stringMatching(/^an execution is terminated: history count/) as string,
    },
  ])
  // The id is free again.
  await loom.start(listens, { workflowId: 'w' })
})

test('so it is by the size of its history', async () => {
  const lines = new Lines()
  const settings = { warnHistoryBytes: 5000, maxHistoryBytes: 20_000 }
  const loom = await open({ definitions, settings, logger: lines })
  const handle = await loom.start(runaway, { workflowId: 'w' })

  await rejection(handle.result())

  expect(await reasonOf(handle)).toMatch(/^history size exceeds its limit: 20\d\d\d bytes, maxHistoryBytes is 20000$/)
  expect((await handle.describe()).historySizeBytes).toBeLessThan(22_000)
  expect(lines.messages.filter((line) => /continue as new, or pass references/.test(line))).toHaveLength(1)
})

test('a run that is read back between is ended at the same event', async () => {
  const settings = { maxHistoryEvents: 100, warnHistoryEvents: 20 }
  const ends = workflow({ name: 'ends', signals }, async (ctx) => {
    for (;;) await ctx.signal('go')
  })
  const lines = new Lines()
  const lengths: number[] = []
  for (const reopensEach of [1000, 7, 1]) {
    const store = reopenable()
    let loom = await store.open({ definitions: [ends], settings, logger: lines })
    await loom.start(ends, { workflowId: 'w' })
    for (let sent = 0; (await loom.handle('w').describe()).status === 'Running'; sent++) {
      await loom.handle('w').signal('go', 'x')
      if (sent % reopensEach !== reopensEach - 1) continue
      await loom.close()
      loom = await store.open({ definitions: [ends], settings, logger: lines })
    }
    lengths.push((await loom.handle('w').describe()).historyLength)
  }

  expect(lengths).toEqual([lengths[0], lengths[0], lengths[0]])
  expect(lines.messages.filter((line) => /many events/.test(line))).toHaveLength(3)
})

test('what a remote worker holds is taken from it', async () => {
  const loom = await open({ settings: { maxHistoryEvents: 20, maxBufferedEvents: 10_000 } })
  const { service, namespaceId } = loom
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  for (let at = 0; at < 15; at++) await handle.signal('go')
  const poll = { namespaceId, taskQueue: 'q', identity: 'me', waitMs: 1000 }
  const { token } = (await service.pollWorkflowTask(poll)) as WorkflowTask
  for (let at = 0; at < 10; at++) await handle.signal('go')
  expect(await typesOf(handle)).toHaveLength(18)

  await service.respondWorkflowTaskFailed({ token, cause: 'ForceCloseCommand', failure: undefined, identity: 'me' })

  expect((await typesOf(handle)).slice(18)).toEqual([
    'WorkflowTaskFailed',
    ...Array.from({ length: 10 }, () => 'WorkflowExecutionSignaled'),
    'WorkflowTaskScheduled',
    'WorkflowExecutionTerminated',
  ])
  const answer = { token, commands: [], identity: 'me', sdk: '', returnNewWorkflowTask: false }
  const late = service.respondWorkflowTaskCompleted({ ...answer, forceCreateNewWorkflowTask: false })
  expect(await rejection(late)).toMatchObject({ code: 'LOOM_NOT_FOUND' })
})

test('an execution that holds too much beside its history is terminated', async () => {
  const lines = new Lines()
  const loom = await open({ settings: { warnStateBytes: 1000, maxStateBytes: 5000 }, logger: lines })
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  const tasks = await manyTaken(loom, 4)
  const beat = (at: number, bytes: number): Promise<unknown> =>
    loom.service.recordActivityTaskHeartbeat({
      token: tasks[at]!.token,
      details: encodePayloads(['x'.repeat(bytes)]),
      identity: 'me',
    })

  for (const at of [0, 1, 2]) await beat(at, 1000)
  // Others replace those before.
  for (let again = 0; again < 10; again++) await beat(0, 900)
  expect((await handle.describe()).status).toBe('Running')
  await beat(3, 1500)

  expect((await handle.describe()).status).toBe('Terminated')
  expect(await reasonOf(handle)).toMatch(/^state size exceeds its limit: \d+ bytes, maxStateBytes is 5000$/)
  expect(lines.messages.filter((line) => line === 'an execution has much pending at a time')).toHaveLength(1)
})

async function manyTaken({ service, namespaceId }: Loom, count: number): Promise<ActivityTask[]> {
  const poll = { namespaceId, taskQueue: 'q', identity: 'me', waitMs: 1000 }
  const { token } = (await service.pollWorkflowTask(poll)) as WorkflowTask
  const commands = Array.from({ length: count }, (_, at) => {
    return {
      type: 'ScheduleActivityTask',
      activityId: `a${at}`,
      activityType: 'a',
      startToCloseTimeoutMs: 1e6,
    } as const
  })
  const answer = { token, commands, identity: 'me', sdk: '', returnNewWorkflowTask: false }
  await service.respondWorkflowTaskCompleted({ ...answer, forceCreateNewWorkflowTask: false })
  const tasks: ActivityTask[] = []
  while (tasks.length < count) tasks.push((await service.pollActivityTask(poll)) as ActivityTask)
  return tasks
}

// ---- signals

test('a run takes so many signals; it can be terminated, and looked at, all the same', async () => {
  const loom = await open({ settings: { maxSignalsPerExecution: 5 } })
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  for (let at = 0; at < 5; at++) await handle.signal('go', undefined, { requestId: `r${at}` })

  expect(await rejection(handle.signal('go'))).toMatchObject({ code: 'LOOM_LIMIT_EXCEEDED', retryable: false })
  await handle.signal('go', undefined, { requestId: 'r0' })
  const again = loom.signalWithStart('remote', { workflowId: 'w', taskQueue: 'q', signal: 'go' })
  expect(await rejection(again)).toMatchObject({ code: 'LOOM_LIMIT_EXCEEDED' })
  expect((await handle.describe()).historyLength).toBe(7)
  await handle.terminate('enough')
  expect((await handle.describe()).status).toBe('Terminated')
})

test('a flood of signals is refused beyond what a run takes, and everything that was accepted is recorded', async () => {
  const settings = { maxSignalsPerExecution: 2000, maxWaitingSignals: 2000 }
  const loom = await open({ definitions, settings, shardCount: 1 })
  const handle = await loom.start(listens, { workflowId: 'w' })
  const neighbour = await loom.start(listens, { workflowId: 'n' })

  const flood = Array.from({ length: 20_000 }, () => handle.signal('go', 'x').then(() => 'sent', codeOf))
  await neighbour.signal('go', 'enough')
  expect(await neighbour.result()).toBe(1)
  const outcomes = await Promise.all(flood)

  const counts = new Map<unknown, number>()
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  expect(counts.get('sent')).toBe(2000)
  counts.delete('sent')
  expect([...counts.keys()].sort()).toEqual(['LOOM_EXHAUSTED', 'LOOM_LIMIT_EXCEEDED'])
  expect(await attributesOf(handle, 'WorkflowExecutionSignaled')).toHaveLength(2000)
  expect(await handle.signal('go', 'x').catch(codeOf)).toBe('LOOM_LIMIT_EXCEEDED')
})

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code ?? error
}

// ---- warnings

test('a big payload is worth one line an execution, and many executions are not many lines', async () => {
  const lines = new Lines()
  const settings = { warnPayloadBytes: 1000, maxLimitWarningsPerMinute: 3 }
  const loom = await open({ settings, logger: lines })
  const start = (workflowId: string) => loom.start('remote', { workflowId, taskQueue: 'q', input: 'x'.repeat(2000) })

  const handle = await start('w0')
  for (let at = 0; at < 3; at++) await handle.signal('go', 'x'.repeat(3000))
  for (let at = 1; at < 10; at++) await start(`w${at}`)

  const big = () => lines.all.filter(({ message }) => message.startsWith('big payloads'))
  await until(() => big().length >= 3)
  expect(big().map(({ fields, message }) => [fields['workflowId'], fields['payloadBytes'], message])).toEqual(
    ['w0', 'w1', 'w2'].map((workflowId) => [workflowId, 2002, 'big payloads: pass references instead of data']),
  )
})
