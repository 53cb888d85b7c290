/** Sagas in whole looms: undone after a failure, a cancel request, a loss in the middle, and in small caches. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Logger } from '../../src/base/log.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Activity, Workflow } from '../../src/workflow/definition.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import { attributesOf, gate, Lines, open, rejection, reopenable, typesOf, until } from './rig.js'

const once = { maximumAttempts: 1 }

/** A travel agency: what is booked, and what was done in which order. */
class Agency {
  readonly booked = new Set<string>()
  readonly done: string[] = []
  /** Called before something is given back. */
  beforeCancel: (what: string) => Promise<void> | void = () => {}

  readonly book: Activity<string, string> = activity({ name: 'book', retry: once }, (what: string) => {
    if (what === 'car') throw new ApplicationFailure('no car')
    this.booked.add(what)
    this.done.push(`book ${what}`)
    return what
  })
  readonly cancel: Activity<string, void> = activity(
    { name: 'cancel', retry: { initialInterval: 5 } },
    async (what: string) => {
      await this.beforeCancel(what)
      this.booked.delete(what)
      this.done.push(`cancel ${what}`)
    },
  )
  readonly trip: Workflow<string[], string> = workflow(
    { name: 'trip', signals: { go: z.string() } },
    (ctx, wanted: string[]) =>
      ctx.saga(async (c, undo) => {
        for (const what of wanted) {
          undo((cc) => cc.run(this.cancel, what))
          await c.run(this.book, what)
        }
        await c.signal('go')
        return 'booked'
      }),
  )

  get definitions(): [Workflow<string[], string>, Activity<string, string>, Activity<string, void>] {
    return [this.trip, this.book, this.cancel]
  }
}

test('a saga that fails gives everything back, and the execution fails with what it failed with', async () => {
  const agency = new Agency()
  const loom = await open({ definitions: agency.definitions })
  const handle = await loom.start(agency.trip, { workflowId: 'w', input: ['flight', 'hotel', 'car'] })

  const error = await rejection(handle.result())

  expect(error).toMatchObject({ status: 'Failed', cause: { name: 'ActivityFailure', cause: { message: 'no car' } } })
  expect(agency.done).toEqual(['book flight', 'book hotel', 'cancel car', 'cancel hotel', 'cancel flight'])
})

test('a cancelled saga gives everything back, and the execution is Canceled', async () => {
  const agency = new Agency()
  const loom = await open({ definitions: agency.definitions })
  const handle = await loom.start(agency.trip, { workflowId: 'w', input: ['flight', 'hotel'] })
  await until(() => agency.booked.size === 2)

  await handle.cancel('stay at home')

  expect(await rejection(handle.result())).toMatchObject({ status: 'Canceled' })
  expect(agency.done.slice(2)).toEqual(['cancel hotel', 'cancel flight'])
})

test('a request to cancel in the middle of the compensations does not stop them', async () => {
  const agency = new Agency()
  const { promise, open: release } = gate()
  const begun = gate()
  agency.beforeCancel = (what) => {
    if (what !== 'hotel') return
    begun.open()
    return promise
  }
  const loom = await open({ definitions: agency.definitions })
  const handle = await loom.start(agency.trip, { workflowId: 'w', input: ['flight', 'hotel', 'car'] })
  await begun.promise

  await handle.cancel()
  await until(async () => (await typesOf(handle)).at(-1) === 'WorkflowTaskCompleted')
  release()

  expect(await rejection(handle.result())).toMatchObject({ status: 'Failed', cause: { cause: { message: 'no car' } } })
  expect(agency.booked.size).toBe(0)
  expect(await attributesOf(handle, 'ActivityTaskCancelRequested')).toEqual([])
})

test.each([1, 1000])(
  'a loss in the middle of the compensations: they go on where they were (cache of %i)',
  async (codeCacheCount) => {
    const { open: reopen } = reopenable()
    const agency = new Agency()
    const begun = gate()
    agency.beforeCancel = (what) => {
      if (what !== 'hotel') return
      begun.open()
      return new Promise<never>(() => {})
    }
    const settings = { codeCacheCount }
    const first = await reopen({ definitions: agency.definitions, settings })
    await first.start(agency.trip, { workflowId: 'w', input: ['flight', 'hotel', 'car'] })
    await begun.promise
    await first.close({ graceMs: 0 })
    agency.beforeCancel = () => {}

    const second = await reopen({ definitions: agency.definitions, settings })
    // With room for one, the code of the saga is evicted, and replayed for what follows.
    await second.start(agency.trip, { workflowId: 'other', input: [] })

    expect(await rejection(second.handle('w').result())).toMatchObject({ status: 'Failed' })
    expect(agency.booked.size).toBe(0)
    expect(agency.done.filter((one) => one.startsWith('cancel'))).toEqual([
      'cancel car',
      'cancel hotel',
      'cancel flight',
    ])
  },
)

test('what could not be undone is told to the caller, and to the log', async () => {
  const lines: Logger & Lines = new Lines()
  const book = activity({ name: 'book' }, () => {})
  const giveBack = activity({ name: 'giveBack', retry: once }, () => {
    throw new Error('nobody answers')
  })
  const trip = workflow({ name: 'trip' }, (ctx) =>
    ctx.saga(async (c, undo) => {
      undo((cc) => cc.run(giveBack))
      await c.run(book)
      throw new ApplicationFailure('too dear')
    }),
  )
  const loom = await open({ definitions: [trip, book, giveBack], logger: lines })
  const handle = await loom.start(trip, { workflowId: 'w', retry: { maximumAttempts: 3 } })

  const { cause } = await rejection(handle.result())

  expect(cause).toMatchObject({
    name: 'ApplicationFailure',
    type: 'CompensationFailure',
    message: '1 of 1 compensations failed, after: too dear',
    details: ["activity 'giveBack' failed: nobody answers"],
    cause: { message: 'too dear' },
  })
  await until(() => lines.messages.includes('a compensation failed'))
  // Nothing is booked again on top of it.
  expect((await handle.describe()).runId).toBe(handle.runId)
})

test('a mistake undoes nothing: with mended code the saga goes on', async () => {
  const { open: reopen } = reopenable()
  const agency = new Agency()
  const trip = (mended: boolean): Workflow =>
    workflow({ name: 'trip', signals: { go: z.string() } }, (ctx) =>
      ctx.saga(async (c, undo) => {
        const receipt = await c.run(agency.book, 'flight')
        undo((cc) => cc.run(agency.cancel, receipt))
        if (!mended) throw new TypeError('receipt.total is not a function')
        return receipt
      }),
    )
  const first = await reopen({ definitions: [trip(false), agency.book, agency.cancel] })
  const handle = await first.start(trip(false), { workflowId: 'w' })
  await until(async () => (await handle.describe()).stalled !== undefined)
  await first.close()

  const second = await reopen({ definitions: [trip(true), agency.book, agency.cancel] })

  expect(await second.handle('w').result()).toBe('flight')
  expect(agency.done).toEqual(['book flight'])
})
