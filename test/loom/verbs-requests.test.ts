/** The plain-data verbs are a boundary: whatever comes through `loom.service` is refused with a path, or fits into rows. */
import { expect, test } from 'vitest'
import type { Loom } from '../../src/loom.js'
import type { Failure } from '../../src/protocol/failure.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { ActivityTask, WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { encodePayloads } from '../../src/workflow/converter.js'
import { open, rejection, reopenable, rowsOf } from './rig.js'

const QUEUE = 'remote'
const CIRCLE: { cause?: unknown } & Record<string, unknown> = { type: 'none', message: 'round' }
CIRCLE.cause = CIRCLE

type Request = Record<string, unknown>

interface Scene {
  readonly loom: Loom
  readonly start: Request
  readonly target: Request
  readonly workflowAnswer: Request
  readonly activityAnswer: Request
}

/** An execution that a worker of another process runs: it holds a workflow task, and an attempt of an activity. */
async function sceneOf(loom: Loom): Promise<Scene> {
  const { service, namespaceId } = loom
  const poll = { namespaceId, taskQueue: QUEUE, identity: 'me', waitMs: 1000 }
  const start = {
    namespaceId,
    workflowId: 'w',
    workflowType: 'remote',
    taskQueue: QUEUE,
    input: undefined,
    workflowExecutionTimeoutMs: 0,
    workflowRunTimeoutMs: 0,
    workflowTaskTimeoutMs: 0,
    workflowIdReusePolicy: 'AllowDuplicate',
    identity: 'me',
    requestId: 'r',
    isFreshRequestId: false,
  } as const
  await service.startWorkflow(start)
  const first = (await service.pollWorkflowTask(poll)) as WorkflowTask
  const plain = { identity: 'me', sdk: '', returnNewWorkflowTask: true, forceCreateNewWorkflowTask: true }
  const activity = {
    type: 'ScheduleActivityTask',
    activityId: 'a',
    activityType: 'a',
    startToCloseTimeoutMs: 1e6,
  } as const
  const { newTask } = await service.respondWorkflowTaskCompleted({ token: first.token, commands: [activity], ...plain })
  const { token } = (await service.pollActivityTask(poll)) as ActivityTask
  return {
    loom,
    start: { ...start, workflowId: 'other', requestId: 'other' },
    target: { namespaceId, workflowId: 'w' },
    workflowAnswer: { ...plain, token: newTask!.token, commands: [] },
    activityAnswer: { token, identity: 'me' },
  }
}

/** `depth` causes below it. */
function deep(depth: number): Failure {
  return depth === 0 ? { type: 'none', message: '' } : { type: 'application', message: '', cause: deep(depth - 1) }
}

type Verb = keyof HistoryService
type Bad = readonly [what: string, verb: Verb, request: (scene: Scene) => unknown, path: RegExp]

const start = (what: string, wrong: Request): Bad => [
  what,
  'startWorkflow',
  (scene) => ({ ...scene.start, ...wrong }),
  new RegExp(`^request\\.${Object.keys(wrong)[0]}`),
]
const signal = (what: string, wrong: Request): Bad => [
  what,
  'signalWorkflow',
  ({ target }) => ({ ...target, signalName: 's', input: undefined, identity: '', requestId: '', ...wrong }),
  new RegExp(`^request\\.${Object.keys(wrong)[0]}`),
]
const command = (what: string, wrong: unknown): Bad => [
  `a command: ${what}`,
  'respondWorkflowTaskCompleted',
  ({ workflowAnswer }) => ({ ...workflowAnswer, commands: [wrong] }),
  /^request\.commands\[0\]/,
]
const failed = (what: string, failure: unknown): Bad => [
  `a failure: ${what}`,
  'respondActivityTaskFailed',
  ({ activityAnswer }) => ({ ...activityAnswer, failure }),
  /^request\.failure/,
]
const schedule = { type: 'ScheduleActivityTask', activityId: 'b', activityType: 'b', startToCloseTimeoutMs: 1 }
const NO_UUID = 'default'

