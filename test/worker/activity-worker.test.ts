/** The activity worker by itself: slots, attempts, their ends, and a drain. */
import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/log.js'
import type { ActivityOutcome, LocalActivityTask } from '../../src/protocol/local-workers.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { ActivityWorker, type StepSource } from '../../src/worker/activity-worker.js'
import type { ActivityContext } from '../../src/workflow/activity-context.js'
import { BUILT_IN, DataConverter } from '../../src/workflow/data-converter.js'
import { activity } from '../../src/workflow/define.js'
import type { Activity } from '../../src/workflow/definition.js'
import { CancelledFailure } from '../../src/workflow/failures.js'
import { encodeChecked } from '../../src/workflow/schema.js'

const NS = '32049b68-7872-4094-8e63-d0dd59896a83'
const RUN = '01890000-0000-7000-8000-00000000000'

const noSteps: StepSource = {
  closure: () => undefined,
  replayedClosure: () => Promise.reject(new Error('no steps here')),
}

interface Rig {
  readonly worker: ActivityWorker
  readonly clock: VirtualClock
  readonly outcomes: ActivityOutcome[]
  /** Reserves and runs. */
  run(
    activityType: string,
    task?: Partial<LocalActivityTask> & { run?: number; scheduledEventId?: number },
  ): LocalActivityTask
}

function rig(activities: readonly Activity[], slots = 10, steps: StepSource = noSteps): Rig {
  const clock = new VirtualClock()
  const worker = new ActivityWorker({
    namespaceId: NS,
    converter: new DataConverter({}, 1000),
    taskQueues: new Map([['q', slots]]),
    activities: new Map(activities.map((one) => [one.name, one])),
    hasWorkflows: true,
    steps,
    clock,
    logger: silentLogger,
    heartbeatSink: async () => ({ cancelRequested: false }),
  })
  const outcomes: ActivityOutcome[] = []
  return {
    worker,
    clock,
    outcomes,
    run(activityType, { run = 1, scheduledEventId = 5, ...fields } = {}) {
      const ref = { namespaceId: NS, workflowId: 'w', runId: `${RUN}${run}` }
      const task: LocalActivityTask = {
        token: { ...ref, scheduledEventId, attempt: 1, stamp: 0, version: 0 },
        execution: ref,
        workflowType: 'wf',
        activityId: '1',
        activityType,
        attempt: 1,
        input: undefined,
        scheduledAtMs: 1,
        startedAtMs: 2,
        startToCloseTimeoutMs: 3,
        scheduleToCloseTimeoutMs: 4,
        heartbeatTimeoutMs: 0,
        heartbeatDetails: undefined,
        taskQueue: 'q',
        lastFailure: undefined,
        code: undefined,
        ...fields,
      }
      expect(worker.reserve(NS, 'q', activityType)).toBe(true)
      worker.run(task, (outcome) => outcomes.push(outcome))
      return task
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Waits for its signal, and rejects with what `says` makes of the reason. */
function waiting(says: (reason: unknown) => unknown): Activity {
  return activity({ name: 'waiting' }, (_: unknown, { signal }) => {
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(says(signal.reason)))
    })
  })
}

test('a slot is taken for what is known here, in a queue of here, and while one is free', () => {
  const { worker } = rig([activity({ name: 'a' }, () => 1)], 2)

  expect(worker.reserve(NS, 'q', 'unknown')).toBe(false)
  expect(worker.reserve(NS, 'elsewhere', 'a')).toBe(false)
  expect(worker.reserve('another namespace', 'q', 'a')).toBe(false)
  expect(worker.reserve(NS, 'q', 'step:any#1')).toBe(true)
  expect(worker.reserve(NS, 'q', 'a')).toBe(true)
  expect(worker.reserve(NS, 'q', 'a')).toBe(false)
  worker.release(NS, 'q', 'a')
  expect(worker.reserve(NS, 'q', 'a')).toBe(true)
})

test('the slot is free when the outcome is told', async () => {
  const { worker, run } = rig([activity({ name: 'a' }, () => 1)], 1)
  let wasFree: boolean | undefined
  expect(worker.reserve(NS, 'q', 'a')).toBe(true)
  worker.release(NS, 'q', 'a')
  const { token, ...task } = run('a')
  await turn()

  expect(worker.reserve(NS, 'q', 'a')).toBe(true)
  worker.run({ ...task, token }, () => (wasFree = worker.reserve(NS, 'q', 'a')))
  await turn()

  expect(wasFree).toBe(true)
})

