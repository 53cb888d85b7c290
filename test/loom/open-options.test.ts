/** What `openLoom` refuses before anything is opened. */
import { expect, test } from 'vitest'
import { openLoom } from '../../src/loom.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { memory } from '../../src/storage/memory.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { open, rejection } from './rig.js'

const w = workflow({ name: 'w' }, async () => 1)
const a = activity({ name: 'a' }, async () => 1)
const untouched: MediumFactory = {
  create: () => {
    throw new Error('a medium was made')
  },
}

test.each<[unknown, RegExp]>([
  [undefined, /^options: /],
  [{ shardCount: 1 }, /^options\.medium: not a medium/],
  [{ medium: {}, shardCount: 1 }, /^options\.medium: not a medium .* it needs create/],
  [{ medium: untouched }, /^options\.shardCount: /],
  [{ medium: untouched, shardCount: 0 }, /^shardCount: a whole number from 1 to 131072, not 0/],
  [{ medium: untouched, shardCount: 131_073 }, /^shardCount: .* not 131073/],
  [{ medium: untouched, shardCount: 1.5 }, /^shardCount: /],
  [
    { medium: untouched, shardCount: 1, definitions: [w, a, w] },
    /^definitions\[2\]\.name: a second workflow named 'w'/,
  ],
  [{ medium: untouched, shardCount: 1, definitions: [() => 1] }, /^definitions\[0\]: made by neither/],
  [{ medium: untouched, shardCount: 1, definitions: w }, /^options\.definitions: /],
  [{ medium: untouched, shardCount: 1, workers: [{ taskQueue: '' }] }, /^options\.workers\[0\]\.taskQueue: /],
  [
    { medium: untouched, shardCount: 1, workers: [{ taskQueue: 'q', maxConcurrentActivities: 0 }] },
    /^options\.workers\[0\]\.maxConcurrentActivities: /,
  ],
  [
    { medium: untouched, shardCount: 1, workers: [{ taskQueue: 'q' }, { taskQueue: 'q' }] },
    /^options\.workers\[1\]\.taskQueue: a second worker for 'q'/,
  ],
  [{ medium: untouched, shardCount: 1, workers: [{ taskQueue: 'q', slots: 1 }] }, /^options\.workers\[0\]: .*slots/],
  [{ medium: untouched, shardCount: 1, namespace: '' }, /^options\.namespace: /],
  [{ medium: untouched, shardCount: 1, namespace: '\ud800' }, /^options\.namespace: not well-formed Unicode/],
  [{ medium: untouched, shardCount: 1, settings: { codeCacheCount: -1 } }, /^options\.settings\.codeCacheCount: /],
  [{ medium: untouched, shardCount: 1, settings: { codeCache: 1 } }, /^options\.settings: .*codeCache/],
  [
    { medium: untouched, shardCount: 1, searchAttributes: { Customer: 'String' } },
    /^options\.searchAttributes\.Customer: /,
  ],
  [{ medium: untouched, shardCount: 1, searchAttributes: { '': 'Int' } }, /^options\.searchAttributes/],
  [
    { medium: untouched, shardCount: 1, searchAttributes: { RunId: 'Keyword' } },
    /^options\.searchAttributes\.RunId: a name that is reserved/,
  ],
  [
    { medium: untouched, shardCount: 1, searchAttributes: { TemporalThing: 'Keyword' } },
    /^options\.searchAttributes\.TemporalThing: a name that is reserved/,
  ],
  [{ medium: untouched, shardCount: 1, clock: {} }, /^options\.clock: not a clock/],
  [{ medium: untouched, shardCount: 1, random: Math }, /^options\.random: not a source of chance/],
  [{ medium: untouched, shardCount: 1, logger: () => 1 }, /^options\.logger: not a logger/],
  [{ medium: untouched, shardCount: 1, identity: 7 }, /^options\.identity: /],
  [{ medium: untouched, shardCount: 1, shards: 1 }, /^options: .*shards/],
])('openLoom(%o) is refused', async (options, message) => {
  const error = await rejection(openLoom(options as LoomOptions))

  expect(error).toMatchObject({ code: 'LOOM_INVALID_ARGUMENT', message: expect.stringMatching(message) })
})

test('an open that fails leaves nothing behind and may be tried again', async () => {
  let tries = 0
  const flaky: MediumFactory = {
    create: (environment) => {
      const medium = memory().create(environment)
      if (tries++ === 0) medium.open = () => Promise.reject(new Error('no disk'))
      return medium
    },
  }

  expect((await rejection(openLoom({ medium: flaky, shardCount: 1 }))).message).toBe('no disk')
  await open({ medium: flaky })
})

test('two namespaces of one store never meet, and have ids that stay the same', async () => {
  const { memoryStore } = await import('../../src/storage/memory.js')
  const store = memoryStore()
  const settings = { leaseMs: 50 }
  const one = await open({ medium: memory({ store }), namespace: 'one', definitions: [w], settings })
  await one.execute(w, { workflowId: 'same' })
  await one.close()
  const other = await open({ medium: memory({ store }), namespace: 'other', definitions: [w], settings })

  expect(one.namespaceId).not.toBe(other.namespaceId)
  expect(await rejection(other.handle('same').describe())).toMatchObject({ code: 'LOOM_NOT_FOUND' })
})