const BAD: readonly Bad[] = [
  start('a namespace by its name', { namespaceId: NO_UUID }),
  start('a namespace in capitals', { namespaceId: '32049B68-7872-4094-8E63-D0DD59896A83' }),
  start('a workflow id that is a number', { workflowId: 5 }),
  start('an empty workflow id', { workflowId: '' }),
  start('a workflow id of 100 kB', { workflowId: 'x'.repeat(100_000) }),
  start('a workflow id of half a character', { workflowId: 'x\ud800' }),
  start('a type that is an object', { workflowType: {} }),
  start('an empty task queue', { taskQueue: '' }),
  start('input that is no list', { input: { metadata: {}, data: new Uint8Array() } }),
  start('input of texts', { input: ['x'] }),
  start('input without encoding', { input: [{ metadata: {}, data: new Uint8Array() }] }),
  start('input whose metadata are numbers', { input: [{ metadata: { encoding: 'x', n: 1 }, data: new Uint8Array() }] }),
  start('input whose data are text', { input: [{ metadata: { encoding: 'x' }, data: 'x' }] }),
  start('a time-out that is not a number', { workflowTaskTimeoutMs: Number.NaN }),
  start('a time-out that is text', { workflowRunTimeoutMs: '10 s' }),
  start('a time-out without end', { workflowExecutionTimeoutMs: Infinity }),
  start('an unknown reuse policy', { workflowIdReusePolicy: 'Never' }),
  start('an unknown conflict policy', { workflowIdConflictPolicy: 'Never' }),
  start('an identity that is an object', { identity: {} }),
  start('no request id', { requestId: '' }),
  start('a freshness that is text', { isFreshRequestId: 'yes' }),
  ['a start that is nothing', 'startWorkflow', () => null, /^request: /],
  ['a start with a field more', 'startWorkflow', ({ start }) => ({ ...start, retryPolicies: {} }), /retryPolicies/],
  start('a schedule without end', { cronSchedule: '* '.repeat(1000) }),
  start('a schedule that is none', { cronSchedule: 7 }),
  start('a start delay below 0', { workflowStartDelayMs: -1 }),
  start('a policy that is text', { retryPolicy: 'often' }),
  start('101 error types', { retryPolicy: { nonRetryableErrorTypes: Array(101).fill('T') } }),
  signal('a run id that is none', { runId: 'run-1' }),
  signal('a name that is an object', { signalName: {} }),
  signal('a request id of half a character', { requestId: '\udc00' }),
  signal('a request id of 1,001 bytes', { requestId: 'x'.repeat(1001) }),
  [
    'a reason that is an object',
    'terminateWorkflow',
    ({ target }) => ({ ...target, reason: {}, details: undefined, identity: '' }),
    /^request\.reason/,
  ],
  ['a target that is nothing', 'describeWorkflow', () => null, /^target: /],
  [
    'a target of a namespace by its name',
    'retryStalled',
    () => ({ namespaceId: NO_UUID, workflowId: 'w' }),
    /^target\./,
  ],
  ['a target without id', 'waitClosed', ({ loom }) => ({ namespaceId: loom.namespaceId }), /^target\.workflowId/],
  ['a history from nowhere', 'getHistory', ({ target }) => target, /^request\.fromEventId/],
  [
    'a poll without end',
    'pollActivityTask',
    ({ loom }) => ({ namespaceId: loom.namespaceId, taskQueue: QUEUE, identity: '', waitMs: Number.NaN }),
    /^request\.waitMs/,
  ],
  [
    'a poll with a signal that is none',
    'pollWorkflowTask',
    ({ loom }) => ({ namespaceId: loom.namespaceId, taskQueue: QUEUE, identity: '', waitMs: 1, signal: {} }),
    /^request\.signal/,
  ],
  [
    'an empty token',
    'respondActivityTaskCompleted',
    () => ({ token: {}, result: undefined, identity: '' }),
    /^request\.token\.namespaceId/,
  ],
  [
    'no commands',
    'respondWorkflowTaskCompleted',
    ({ workflowAnswer }) => ({ ...workflowAnswer, commands: null }),
    /^request\.commands/,
  ],
  command('nothing', null),
  command('of an unknown type', { type: 'Sleep' }),
  command('a timer id that is an object', { type: 'StartTimer', timerId: {}, startToFireTimeoutMs: 1 }),
  command('a timer of no number of ms', { type: 'StartTimer', timerId: 't', startToFireTimeoutMs: Number.NaN }),
  command('an activity type that is an object', { ...schedule, activityType: {} }),
  command('an activity id of half a character', { ...schedule, activityId: '\ud800' }),
  command('a task queue of 100 kB', { ...schedule, taskQueue: 'x'.repeat(100_000) }),
  command('error types that are classes', { ...schedule, retryPolicy: { nonRetryableErrorTypes: [TypeError] } }),
  command('a policy with a field more', { ...schedule, retryPolicy: { maxAttempts: 3 } }),
  command('a failure of unknown type', { type: 'FailWorkflowExecution', failure: { type: 'zzz', message: '' } }),
  failed('a message that is an object', { type: 'application', message: {} }),
  failed('a type that is an object', { type: 'application', message: '', applicationType: {} }),
  failed('a cause that is text', { type: 'application', message: '', cause: 'x' }),
  failed('100 causes', deep(100)),
  failed('a cause of itself', CIRCLE),
  [
    'an unknown cause of a failed task',
    'respondWorkflowTaskFailed',
    ({ workflowAnswer: { token } }) => ({ token, identity: '', cause: 'Bad', failure: undefined }),
    /^request\.cause/,
  ],
  [
    'details that are text',
    'respondActivityTaskCanceled',
    ({ activityAnswer }) => ({ ...activityAnswer, details: 'x' }),
    /^request\.details/,
  ],
]

