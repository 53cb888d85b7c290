/** Interceptors: around clients, workflow code, activities and the host; the first is the outermost. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { HostObserver, Interceptor } from '../../src/client/interceptors.js'
import { activity, workflow } from '../../src/workflow/define.js'
import { eventsOf, open, rejection, reopenable, until } from './rig.js'

const shout = activity({ name: 'shout', input: z.string(), output: z.string() }, (text) => text.toUpperCase())
const signals = { go: z.string() }
const queries = { last: z.string() }
const w = workflow({ name: 'w', input: z.string(), output: z.string(), signals, queries }, async (ctx, input) => {
  let last = input
  ctx.onQuery('last', () => last)
  last += await ctx.signal('go')
  const shouted = await ctx.run(shout, last)
  return shouted + (await ctx.step('tail', () => '!'))
})

function recorder() {
  const lines: string[] = []
  const of = (who: string): Interceptor => ({
    client: {
      start: (call, next) => {
        lines.push(`${who} start ${call.workflowType}`)
        return next({ ...call, headers: { ...call.headers, [who]: 'start' } })
      },
      signal: (call, next) => {
        lines.push(`${who} signal ${call.signalName}`)
        return next({
          ...call,
          payload: `${call.payload as string}${who}`,
          headers: { ...call.headers, [who]: 'signal' },
        })
      },
      query: async (call, next) => `${(await next(call)) as string}${who}`,
      result: async (call, next) => `${(await next(call)) as string}${who}`,
      terminate: (call, next) => next({ ...call, reason: `${call.reason}${who}` }),
      cancel: (call, next) => next({ ...call, reason: `${call.reason}${who}` }),
    },
    workflow: {
      execute: (call, next) => {
        lines.push(`${who} execute ${JSON.stringify(call.headers)}${call.isReplaying ? ' again' : ''}`)
        return next({ ...call, input: `${call.input as string}${who}` })
      },
      handleSignal: (call, next) => {
        lines.push(`${who} handleSignal ${JSON.stringify(call.headers)}`)
        next(call)
      },
      handleQuery: (call, next) => `${next(call) as string}${who}`,
      runActivity: async (call, next) => {
        lines.push(`${who} run ${call.activityType}`)
        const input = call.input === undefined ? undefined : `${call.input as string}${who}`
        return `${(await next({ ...call, input, headers: { ...call.headers, [who]: 'run' } })) as string}${who}`
      },
    },
    activity: {
      execute: async (call, next) => {
        lines.push(`${who} attempt ${call.context.info.activityType} ${JSON.stringify(call.headers)}`)
        return `${(await next(call)) as string}${who}`
      },
    },
  })
  return { lines, of }
}

test('calls go through all of them, from the outermost in, and answers back', async () => {
  const { lines, of } = recorder()
  const loom = await open({ definitions: [w, shout], interceptors: [of('1'), of('2')] })
  const handle = await loom.start(w, { workflowId: 'a', input: 'in' })
  expect(await handle.query('last')).toBe('in122121')
  await handle.signal('go', 'x')

  expect(await handle.result()).toBe('IN12X1212' + '21' + '21' + '!' + '21' + '21' + '21')
  expect(lines).toEqual([
    '1 start w',
    '2 start w',
    '1 execute {"1":"start","2":"start"}',
    '2 execute {"1":"start","2":"start"}',
    '1 signal go',
    '2 signal go',
    '1 handleSignal {"1":"signal","2":"signal"}',
    '2 handleSignal {"1":"signal","2":"signal"}',
    '1 run shout',
    '2 run shout',
    '1 attempt shout {"1":"run","2":"run"}',
    '2 attempt shout {"1":"run","2":"run"}',
    '1 run step:tail#1',
    '2 run step:tail#1',
    '1 attempt step:tail#1 {"1":"run","2":"run"}',
    '2 attempt step:tail#1 {"1":"run","2":"run"}',
  ])
})

test('what they add travels with the execution: it is there when another process goes on', async () => {
  const { lines, of } = recorder()
  const { open: reopen } = reopenable()
  const options = { definitions: [w, shout], interceptors: [of('1')] }
  const first = await reopen(options)
  const { runId } = await first.start(w, { workflowId: 'a', input: 'in' })
  await first.close()
  lines.length = 0
  const second = await reopen(options)
  const handle = second.handle(w, 'a', runId)
  await handle.signal('go', 'x')

  expect(await handle.result()).toBe('IN1X1111!111')
  expect(lines[1]).toBe('1 execute {"1":"start"} again')
  await second.close()
})

test('reasons go through them', async () => {
  const { of } = recorder()
  const loom = await open({ definitions: [w, shout], interceptors: [of('1'), of('2')] })
  const handle = await loom.start(w, { workflowId: 'a', input: 'in' })
  await handle.terminate('why')
  expect((await eventsOf(handle)).at(-1)?.attributes).toMatchObject({ reason: 'why12' })
})

test('a continued run keeps the headers of the one before, or gets those that its interceptor gives', async () => {
  const seen: unknown[] = []
  const chain = workflow({ name: 'chain', input: z.number() }, async (ctx, n) => {
    if (n < 2) await ctx.continueAsNew(n + 1)
  })
  const client: Interceptor['client'] = { start: (call, next) => next({ ...call, headers: { from: 'client' } }) }
  const look: Interceptor = {
    workflow: {
      execute: (call, next) => {
        seen.push(call.headers)
        return next(call)
      },
    },
  }
  const change: Interceptor = {
    workflow: { continueAsNew: (call, next) => next({ ...call, headers: { n: String(call.input) } }) },
  }
  const plain = await open({ definitions: [chain], interceptors: [{ client }, look] })
  await plain.execute(chain, { workflowId: 'c', input: 1 })
  expect(seen.splice(0)).toEqual([{ from: 'client' }, { from: 'client' }])
  const changed = await open({ definitions: [chain], interceptors: [{ client }, look, change] })
  await changed.execute(chain, { workflowId: 'c', input: 1 })
  expect(seen).toEqual([{ from: 'client' }, { n: '2' }])
})

test('what an interceptor of an activity throws is what the attempt throws', async () => {
  const refuse: Interceptor = { activity: { execute: () => Promise.reject(new TypeError('not here')) } }
  const once = activity({ name: 'once', retry: { maximumAttempts: 1 } }, () => 'done')
  const v = workflow({ name: 'v' }, async (ctx) => ctx.run(once))
  const loom = await open({ definitions: [v, once], interceptors: [refuse] })
  const error = await rejection(loom.execute(v, { workflowId: 'v' }))
  expect(error.cause).toMatchObject({ kind: 'activity', cause: { type: 'TypeError', message: 'not here' } })
})

test('a host tells its observers when it opens, commits and closes, and of what is due; what they throw stops nothing', async () => {
  const told: string[] = []
  const observer: HostObserver = {
    opened: (stats) => {
      told.push(`opened ${stats().flushCount}`)
      return () => told.push('closed')
    },
    committed: ({ turnCount, latencyMs }) => {
      if (turnCount < 1 || !(latencyMs >= 0)) told.push('nonsense')
      told.push('committed')
      throw new Error('ours')
    },
    due: (latenessMs) => void told.push(latenessMs >= 0 ? 'due' : 'early'),
  }
  const { open: reopen } = reopenable()
  const nap = workflow({ name: 'nap' }, async (ctx) => ctx.sleep(5))
  const loom = await reopen({ definitions: [nap], interceptors: [{ host: observer }] })
  await loom.execute(nap, { workflowId: 'n' })
  await until(() => told.length >= 4)
  await loom.close()

  expect(told[0]).toBe('opened 0')
  expect(told.at(-1)).toBe('closed')
  expect(new Set(told)).toEqual(new Set(['opened 0', 'committed', 'due', 'closed']))
})

test('a stalled execution is counted until it goes on, also by whoever opens the store next', async () => {
  let isMended = false
  const fragile = workflow({ name: 'fragile' }, async () => {
    if (!isMended) throw new TypeError('a slip')
  })
  const { open: reopen } = reopenable()
  const first = await reopen({ definitions: [fragile] })
  await first.start(fragile, { workflowId: 'f' })
  await until(() => first.admin.stats().stalledCount === 1)
  await first.close()

  const second = await reopen({ definitions: [fragile] })
  await until(() => second.admin.stats().stalledCount === 1)
  isMended = true
  await second.handle('f').retryStalled()
  await second.handle('f').result()
  expect(second.admin.stats().stalledCount).toBe(0)
  await second.close()
})

test.each([
  [[{ cleint: {} }], "options.interceptors[0]: there is no 'cleint'; did you mean 'client'?"],
  [[{}, { client: { strat: () => {} } }], "options.interceptors[1].client: there is no 'strat'; did you mean 'start'?"],
  [[{ activity: { execute: 1 } }], 'options.interceptors[0].activity.execute: not a function'],
  [[null], 'options.interceptors[0]: not an object but null'],
])('%j is refused', async (interceptors, message) => {
  expect(await rejection(open({ interceptors: interceptors as never }))).toMatchObject({
    code: 'LOOM_INVALID_ARGUMENT',
    message: expect.stringContaining(message) as string,
  })
})

test('headers are texts, and not too many', async () => {
  const give = (headers: object): Interceptor => ({
    client: { start: (call, next) => next({ ...call, headers: headers as never }) },
  })
  for (const [headers, message] of [
    [{ n: 1 }, 'headers.n: not a text by name'],
    [{ n: 'x'.repeat(70_000) }, 'headers: 70003 bytes'],
  ] as const) {
    const loom = await open({ definitions: [w, shout], interceptors: [give(headers)] })
    expect(await rejection(loom.start(w, { workflowId: 'w', input: '' }))).toMatchObject({
      code: 'LOOM_INVALID_ARGUMENT',
      message: expect.stringContaining(message) as string,
    })
  }
})
