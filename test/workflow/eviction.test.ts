import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { activity, workflow } from '../../src/workflow/define.js'
import { FakeHost } from './fake-host.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const op = activity({ name: 'op' }, async () => undefined)

test('a closed run leaves nothing behind: not the run, not the code, not one of its promises', async () => {
  const train = new FakeHost().train
  let finallyCount = 0
  const code = (tracked: WeakRef<object>[]) =>
    workflow({ name: 'w', signals: { s: z.unknown() } }, async (ctx) => {
      const big = { data: Array.from({ length: 1000 }) }
      tracked.push(new WeakRef(big))
      ctx.onSignal('s', () => big)
      try {
        const waits = Array.from({ length: 100 }, async (_, at) => {
          const promise =
            at % 3 === 0 ? ctx.sleep(1000) : at % 3 === 1 ? ctx.run(op) : ctx.condition(() => big.data.length === 0)
          tracked.push(new WeakRef(promise))
          try {
            return await promise
          } finally {
            finallyCount++
          }
        })
        await Promise.race([...waits, ctx.race({ a: (c) => c.sleep(1), b: (c) => c.step('s', () => big) })])
      } finally {
        finallyCount++
      }
    })

  const evict = async (): Promise<WeakRef<object>[]> => {
    const tracked: WeakRef<object>[] = []
    const host = await new FakeHost(train).start(code(tracked)).rest()
    expect(host.problem).toBeUndefined()
    tracked.push(new WeakRef(host.run), new WeakRef(host))
    host.run.close()
    return tracked
  }
  const tracked = await evict()
  await vacate(train)

  expect(tracked).toHaveLength(103)
  expect(tracked.filter((ref) => ref.deref() !== undefined)).toEqual([])
  // No code of the execution runs when it is evicted: another host may have it by now.
  expect(finallyCount).toBe(0)
})

test('a run that is closed while it waits for its window is not kept by the train', async () => {
  const train = new FakeHost().train
  const evict = (): WeakRef<object> => {
    const host = new FakeHost(train).start(workflow({ name: 'w' }, (ctx) => ctx.sleep(1)))
    host.run.close()
    return new WeakRef(host.run)
  }

  const run = evict()
  await vacate(train)

  expect(run.deref()).toBeUndefined()
})

test('an execution that has ended is gone as well', async () => {
  const train = new FakeHost().train
  const finish = async (): Promise<WeakRef<object>> => {
    const host = await new FakeHost(train).start(workflow({ name: 'w' }, async (ctx) => void ctx.sleep(1))).rest()
    expect(host.closing).toBeDefined()
    return new WeakRef(host.run)
  }

  const run = await finish()
  await vacate(train)

  expect(run.deref()).toBeUndefined()
})

/** Lets the train pass with nobody in it, and collects garbage. */
async function vacate(train: FakeHost['train']): Promise<void> {
  for (let i = 0; i < 5; i++) {
    await new Promise<void>((resolve) => train.later(resolve))
    await new Promise((resolve) => setTimeout(resolve, 1))
    collectGarbage()
  }
}
