/** Those who wait for the end of a run hear of it, also when it came while its shard was gone. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { workflow } from '../../src/workflow/define.js'
import { faulty } from './faulty.js'
import { open, rejection, until } from './rig.js'

const hold = workflow({ name: 'hold', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))
const settings = { reopenInitialMs: 1, leaseMs: 20, dueRetryInitialMs: 20 }

test('an end that was written, but not heard of, is told when the run can be read again', async () => {
  const rig = faulty()
  const loom = await open({ medium: rig.medium, shardCount: 1, definitions: [hold], settings })
  const handle = await loom.start(hold, { workflowId: 'w' })
  const result = rejection(handle.result())

  rig.fails = 'answer'
  expect(await rejection(handle.terminate('enough'))).toMatchObject({ code: 'LOOM_OUTCOME_UNKNOWN' })
  rig.fails = 'read'

  expect(await result).toMatchObject({ status: 'Terminated' })
  expect(rig.fails).toBeUndefined()
})

test('who waits for a run hears of its end though its shard was opened again meanwhile', async () => {
  const rig = faulty()
  const loom = await open({ medium: rig.medium, shardCount: 1, settings })
  const parked = await loom.start('remote', { workflowId: 'parked', taskQueue: 'q' })
  const { closed } = await loom.service.startWorkflow({
    ...{ namespaceId: loom.namespaceId, workflowId: 'w', workflowType: 'remote', taskQueue: 'q', input: undefined },
    ...{ workflowExecutionTimeoutMs: 0, workflowRunTimeoutMs: 0, workflowTaskTimeoutMs: 0 },
    ...{ workflowIdReusePolicy: 'AllowDuplicate', identity: '', requestId: 'r', isFreshRequestId: false },
  })
  const waiting = closed.wait()
  rig.fails = 'commit'
  await rejection(parked.signal('x'))
  await until(async () => (await parked.describe().catch(() => undefined)) !== undefined)

  await loom.handle('w').terminate('enough')

  expect(await waiting).toMatchObject({ eventType: 'WorkflowExecutionTerminated' })
})
