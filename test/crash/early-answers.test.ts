/** Nobody is told of a run before it is durable, also while its first workflow task is still being worked out. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Deferred } from '../../src/base/deferred.js'
import { openLoom, type Loom } from '../../src/loom.js'
import { memory } from '../../src/storage/memory.js'
import type { Medium, MediumFactory } from '../../src/storage/medium.js'
import { workflow } from '../../src/workflow/define.js'

const waiting = workflow({ name: 'waiting' }, async (ctx) => {
  await ctx.sleep('1 h')
})

let loom: Loom
let gate: Deferred<void>
beforeEach(async () => {
  gate = new Deferred()
  gate.resolve()
  loom = await openLoom({ medium: gated(() => gate.promise), shardCount: 1, definitions: [waiting] })
})
afterEach(() => loom.close())

test.each([
  { name: 'UseExisting', options: { workflowIdConflictPolicy: 'UseExisting' } },
  { name: 'the request id of the start', options: { requestId: 'r' } },
  { name: 'Fail', options: { workflowIdConflictPolicy: 'Fail' } },
] as const)('a second start in the same moment, by $name, waits for the commit of the first', async ({ options }) => {
  gate = new Deferred()
  const answered: string[] = []
  const note = (which: string) => () => void answered.push(which)

  // Whichever of them makes the run: the other one finds it.
  const first = loom.start(waiting, { workflowId: 'w', requestId: 'r' }).then(note('first'), note('first'))
  const second = loom.start(waiting, { workflowId: 'w', ...options }).then(note('second'), note('second'))
  await pause(50)

  expect(answered).toEqual([])
  gate.resolve()
  await Promise.all([first, second])
  expect(answered).toHaveLength(2)
})

/** Commits wait for the gate. */
function gated(open: () => Promise<void>): MediumFactory {
  const factory = memory()
  return {
    create: (environment) => {
      const medium = factory.create(environment)
      const commit: Medium['commit'] = async (batch) => {
        await open()
        return await medium.commit(batch)
      }
      return new Proxy(medium, {
        get: (target, name) => {
          if (name === 'commit') return commit
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
}