test('nothing is told within the call that starts an attempt, be its function synchronous or not', async () => {
  const { outcomes, run } = rig([
    activity({ name: 'value' }, () => 7),
    activity({ name: 'throws' }, () => {
      throw new Error('at once')
    }),
    activity({ name: 'thenable' }, () => ({ then: (resolve: (value: number) => void) => resolve(8) })),
  ])

  run('value')
  run('thenable')
  expect(outcomes).toEqual([])
  await turn()
  run('throws')
  await turn()

  expect(outcomes).toMatchObject([
    { type: 'completed', result: encodeChecked(undefined, 7, '', BUILT_IN) },
    { type: 'completed', result: encodeChecked(undefined, 8, '', BUILT_IN) },
    { type: 'failed', failure: { type: 'application', message: 'at once' } },
  ])
})

test('the context says what it should, and makes the signal when it is asked for', async () => {
  let context: ActivityContext | undefined
  const { run } = rig([activity({ name: 'a' }, (_: unknown, given) => (context = given) && 1)])

  run('a', { lastFailure: { type: 'application', message: 'before', applicationType: 'T' } })
  await turn()

  expect(context!.info).toEqual({
    workflowId: 'w',
    runId: `${RUN}1`,
    workflowType: 'wf',
    activityId: '1',
    activityType: 'a',
    scheduledAtMs: 1,
    startedAtMs: 2,
    startToCloseTimeoutMs: 3,
    scheduleToCloseTimeoutMs: 4,
    heartbeatTimeoutMs: 0,
  })
  expect(context).toMatchObject({
    attempt: 1,
    idempotencyKey: `${RUN}1/1`,
    lastFailure: { message: 'before', type: 'T' },
  })
  expect(context!.signal).toBe(context!.signal)
  expect(context!.signal.aborted).toBe(false)
})

test.each([
  ['its reason', (reason: unknown) => reason, []],
  ['an AbortError', () => new DOMException('aborted', 'AbortError'), []],
  ['a cancellation with details', () => new CancelledFailure('c', ['half']), ['half']],
  ['a cancellation with details that cannot be told', () => new CancelledFailure('c', [() => 1]), []],
])('a cancelled attempt that rejects with %s is cancelled', async (_, says, details) => {
  const { worker, outcomes, run } = rig([waiting(says)])
  const { token } = run('waiting')

  worker.cancel({ ...token, stamp: 9 }, 'canceled')
  worker.cancel(token, 'canceled')
  await turn()

  const encoded =
    details.length === 0 ? undefined : details.map((one) => encodeChecked(undefined, one, '', BUILT_IN)![0])
  expect(outcomes).toEqual([{ type: 'canceled', details: encoded }])
})

test('a cancelled attempt that completes, or fails with something else, has done so', async () => {
  const completes = activity({ name: 'completes' }, (_: unknown, { signal }) => {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('anyway')))
  })
  const { worker, outcomes, run } = rig([waiting(() => new Error('other')), completes])
  worker.cancel(run('waiting').token, 'canceled')
  worker.cancel(run('completes').token, 'canceled')
  await turn()

  expect(outcomes).toMatchObject([
    { type: 'failed', failure: { message: 'other' } },
    { type: 'completed', result: encodeChecked(undefined, 'anyway', '', BUILT_IN) },
  ])
})

test('an attempt that is cancelled before it asked for its signal finds it aborted', async () => {
  let go!: () => void
  const begun = new Promise<void>((resolve) => (go = resolve))
  const later = activity({ name: 'later' }, async (_: unknown, context) => {
    await begun
    context.signal.throwIfAborted()
  })
  const { worker, outcomes, run } = rig([later])
  const { token } = run('later')

  worker.cancel(token, 'closed')
  go()
  await turn()

  expect(outcomes).toMatchObject([
    { type: 'failed', failure: { applicationType: 'CancelledFailure', cause: { type: 'canceled' } } },
  ])
})

