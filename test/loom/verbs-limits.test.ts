/** What is too big is refused where it comes in, and harms nobody else: on a store whose commits are bounded. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { type ActivityFailure, ApplicationFailure } from '../../src/workflow/failures.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import type { Loom } from '../../src/loom.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { ActivityTask, WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { level } from '../../src/storage/level.js'
import { encodePayloads } from '../../src/workflow/converter.js'
import { Lines, attributesOf, open, rejection, until } from './rig.js'

const MB = 1024 * 1024
const big = (megabytes: number): string => 'x'.repeat(megabytes * MB - 100)
const signals = { go: z.string() }
const hold = workflow({ name: 'hold', signals }, async (ctx) => ctx.signal('go'))

interface Scene {
  readonly loom: Loom
  readonly lines: Lines
}

/** When the test is over, no shard may have been lost. */
async function scene(options: Partial<LoomOptions>): Promise<Scene> {
  const path = await mkdtemp(join(tmpdir(), 'shardloom-limits-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  const lines = new Lines()
  const loom = await open({ medium: level(path), shardCount: 1, logger: lines, ...options })
  onTestFinished(() => {
    expect(
      lines.messages.filter((line) => /larger than the medium|assertion failed|is opened again/.test(line)),
    ).toEqual([])
  })
  return { loom, lines }
}

test.each([
  ['a reason of 9 MB', ['x'.repeat(9 * MB)], /^reason: /],
  ['details of 9 MB', ['', ...Array.from({ length: 5 }, () => big(1.8))], /^details: /],
])('terminating with %s is refused, and neighbours go on', async (_, [reason, ...details], message) => {
  const { loom } = await scene({ definitions: [hold] })
  const handle = await loom.start(hold, { workflowId: 'w' })
  const neighbour = await loom.start(hold, { workflowId: 'n' })

  const refused = rejection(handle.terminate(reason, ...details))
  const sent = neighbour.signal('go', 'on')

  expect(await refused).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(message) })
  await sent
  expect(await neighbour.result()).toBe('on')
  await handle.terminate('enough')
})

test('signals of 5 MB, an activity that is given 2 of them and a neighbour of 2 MB are all written', async () => {
  const echo = activity({ name: 'echo' }, async (text: string) => text.length)
  const collect = workflow({ name: 'w', signals }, async (ctx) => {
    const texts: string[] = []
    for (let at = 0; at < 3; at++) texts.push(await ctx.signal('go'))
    return await ctx.run(echo, texts[0]!)
  })
  const { loom } = await scene({ definitions: [collect, echo] })
  const handle = await loom.start(collect, { workflowId: 'w' })

  await Promise.all([
    loom.start('other', { workflowId: 'o', taskQueue: 'remote', input: big(2) }),
    ...[2, 1, 2].map((megabytes) => handle.signal('go', big(megabytes))),
  ])

  expect(await handle.result()).toBe(big(2).length)
})

test.each([
  ['retried', { maximumAttempts: 2, initialInterval: 1 }, false],
  ['not retried', undefined, true],
])('eight activities that fail at once with big details, %s, all fail', async (_, retry, nonRetryable) => {
  const bad = activity({ name: 'bad', ...(retry && { retry }) }, async () => {
    throw new ApplicationFailure('no', { nonRetryable, details: [big(1.9)] })
  })
  const w = workflow({ name: 'w' }, async (ctx) => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => ctx.run(bad)))
    return outcomes.filter(({ status }) => status === 'rejected').length
  })
  const { loom } = await scene({ definitions: [w, bad] })

  expect(await loom.execute(w, { workflowId: 'w' })).toBe(8)
})