test.each(BAD)('%s is refused, and nothing is written', async (_, verb, request, path) => {
  const { open: reopen, store } = reopenable()
  const loom = await reopen()
  const scene = await sceneOf(loom)
  const before = [rowsOf(store), loom.admin.stats().flushCount]

  const call = loom.service[verb].bind(loom.service) as (...args: unknown[]) => Promise<unknown>
  const error = await rejection(verb === 'getHistory' ? call(request(scene), 0, 1) : call(request(scene)))

  expect(error).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(path) })
  expect([rowsOf(store), loom.admin.stats().flushCount]).toEqual(before)
  await loom.close({ graceMs: 0 })
  await (await reopen()).close()
})

test('what is allowed comes through whole, and half characters of free text are mended', async () => {
  const loom = await open()
  const { activityAnswer, workflowAnswer, target } = await sceneOf(loom)
  const { service } = loom
  const cause = { type: 'canceled', message: 'half \ud83d', details: encodePayloads([1]) } as const

  await service.respondActivityTaskFailed({
    ...(activityAnswer as never as { token: ActivityTask['token']; identity: string }),
    failure: { type: 'application', message: 'no', nonRetryable: true, applicationType: 'T', cause },
  })
  await service.respondWorkflowTaskCompleted({
    ...(workflowAnswer as never as { token: WorkflowTask['token'] }),
    ...{ commands: [], identity: '', sdk: '', returnNewWorkflowTask: false, forceCreateNewWorkflowTask: false },
  })

  const { events } = await service.getHistory(target as never, 1, 1000)
  expect(events.find(({ eventType }) => eventType === 'ActivityTaskFailed')?.attributes).toMatchObject({
    failure: {
      message: 'no',
      applicationType: 'T',
      cause: { type: 'canceled', message: 'half \ufffd', details: [{}] },
    },
  })
})