test('of several attempts of one run, and of several runs, the one that is named is told', async () => {
  const reasons: unknown[] = []
  const { worker, run } = rig([
    activity({ name: 'waiting' }, (_: unknown, { signal, info }) => {
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(reasons.push(info.activityId)))
      })
    }),
  ])
  const tasks = [1, 2, 3].map((n) => run('waiting', { activityId: `${n}`, scheduledEventId: n }))
  run('waiting', { run: 2, scheduledEventId: 2, activityId: 'other run' })

  worker.cancel(tasks[1]!.token, 'timedOut')
  worker.cancel({ ...tasks[0]!.token, attempt: 2 }, 'timedOut')
  await turn()
  expect(reasons).toEqual(['2'])
  worker.cancel(tasks[2]!.token, 'timedOut')
  worker.cancel(tasks[0]!.token, 'timedOut')
  await turn()

  expect(reasons).toEqual(['2', '3', '1'])
  expect(worker.runningCount).toBe(1)
})

test('a step runs its closure, replayed if need be; one that is not to be had fails', async () => {
  const { outcomes, run } = rig([], 10, {
    closure: (code, type) => (code === 'sticky' ? () => `${type} live` : undefined),
    replayedClosure: ({ activityType }) =>
      activityType === 'step:gone#1'
        ? Promise.reject(new Error('gone'))
        : Promise.resolve(() => {
            throw new Error(`${activityType} replayed`)
          }),
  })

  run('step:a#1', { code: 'sticky' })
  run('step:b#1')
  run('step:gone#1')
  await turn()

  expect(outcomes).toMatchObject([
    { type: 'completed', result: encodeChecked(undefined, 'step:a#1 live', '', BUILT_IN) },
    { type: 'failed', failure: { message: 'step:b#1 replayed' } },
    { type: 'failed', failure: { message: 'gone' } },
  ])
})

test('an error that hides from being looked at is told as that', async () => {
  const hides = activity({ name: 'hides' }, () => {
    throw new Proxy(new Error('x'), {
      get: () => {
        throw new Error('look away')
      },
    })
  })
  const { worker, outcomes, run } = rig([hides])

  run('hides')
  await turn()

  expect(outcomes).toMatchObject([{ type: 'failed', failure: { type: 'application' } }])
  expect(worker.runningCount).toBe(0)
})

test('a drain with nothing to wait for is over at once, and takes nothing more', async () => {
  const { worker } = rig([activity({ name: 'a' }, () => 1)])

  await worker.drain(1000)

  expect(worker.reserve(NS, 'q', 'a')).toBe(false)
})

test('a drain waits for attempts that are on their way to be durable, and for those that run', async () => {
  const { worker, outcomes, run } = rig([activity({ name: 'a' }, () => 1)])
  let isOver = false
  expect(worker.reserve(NS, 'q', 'a')).toBe(true)
  const task = run('a')
  await turn()
  const draining = worker.drain(1000).then(() => (isOver = true))
  await turn()
  expect(isOver).toBe(false)

  worker.run(task, (outcome) => outcomes.push(outcome))
  await draining

  expect(outcomes).toHaveLength(2)
})

test('after the grace signals are aborted: what stops for that is not told, what ends otherwise is', async () => {
  const finishes = activity({ name: 'finishes' }, (_: unknown, { signal }) => {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('half')))
  })
  const { worker, clock, outcomes, run } = rig([waiting((reason) => reason), finishes])
  run('waiting')
  run('finishes')
  const draining = worker.drain(1000)

  await clock.advance(999)
  expect(worker.runningCount).toBe(2)
  await clock.advance(1)
  await draining

  expect(outcomes).toEqual([{ type: 'completed', result: encodeChecked(undefined, 'half', '', BUILT_IN) }])
})

test('what ignores its signal is left behind, and nobody is told when it ends after all', async () => {
  let end!: () => void
  const deaf = activity({ name: 'deaf' }, () => new Promise<void>((resolve) => (end = resolve)))
  const { worker, clock, outcomes, run } = rig([deaf])
  const task = run('deaf')
  let isOver = false
  const draining = worker.drain(0).then(() => (isOver = true))

  await clock.advance(499)
  expect(isOver).toBe(false)
  await clock.advance(1)
  await draining
  end()
  await turn()
  worker.run(task, (outcome) => outcomes.push(outcome))
  await turn()

  expect(outcomes).toEqual([])
})