test.each([
  [
    'details of 11 MB',
    () => new ApplicationFailure('too much', { details: Array.from({ length: 6 }, () => big(1.9)) }),
  ],
  ['a type of 9 MB', () => new ApplicationFailure('too much', { type: 'T'.repeat(9 * MB) })],
  [
    'a cause with details of 11 MB',
    () =>
      new Error('too much', {
        cause: new ApplicationFailure('', { details: Array.from({ length: 6 }, () => big(1.9)) }),
      }),
  ],
])('an activity that fails with %s fails without, and is told so', async (_, failure) => {
  const bad = activity({ name: 'bad', retry: { maximumAttempts: 1 } }, async () => {
    throw failure()
  })
  const w = workflow({ name: 'w' }, async (ctx) => {
    try {
      return await ctx.run(bad)
    } catch (error) {
      return ((error as ActivityFailure).cause as Error).message.slice(0, 100)
    }
  })
  const { loom } = await scene({ definitions: [w, bad] })

  expect(await loom.execute(w, { workflowId: 'w' })).toMatch(/^too much/)
})

test.each([
  ['details of 11 MB', () => new ApplicationFailure('no', { details: Array.from({ length: 6 }, () => big(1.9)) })],
  [
    'a cause with details of 11 MB',
    () =>
      new ApplicationFailure('no', {
        cause: new ApplicationFailure('', { details: Array.from({ length: 6 }, () => big(1.9)) }),
      }),
  ],
])('a workflow that fails with %s fails without, and its neighbour goes on', async (_, failure) => {
  const bad = workflow({ name: 'bad' }, async (ctx) => {
    await ctx.sleep(1)
    throw failure()
  })
  const { loom } = await scene({ definitions: [bad, hold] })
  const neighbour = await loom.start(hold, { workflowId: 'n' })

  const handle = await loom.start(bad, { workflowId: 'w' })

  expect(await rejection(handle.result())).toMatchObject({ cause: { message: expect.stringMatching(/^no/) } })
  await neighbour.signal('go', 'on')
  expect(await neighbour.result()).toBe('on')
})

test('20,000 timers of one workflow task are too many, and it stalls', async () => {
  const many = workflow({ name: 'many' }, async (ctx) => {
    await Promise.all(Array.from({ length: 20_000 }, () => ctx.sleep(1000)))
  })
  const { loom } = await scene({ definitions: [many] })

  const handle = await loom.start(many, { workflowId: 'w' })

  await until(async () => (await handle.describe()).stalled !== undefined)
  expect(await attributesOf(handle, 'WorkflowTaskFailed')).toMatchObject([{ cause: 'PayloadsTooLarge' }])
})

test('what arrives while a remote worker holds a task is bounded: the task ends, and nothing is lost', async () => {
  const { loom } = await scene({})
  const { service, namespaceId } = loom
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  const poll = { namespaceId, taskQueue: 'q', identity: 'me', waitMs: 1000 }
  await service.pollWorkflowTask(poll)

  for (let at = 0; at < 10; at++) await handle.signal('go', big(1.9))

  expect(await attributesOf(handle, 'WorkflowExecutionSignaled')).toHaveLength(10)
  expect((await service.pollWorkflowTask(poll))!.token.workflowId).toBe('w')
})

// ---- maxPayloadBytes

const small = { settings: { maxPayloadBytes: 100 } }
const long = 'x'.repeat(5000)
const OVER_100 = /at most 100|more than the 100/
const LOOM_INVALID_ARGUMENT = { code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(OVER_100) }

test('maxPayloadBytes holds for start, signal and terminate', async () => {
  const { loom } = await scene({ ...small, definitions: [hold] })
  const handle = await loom.start(hold, { workflowId: 'w' })

  for (const call of [
    loom.start('any', { workflowId: 'v', input: long }),
    handle.signal('go', long),
    handle.terminate('', long),
    handle.terminate(long),
  ]) {
    expect(await rejection(call)).toMatchObject(LOOM_INVALID_ARGUMENT)
  }
})

