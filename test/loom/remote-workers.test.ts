/** Workers that poll: queries that come to them, and task queues of their own for executions that they have in memory. */
import { expect, test } from 'vitest'
import type { Loom } from '../../src/loom.js'
import type { WorkflowTask } from '../../src/protocol/worker-tasks.js'
import { decodePayload, encodePayloads } from '../../src/workflow/converter.js'
import { eventsOf, open, rejection, reopenable, until } from './rig.js'

const PLAIN = { identity: 'me', sdk: '', returnNewWorkflowTask: false, forceCreateNewWorkflowTask: false }
const COMPLETE = { type: 'CompleteWorkflowExecution', result: undefined } as const
const STICKY = { workerTaskQueue: 'mine', scheduleToStartTimeoutMs: 5_000 }

function workerOf(loom: Loom) {
  const { service, namespaceId } = loom
  return {
    poll: async (taskQueue = 'q', waitMs = 1000) =>
      (await service.pollWorkflowTask({ namespaceId, taskQueue, identity: 'me', waitMs })) as WorkflowTask,
    complete: async ({ token }: WorkflowTask, more: object = {}) =>
      await service.respondWorkflowTaskCompleted({ ...PLAIN, token, commands: [], ...more }),
  }
}

async function started(settings: object = {}) {
  const loom = await open({ settings })
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  return { loom, handle, ...workerOf(loom) }
}

/** The code says how often it was asked. */
function answering(n: number) {
  return { resultType: 'answered', answer: encodePayloads([n]) } as const
}

test('a query of an idle execution, and of a closed one, comes to a poll by itself', async () => {
  const { loom, handle, poll, complete } = await started()
  await complete(await poll())
  for (const n of [1, 2]) {
    if (n === 2) {
      await handle.signal('s')
      await complete(await poll(), { commands: [COMPLETE] })
    }
    const asked = handle.query('count', { argument: n })
    const task = await poll()
    const { eventId } = task.history.at(-1)!
    expect(task).toMatchObject({ workflowType: 'remote', startedEventId: 0, query: { queryType: 'count' } })
    expect(decodePayload(task.query!.queryArgs![0]!, 'argument')).toBe(n)
    await loom.service.respondQueryTaskCompleted({ token: task.query!.token, identity: 'me', ...answering(n) })
    expect(await asked).toBe(n)
    expect((await eventsOf(handle)).length).toBe(eventId)
    const late = { token: task.query!.token, identity: 'me', ...answering(n) }
    expect(await rejection(loom.service.respondQueryTaskCompleted(late))).toMatchObject({ code: 'LOOM_NOT_FOUND' })
    expect(await rejection(complete(task))).toMatchObject({ code: 'LOOM_NOT_FOUND' })
  }
})

test('queries ride on a workflow task that is pending; what it leaves without an answer is asked by itself', async () => {
  const { loom, handle, poll, complete } = await started()
  const asked = [handle.query('a'), handle.query('b'), handle.query('c')]
  // One after the other, as the calls came.
  await until(() => loom.admin.stats().executionCount === 1)
  const task = await poll()
  const ids = Object.keys(task.queries ?? {})
  expect(Object.values(task.queries ?? {}).map(({ queryType }) => queryType)).toEqual(['a', 'b', 'c'])
  const failed = { resultType: 'failed', errorMessage: 'not today' }
  await complete(task, { queryResults: { [ids[0]!]: answering(7), [ids[1]!]: failed, nobodys: answering(1) } })

  expect(await asked[0]).toBe(7)
  expect(await rejection(asked[1]!)).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining('not today') as string,
  })
  const alone = await poll()
  expect(alone.query).toMatchObject({ queryType: 'c' })
  await loom.service.respondQueryTaskCompleted({ token: alone.query!.token, identity: 'me', ...answering(8) })
  expect(await asked[2]).toBe(8)
})

test('a query that rides on a task whose execution is ended from outside is asked by itself', async () => {
  const { handle, loom, poll } = await started()
  await poll()
  const asked = handle.query('a')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await handle.terminate('enough')

  const task = await poll()
  await loom.service.respondQueryTaskCompleted({ token: task.query!.token, identity: 'me', ...answering(3) })
  expect(await asked).toBe(3)
})

test('a query that nobody can answer is refused: at once where nobody polls, else when its time is up', async () => {
  const { handle, poll, complete } = await started({ queryTimeoutMs: 50, maxPendingQueries: 1 })
  const riding = handle.query('a')
  expect(await rejection(handle.query('b'))).toMatchObject({ code: 'LOOM_EXHAUSTED' })
  expect(await rejection(riding)).toMatchObject({ code: 'LOOM_DEADLINE' })
  await complete(await poll())
  expect(await rejection(handle.query('a'))).toMatchObject({ code: 'LOOM_DEADLINE' })

  const { open: reopen } = reopenable()
  const loom = await reopen()
  const other = await loom.start('remote', { workflowId: 'o', taskQueue: 'q' })
  await other.terminate()
  expect(await rejection(other.query('a'))).toMatchObject({ code: 'LOOM_UNAVAILABLE' })
  await loom.close()
})

test('a loom that closes leaves no query waiting', async () => {
  const { open: reopen } = reopenable()
  const loom = await reopen()
  const handle = await loom.start('remote', { workflowId: 'w', taskQueue: 'q' })
  const asked = rejection(handle.query('a'))
  await loom.close()

  expect(await asked).toMatchObject({ code: 'LOOM_CLOSED' })
})

test('a worker is given at its sticky queue what has happened since its last task', async () => {
  const { handle, poll, complete } = await started()
  const first = await poll()
  await poll('mine', 0)
  await complete(first, { stickyAttributes: STICKY })
  await handle.signal('s')

  const second = await poll('mine')
  expect(second.history.map(({ eventType }) => eventType)).toEqual([
    'WorkflowTaskCompleted',
    'WorkflowExecutionSignaled',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
  ])
  expect(second.history[0]!.eventId).toBe(second.previousStartedEventId + 1)
  await complete(second, { commands: [COMPLETE] })
  expect(await handle.result()).toBeUndefined()
})

test('what a sticky queue does not take in time goes to the normal one, also when the store was opened again', async () => {
  const { open: reopen } = reopenable()
  const first = await reopen()
  const handle = await first.start('remote', { workflowId: 'w', taskQueue: 'q' })
  const { poll, complete } = workerOf(first)
  const task = await poll()
  await poll('mine', 0)
  await complete(task, { stickyAttributes: { ...STICKY, scheduleToStartTimeoutMs: 300 } })
  await handle.signal('s')
  await first.close()

  const second = await reopen()
  const again = await workerOf(second).poll('q', 3000)
  expect(again.history.map(({ eventType }) => eventType).slice(-4)).toEqual([
    'WorkflowTaskScheduled',
    'WorkflowTaskTimedOut',
    'WorkflowTaskScheduled',
    'WorkflowTaskStarted',
  ])
  await workerOf(second).complete(again, { commands: [COMPLETE] })
  await second.close()
})

test('a worker that stops gives its executions back', async () => {
  const { loom, handle, poll, complete } = await started()
  const first = await poll()
  await poll('mine', 0)
  await complete(first, { stickyAttributes: STICKY })
  await loom.service.resetStickyTaskQueue({ namespaceId: loom.namespaceId, workflowId: 'w' })
  await handle.signal('s')

  const second = await poll()
  expect(second.history[0]!.eventId).toBe(1)
})
