/** The workflow worker by itself: which tasks it takes, and what becomes of code whose history is not to be had. */
import { expect, test } from 'vitest'
import type { Command } from '../../src/protocol/command.js'
import { LoomError } from '../../src/base/errors.js'
import type { Failure } from '../../src/protocol/failure.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { LocalWorkflowTask } from '../../src/protocol/local-workers.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { WorkflowWorker } from '../../src/worker/workflow-worker.js'
import { DataConverter } from '../../src/workflow/data-converter.js'
import { workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { Train } from '../../src/workflow/train.js'
import { EXECUTION } from '../workflow/fake-host.js'
import { Lines } from '../loom/rig.js'

const NS = EXECUTION.namespaceId
const naps = workflow({ name: 'naps' }, async (ctx) => ctx.sleep(1000))

function started(): HistoryEvent {
  const attributes = { workflowType: 'naps', workflowId: 'w', taskQueue: 'q', input: undefined, attempt: 1 }
  return { eventId: 1, eventType: 'WorkflowExecutionStarted', eventTimeMs: 1, version: 0, attributes } as HistoryEvent
}

class Task implements LocalWorkflowTask {
  readonly execution = EXECUTION
  readonly workflowType: string = 'naps'
  readonly taskQueue = 'q'
  readonly attempt = 1
  readonly header = undefined
  readonly beginTimeMs = 1
  readonly isNew: boolean
  code: unknown = undefined
  readonly commands: Command[] = []
  abandoned = 0
  reads = 0
  /** Fails as often as that. */
  failures = 0
  error: Error = new Error('disk')
  #events: HistoryEvent[]

  constructor(isNew: boolean, workflowType = 'naps') {
    this.isNew = isNew
    this.workflowType = workflowType
    this.#events = isNew ? [started()] : []
  }

  async readHistory(): Promise<readonly HistoryEvent[]> {
    this.reads++
    if (this.failures-- > 0) throw this.error
    return [started()]
  }
  nextEvent(): HistoryEvent | undefined {
    return this.#events.shift()
  }
  nextRecorded(): HistoryEvent | undefined {
    return this.#events.shift()
  }
  complete(commands: readonly Command[]): readonly HistoryEvent[] {
    this.commands.push(...commands)
    return []
  }
  readonly failed: string[] = []
  fail(_cause: string, { message }: Failure): void {
    this.failed.push(message)
  }
  asked = 0
  askForAnother(): void {
    this.asked++
  }
  abandon(): void {
    this.abandoned++
  }
  whenDurable(fn: () => void): void {
    fn()
  }
}

function rig(
  codeCacheCount = 10,
  workflows: readonly Workflow[] = [naps],
): { worker: WorkflowWorker; clock: VirtualClock; logger: Lines } {
  const clock = new VirtualClock()
  const logger = new Lines()
  const worker = new WorkflowWorker({
    namespaceId: NS,
    converter: new DataConverter({}, 1000),
    taskQueues: new Set(['q']),
    workflows: new Map(workflows.map((one) => [one.name, one])),
    codeCacheCount,
    train: new Train({ clock }),
    clock,
    logger,
    readHistory: () => Promise.reject(new Error('no history')),
  })
  return { worker, clock, logger }
}

test('accepts what it has the code of, in its queues and namespace, until it drains', async () => {
  const { worker } = rig()

  expect(worker.accepts(NS, 'q', 'naps')).toBe(true)
  expect(worker.accepts(NS, 'q', 'other')).toBe(false)
  expect(worker.accepts(NS, 'other', 'naps')).toBe(false)
  expect(worker.accepts('other', 'q', 'naps')).toBe(false)
  await worker.drain(1000)
  expect(worker.accepts(NS, 'q', 'naps')).toBe(false)
})

test('fingerprints differ with the code, and that of a type that is not here is empty', () => {
  const other = workflow({ name: 'naps' }, async (ctx) => ctx.sleep(2000))

  expect(rig().worker.fingerprint('naps')).toBe(rig().worker.fingerprint('naps'))
  expect(rig().worker.fingerprint('naps')).not.toBe(rig(10, [other]).worker.fingerprint('naps'))
  expect(rig().worker.fingerprint('unknown')).toBe('')
})

test('a task whose code is not here goes back', () => {
  const task = new Task(true, 'unknown')

  rig().worker.wake(task)

  expect(task.abandoned).toBe(1)
})

test('a history that cannot be read is read again later; the task stays open meanwhile', async () => {
  const { worker, clock, logger } = rig()
  const task = new Task(false)
  task.failures = 2

  worker.wake(task)
  worker.wake(task)
  await clock.settle()
  expect([task.reads, task.commands]).toEqual([1, []])
  await clock.advance(1000)
  await clock.advance(2000)

  expect(task.reads).toBe(3)
  expect(task.commands).toMatchObject([{ type: 'StartTimer' }])
  expect(logger.messages).toEqual([
    'a history could not be read for its replay',
    'a history could not be read for its replay',
  ])
})

test('a history that is damaged is not read again: the task fails, and the code is gone', async () => {
  const { worker, clock } = rig()
  const task = new Task(false)
  task.failures = 1
  task.error = new LoomError('LOOM_CORRUPT', 'a row is damaged')

  worker.wake(task)
  await clock.settle()
  await clock.advance('1 h')

  expect(task).toMatchObject({ reads: 1, failed: ['a row is damaged'], commands: [] })
  await worker.drain(1000)
})

test('code that is evicted while its history is read is not tried again', async () => {
  const { worker, clock } = rig()
  const failing = new Task(false)
  failing.failures = 1
  worker.wake(failing)
  await clock.settle()

  worker.evicted(failing.code)
  worker.evicted(failing.code)
  await clock.advance(60_000)

  expect(failing.reads).toBe(1)
  expect(worker.codeCount).toBe(0)
  const reading = new Task(false)
  worker.wake(reading)
  const { code } = reading
  worker.evicted(code)
  worker.wake(reading)
  await clock.settle()
  expect(reading.commands).toEqual([])
})

test('at rest no more codes are kept than there is room for, and the execution forgets its own', async () => {
  const { worker, clock } = rig(2)
  const tasks = Array.from({ length: 5 }, () => new Task(true))

  for (const task of tasks) worker.wake(task)
  expect(worker.codeCount).toBe(5)
  await clock.settle()

  expect(worker.codeCount).toBe(2)
  expect(tasks.filter(({ code }) => code !== undefined)).toHaveLength(2)
})

test('a drain waits for open tasks, but not for ever', async () => {
  const { worker, clock } = rig()
  const stuck = new Task(false)
  stuck.failures = 1000
  const quick = new Task(true)
  worker.wake(quick)
  let isOver = false
  await rigged(
    worker.drain(50).then(() => (isOver = true)),
    clock,
  )
  expect([isOver, quick.commands.length]).toEqual([true, 1])

  const other = rig()
  other.worker.wake(stuck)
  let isOtherOver = false
  const draining = other.worker.drain(5000).then(() => (isOtherOver = true))
  await other.clock.advance(4999)
  expect(isOtherOver).toBe(false)
  await other.clock.advance(1)
  await draining
  other.worker.evicted(stuck.code)
})

test('a step of a type that is not here, or without history, has no closure', async () => {
  const { worker } = rig()
  const task = { execution: EXECUTION, activityType: 'step:a#1' }

  await expect(worker.replayedClosure({ ...task, workflowType: 'unknown' } as never)).rejects.toMatchObject({
    type: 'StepCodeGone',
  })
  await expect(worker.replayedClosure({ ...task, workflowType: 'naps' } as never)).rejects.toThrow('no history')
  expect(worker.closure(undefined, 'step:a#1')).toBeUndefined()
})

async function rigged(promise: Promise<unknown>, clock: VirtualClock): Promise<void> {
  await clock.settle()
  await promise
}