test('maxPayloadBytes holds for what workflow code gives', async () => {
  const echo = activity({ name: 'echo' }, async (text: string) => text)
  const runs = workflow({ name: 'runs' }, async (ctx) => ctx.run(echo, long))
  const returns = workflow({ name: 'returns' }, async () => long)
  const { loom } = await scene({ ...small, definitions: [runs, returns, echo] })

  for (const definition of [runs, returns]) {
    const handle = await loom.start(definition, { workflowId: definition.name })
    await until(async () => (await handle.describe()).stalled !== undefined)
    expect((await handle.describe()).stalled!.message).toMatch(OVER_100)
  }
})

test('maxPayloadBytes holds for what activities give: they fail and are not tried again', async () => {
  const gives = activity({ name: 'gives' }, async () => long)
  const w = workflow({ name: 'w' }, async (ctx) => ctx.run(gives))
  const { loom } = await scene({ ...small, definitions: [w, gives] })

  const error = await rejection(loom.execute(w, { workflowId: 'w' }))

  expect(error.cause).toMatchObject({ kind: 'activity', cause: { type: 'BadResult' } })
})

const plain = { identity: 'me', sdk: '', returnNewWorkflowTask: false, forceCreateNewWorkflowTask: false }
const schedule = {
  type: 'ScheduleActivityTask',
  activityId: 'a',
  activityType: 'a',
  startToCloseTimeoutMs: 1e6,
} as const
const payloads = encodePayloads([long])

/** A task that a remote worker holds. */
async function held({ loom }: Scene, workflowId = 'w') {
  const { service, namespaceId } = loom
  const poll = { namespaceId, taskQueue: 'q', identity: 'me', waitMs: 1000 }
  const handle = await loom.start('remote', { workflowId, taskQueue: 'q' })
  const { token } = (await service.pollWorkflowTask(poll)) as WorkflowTask
  const answer = (...commands: object[]) =>
    service.respondWorkflowTaskCompleted({ ...plain, token, commands: commands as never })
  return { service, poll, handle, token, answer }
}

test.each([
  ['an input', [{ ...schedule, input: payloads }], 'BadScheduleActivityAttributes'],
  ['a result', [{ type: 'CompleteWorkflowExecution', result: payloads }], 'BadScheduleActivityAttributes'],
])('%s of a remote worker that is too big ends the execution, as in Temporal', async (_, commands, cause) => {
  const { handle, answer } = await held(await scene(small))

  expect(await rejection(answer(...commands))).toMatchObject({
    code: 'LOOM_BAD_COMMAND',
    message: expect.stringMatching(new RegExp(`^${cause}: .*at most 100`)) as string,
  })

  expect((await attributesOf(handle, 'WorkflowTaskFailed')).map((failed) => failed.cause)).toEqual([cause])
  const [terminated] = await attributesOf(handle, 'WorkflowExecutionTerminated')
  expect(terminated).toMatchObject({ identity: 'history-service', reason: expect.stringMatching(OVER_100) as string })
  expect((await handle.describe()).status).toBe('Terminated')
})

test('commands of a remote worker that are too much together end the execution', async () => {
  const { handle, answer } = await held(await scene({ settings: { maxTurnBytes: 3000 } }))
  const input = encodePayloads(['x'.repeat(1000)])

  const refused = answer(...[1, 2, 3].map((at) => ({ ...schedule, activityId: `a${at}`, input })))

  expect(await rejection(refused)).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT' })
  expect(await attributesOf(handle, 'WorkflowTaskFailed')).toMatchObject([{ cause: 'ForceCloseCommand' }])
  const [terminated] = await attributesOf(handle, 'WorkflowExecutionTerminated')
  expect(terminated!.reason).toBe('the commands of one workflow task: 3006 bytes; at most 3000 are allowed')
})

