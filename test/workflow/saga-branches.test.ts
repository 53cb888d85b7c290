/** Sagas with several branches: what is undone when one of them fails, and what must have ended before. */
import { expect, test } from 'vitest'
import { Deferred } from '../../src/base/deferred.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import type { Undo } from '../../src/workflow/saga.js'
import { FakeHost } from './fake-host.js'

const book = activity({ name: 'book' }, async (what: string) => what)
const cancel = activity({ name: 'cancel' }, async (what: string) => what)
const patient = activity(
  { name: 'patient', cancellationType: 'WaitCancellationCompleted' },
  async (what: string) => what,
)

type C = WorkflowContext
const FAILURE = { type: 'application', message: 'no' } as const

/** Books one thing, and says how to give it back. */
async function booked(c: C, undo: Undo<C>, what: string, by: typeof book = book): Promise<void> {
  const receipt = await c.run(by, what)
  undo((cc) => cc.run(cancel, receipt))
}

test('what other branches have pending is called off, and an activity that is waited for is undone when it ends well', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      await booked(c, undo, 'flight')
      await Promise.all([
        c.scope((cc) => booked(cc, undo, 'hotel', patient)),
        booked(c, undo, 'car'),
        c.sleep('1 day'),
        c.timeout('1 h', (cc) => booked(cc, undo, 'train')),
      ])
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1, 'flight').rest()
  expect(host.asked.slice(1)).toEqual([
    ...['run patient', 'run book', 'timer 4 86400000', 'timer 5 3600000', 'run book'],
  ])
  await host.fail(3, FAILURE).rest()

  // Nothing is undone while the hotel may still be booked.
  const [hotel, train] = [host.scheduled(2), host.scheduled(6)]
  expect(host.asked.slice(6).sort()).toEqual([
    `cancel event ${hotel}`,
    `cancel event ${train}`,
    'cancel timer 4',
    'cancel timer 5',
  ])
  await host.complete(2, 'hotel').rest()

  expect(host.inputs.slice(-1)).toEqual(['hotel'])
  await host.complete(7).rest()
  expect(host.inputs.slice(-1)).toEqual(['flight'])
  await host.complete(8).rest()
  expect(host.asked.at(-1)).toBe("fail activity 'book' failed: no")
})

test('a shielded part is waited for, also where it began after the cancellation', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      undo((cc) => cc.run(cancel, 'first'))
      await Promise.all([
        c.scope(async (cc) => {
          await cc.run(book, 'called off').catch(() => cc.shield((ccc) => booked(ccc, undo, 'shielded')))
        }),
        c.run(book, 'fails'),
      ])
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.fail(2, FAILURE).rest()
  expect(host.inputs.slice(2)).toEqual(['shielded'])

  await host.complete(3, 'shielded').rest()

  expect(host.inputs.slice(3)).toEqual(['shielded'])
  await host.complete(4).rest()
  expect(host.inputs.slice(4)).toEqual(['first'])
})

test('a saga within is undone before the one around it', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      undo((cc) => cc.run(cancel, 'outer'))
      await Promise.all([
        c.saga(async (cc, undoInner) => {
          undoInner((ccc) => ccc.run(cancel, 'inner'))
          await cc.sleep('1 day')
        }),
        c.run(book, 'fails'),
      ])
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.fail(2, FAILURE).rest()
  expect(host.inputs.slice(1)).toEqual(['inner'])

  await host.complete(3).rest()

  expect(host.inputs.slice(2)).toEqual(['outer'])
  await host.complete(4).rest()
  expect(host.asked.at(-1)).toBe("fail activity 'book' failed: no")
})

test('a compensation may have something to undo itself', async () => {
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga((_, undo) => {
      undo((c) => c.run(cancel, 'last'))
      undo(() => undo((c) => c.run(cancel, 'added')))
      throw new ApplicationFailure('no')
    }),
  )
  const host = await new FakeHost().start(trip).rest()
  await host.complete(1).rest()

  expect(host.inputs).toEqual(['added', 'last'])
})

test.each(['fails', 'succeeds'])(
  'what a branch wants undone when its saga %s before it stalls the execution',
  async (end) => {
    const trip = workflow({ name: 'trip' }, async (ctx) => {
      const ended = ctx.saga((_, undo) => {
        // On the ctx around: the saga cannot know of it.
        void booked(ctx, undo, 'hotel')
        if (end === 'fails') throw new ApplicationFailure('no')
      })
      await ended.catch(() => {})
      await ctx.sleep('1 day')
    })
    const host = await new FakeHost().start(trip).rest()
    expect(host.problem).toBeUndefined()

    await host.complete(1, 'hotel').rest()

    expect(host.problem).toMatchObject({
      failure: { applicationType: 'LateUndo' },
      hint: expect.stringContaining('Await') as string,
    })
  },
)

test('a failed saga that nobody looks at stalls the execution', async () => {
  const trip = workflow({ name: 'trip' }, async (ctx) => {
    void ctx.saga(() => {
      throw new ApplicationFailure('no')
    })
    await ctx.sleep(1)
  })
  const host = await new FakeHost().start(trip).rest()

  expect(host.problem).toMatchObject({ failure: { applicationType: 'UnhandledRejection' } })
})

test('undo from outside of the code is told, and throws nothing there', async () => {
  let kept: Undo<C> | undefined
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      kept = undo
      await c.sleep('1 day')
    }),
  )
  const host = await new FakeHost().start(trip).rest()

  kept!(() => {})
  await new Promise((resolve) => setImmediate(resolve))

  expect(host.strays).toMatchObject([{ failure: { applicationType: 'OutsideActivation' } }])
})

test.each(['saga', 'shield'] as const)(
  'a saga whose %s goes on after I/O is told as any code that does',
  async (part) => {
    const { promise, resolve } = new Deferred<void>()
    const afterIo = async (): Promise<void> => {
      await promise
      throw new ApplicationFailure('no')
    }
    const trip = workflow({ name: 'trip' }, async (ctx) => {
      const saga = ctx.saga(async (c, undo) => {
        undo((cc) => cc.run(cancel, 'flight'))
        if (part === 'saga') return afterIo()
        await Promise.all([c.shield(afterIo), c.run(book, 'fails')])
      })
      await Promise.all([saga, ctx.sleep('1 day')])
    })
    const host = await new FakeHost().start(trip).rest()
    if (part === 'shield') await host.fail(1, FAILURE).rest()

    resolve()
    while (host.strays.length === 0) await new Promise((done) => setImmediate(done))

    expect(host.strays).toMatchObject([{ failure: { applicationType: 'OutsideActivation' } }])
  },
)
