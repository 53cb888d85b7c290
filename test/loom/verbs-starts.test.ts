/** Starts and ends that meet each other: one commit where it must be one, and nobody waits for ever. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { MediumFactory } from '../../src/storage/medium.js'
import { memory } from '../../src/storage/memory.js'
import { workflow } from '../../src/workflow/define.js'
import { open, rejection, reopenable } from './rig.js'

const hold = workflow({ name: 'hold', signals: { go: z.string() } }, async (ctx) => ctx.signal('go'))

test('a start that is sent again while the close of its run is in flight is told the result', async () => {
  const { open: reopen } = reopenable()
  const first = await reopen({ definitions: [hold] })
  await first.start(hold, { workflowId: 'w', requestId: 'r' })
  await first.close()
  const loom = await reopen({ definitions: [hold] })
  const handle = loom.handle(hold, 'w')
  await handle.describe()

  const terminated = handle.terminate('enough')
  // Its close is staged, and not durable yet.
  await Promise.resolve()
  await Promise.resolve()
  const again = await loom.start(hold, { workflowId: 'w', requestId: 'r' })
  await terminated

  expect(await rejection(again.result())).toMatchObject({ status: 'Terminated' })
})

test('a run that is flooded by signals can be terminated', async () => {
  const sink = workflow({ name: 'sink', signals: { n: z.number() } }, async (ctx) => {
    for (;;) await ctx.signal('n')
  })
  const loom = await open({ definitions: [sink], settings: { maxCausesPerLocalTask: 20 } })
  const handle = await loom.start(sink, { workflowId: 'w' })
  let isOver = false
  const flood = Array.from({ length: 100 }, async () => {
    while (!isOver) await handle.signal('n', 1).catch(() => {})
  })
  await new Promise((resolve) => setTimeout(resolve, 30))

  try {
    await handle.terminate('enough')
  } finally {
    isOver = true
  }

  await Promise.all(flood)
  expect((await handle.describe()).status).toBe('Terminated')
})

test('TerminateExisting ends the one and starts the other in one commit, however full it is', async () => {
  let commitCount = 0
  const inner = memory()
  const counting: MediumFactory = {
    create: (environment) => {
      const medium = inner.create(environment)
      const commit = medium.commit.bind(medium)
      medium.commit = (batch) => {
        commitCount++
        return commit(batch)
      }
      return medium
    },
  }
  const loom = await open({ medium: counting, shardCount: 1, settings: { maxTurnBytes: 200 } })
  await loom.start('x', { workflowId: 'w', taskQueue: 'remote' })
  commitCount = 0

  await loom.start('x', { workflowId: 'w', taskQueue: 'remote', workflowIdConflictPolicy: 'TerminateExisting' })

  expect(commitCount).toBe(1)
})