test('what is too big in an answer that comes too late, or to a later attempt, does no harm', async () => {
  const { service, poll, handle, token, answer } = await held(await scene(small))
  const tooBig = { ...schedule, input: payloads }
  await service.respondWorkflowTaskFailed({
    token,
    cause: 'WorkflowWorkerUnhandledFailure',
    failure: { type: 'application', message: long },
    identity: '',
  })

  expect(await rejection(answer(tooBig))).toMatchObject({ code: 'LOOM_NOT_FOUND' })
  const next = ((await service.pollWorkflowTask(poll)) as WorkflowTask).token
  const commands = [tooBig]
  const refused = service.respondWorkflowTaskCompleted({ ...plain, token: next, commands })
  expect(await rejection(refused)).toMatchObject({ code: 'LOOM_BAD_COMMAND' })
  await service.respondWorkflowTaskCompleted({ ...plain, token: next, commands: [schedule] })
  expect((await handle.describe()).status).toBe('Running')
})

test('an attempt whose remote worker gives too much has failed, and is not tried again', async () => {
  const loom = await scene(small)
  const outcomes: unknown[] = []
  for (const [at, end] of [
    (service: HistoryService, token: ActivityTask['token']) =>
      service.respondActivityTaskCompleted({ token, result: payloads, identity: '' }),
    (service: HistoryService, token: ActivityTask['token']) =>
      service.recordActivityTaskHeartbeat({ token, details: payloads, identity: '' }),
    (service: HistoryService, { namespaceId, workflowId }: ActivityTask['token']) =>
      service.respondActivityTaskCompletedById({
        namespaceId,
        workflowId,
        activityId: 'a',
        result: payloads,
        identity: '',
      }),
  ].entries()) {
    const { service, poll, handle, answer } = await held(loom, `w${at}`)
    await answer(schedule)
    const { token } = (await service.pollActivityTask(poll)) as ActivityTask
    outcomes.push(await end(service, token))
    expect(await attributesOf(handle, 'ActivityTaskFailed')).toMatchObject([
      { retryState: 'NonRetryableFailure', failure: { applicationType: 'PayloadsTooLarge', nonRetryable: true } },
    ])
    await handle.terminate()
  }
  expect(outcomes).toEqual([undefined, { cancelRequested: true }, undefined])
})

test('a failure and details of a remote worker that are too big are cut', async () => {
  const loom = await scene(small)
  const failure = { type: 'application', message: 'no', details: payloads, nonRetryable: true } as const
  const { service, poll, handle, answer } = await held(loom)
  await answer(schedule, { ...schedule, activityId: 'b' }, { ...schedule, activityId: 'c' })
  const tokens = [0, 1, 2].map(async () => ((await service.pollActivityTask(poll)) as ActivityTask).token)
  const [a, b, c] = await Promise.all(tokens)

  await service.respondActivityTaskFailed({ token: a!, failure, identity: '' })
  await service.respondActivityTaskFailed({
    token: b!,
    failure: undefined,
    lastHeartbeatDetails: payloads,
    identity: '',
  })
  const canceled = service.respondActivityTaskCanceled({ token: c!, details: payloads, identity: '' })
  expect(await rejection(canceled)).toMatchObject({
    message: expect.stringMatching(/without activity being request/) as string,
  })

  const failed = await attributesOf(handle, 'ActivityTaskFailed')
  expect(failed).toMatchObject([
    { failure: { message: expect.stringMatching(/^no \(details and causes are left/) as string } },
  ])
  const { pendingActivities } = await handle.describe()
  expect(pendingActivities.map(({ activityId, attempt }) => [activityId, attempt])).toEqual([
    ['b', 2],
    ['c', 1],
  ])
})

test('a setting above what the medium takes is cut to it', async () => {
  const { loom } = await scene({ definitions: [hold], settings: { maxTurnBytes: 1e9 } })
  const handle = await loom.start(hold, { workflowId: 'w' })

  expect(await rejection(handle.terminate('', ...Array.from({ length: 5 }, () => big(1.8))))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
  })
})
