/**
 * What workflow code costs by itself: live steps that are answered at once, and replay of long histories. No medium,
 * no shard: the host below keeps only what it must. `npx tsx bench/runtime.ts`
 *
 * CPU seconds, not wall clock, best of five: the machine may be shared.
 */
import { systemClock } from '../src/base/clock.js'
import type { Command } from '../src/protocol/command.js'
import type { EventAttributes, EventType, HistoryEvent } from '../src/protocol/event.js'
import type { Payloads } from '../src/protocol/payload.js'
import { BUILT_IN } from '../src/workflow/data-converter.js'
import { activity, workflow } from '../src/workflow/define.js'
import type { Workflow } from '../src/workflow/definition.js'
import type { Quiescence, RunHost } from '../src/workflow/host.js'
import { replay } from '../src/workflow/replay.js'
import { WorkflowRun } from '../src/workflow/run.js'
import { encodeChecked } from '../src/workflow/schema.js'
import { Train } from '../src/workflow/train.js'

const EXECUTIONS = 500
const STEPS = 10
const EVENTS = 50_000

const charge = activity({ name: 'charge' }, async (amount: number) => amount)
const noPayload = activity({ name: 'nothing' }, async () => undefined)
const signals = {
  s: { '~standard': { version: 1, vendor: 'bench', validate: (value: unknown) => ({ value }) } },
} as const

const sequence = workflow({ name: 'sequence' }, async (ctx) => {
  let sum = 0
  for (let i = 0; i < STEPS; i++) sum += await ctx.run(charge, i)
  return sum
})
const longSequence = workflow({ name: 'activities' }, async (ctx) => {
  for (let i = 0; ; i++) await ctx.run(charge, i)
})
const bareSequence = workflow({ name: 'activities, no payload' }, async (ctx) => {
  for (;;) await ctx.run(noPayload)
})
const fanOut = workflow({ name: 'fan-out 100' }, async (ctx) => {
  for (;;) await Promise.all(Array.from({ length: 100 }, (_, i) => ctx.run(charge, i)))
})
const allSignals = workflow({ name: 'signals', signals }, async (ctx) => {
  for (;;) await ctx.signal('s')
})

let nextEventId = 1

function eventOf<T extends EventType>(eventType: T, attributes: Partial<EventAttributes[T]>): HistoryEvent {
  return { eventId: nextEventId++, eventType, eventTimeMs: 0, version: 0, attributes } as unknown as HistoryEvent
}

/** Answers each activity with its input: at once, or when all others have had their turn. */
class BenchHost implements RunHost {
  readonly beginTimeMs = 0
  readonly #interleaves: boolean
  readonly #train: Train
  readonly #onClosed: () => void
  readonly #causes: HistoryEvent[] = [eventOf('WorkflowExecutionStarted', {})]
  run!: WorkflowRun

  constructor(train: Train, interleaves: boolean, onClosed: () => void) {
    this.#train = train
    this.#interleaves = interleaves
    this.#onClosed = onClosed
  }

  nextEvent(): HistoryEvent | undefined {
    return this.#causes.pop()
  }

  nextRecorded(): undefined {
    return undefined
  }

  quiescent({ commands, problem }: Quiescence): void {
    if (problem !== undefined) throw new Error(problem.failure.message)
    const events = commands.flatMap((command) => this.#perform(command))
    if (events.length === 0) return
    this.run.recorded(events)
    if (this.#interleaves) this.#train.later(() => this.run.wake())
    else this.run.wake()
  }

  strayed(): void {}
  log(): void {}

  #perform(command: Command): HistoryEvent[] {
    if (command.type !== 'ScheduleActivityTask') {
      this.#onClosed()
      return []
    }
    const scheduled = eventOf('ActivityTaskScheduled', { activityId: command.activityId })
    this.#causes.push(eventOf('ActivityTaskCompleted', { scheduledEventId: scheduled.eventId, result: command.input }))
    return [scheduled]
  }
}

function runAll(train: Train, interleaves: boolean): Promise<void> {
  return new Promise((done) => {
    let open = EXECUTIONS
    const onClosed = (): void => void (--open === 0 && train.later(done))
    for (let i = 0; i < EXECUTIONS; i++) newRun(sequence, train, new BenchHost(train, interleaves, onClosed)).wake()
  })
}

function newRun(definition: Workflow, train: Train, host: RunHost & { run?: WorkflowRun }): WorkflowRun {
  const execution = { namespaceId: 'n', workflowId: 'w', runId: '01890000-0000-7000-8000-000000000001' }
  host.run = new WorkflowRun({ definition, execution, train, host })
  return host.run
}

async function live(maxSlots: number, interleaves: boolean): Promise<object> {
  const train = new Train({ clock: systemClock, maxSlots })
  const cpuSeconds = await best(async () => {
    for (let i = 0; i < 20; i++) await runAll(train, interleaves)
  })
  const steps = 20 * EXECUTIONS * STEPS
  return row(
    `live ${EXECUTIONS} x ${STEPS}${interleaves ? ', interleaved' : ''}, train of ${maxSlots}`,
    steps,
    cpuSeconds,
  )
}

async function replayed(definition: Workflow, history: readonly HistoryEvent[], maxSlots: number): Promise<object> {
  const train = new Train({ clock: systemClock, maxSlots })
  const once = (): Promise<void> =>
    new Promise((done) => {
      const quiescent = ({ problem }: Quiescence): void => {
        if (problem !== undefined) throw new Error(problem.failure.message)
        train.later(done)
      }
      const nothing = (): undefined => undefined
      const host = {
        beginTimeMs: 0,
        nextEvent: nothing,
        nextRecorded: nothing,
        quiescent,
        strayed: () => {},
        log: () => {},
      }
      replay(newRun(definition, train, host), history)
    })
  const cpuSeconds = await best(async () => {
    for (let i = 0; i < 3; i++) await once()
  })
  return row(
    `replay ${history.length} events, ${definition.name}, train of ${maxSlots}`,
    3 * history.length,
    cpuSeconds,
  )
}

function sequentialHistory(activityType: string, result: Payloads | undefined): HistoryEvent[] {
  nextEventId = 1
  const history = [eventOf('WorkflowExecutionStarted', {})]
  for (let seq = 1; history.length < EVENTS; seq++) {
    history.push(...task())
    const scheduled = eventOf('ActivityTaskScheduled', { activityId: String(seq), activityType })
    const { eventId: scheduledEventId } = scheduled
    history.push(scheduled, eventOf('ActivityTaskStarted', { scheduledEventId }))
    history.push(eventOf('ActivityTaskCompleted', { scheduledEventId, result }))
  }
  return history
}

function fanOutHistory(): HistoryEvent[] {
  nextEventId = 1
  const history = [eventOf('WorkflowExecutionStarted', {})]
  for (let seq = 1; history.length < EVENTS;) {
    history.push(...task())
    const scheduled = Array.from({ length: 100 }, () =>
      eventOf('ActivityTaskScheduled', { activityId: String(seq++), activityType: 'charge' }),
    )
    history.push(...scheduled)
    for (let i = 0; i < 100; i++) {
      const scheduledEventId = scheduled[(i * 37) % 100]!.eventId
      history.push(eventOf('ActivityTaskStarted', { scheduledEventId }))
      history.push(eventOf('ActivityTaskCompleted', { scheduledEventId, result: ONE }))
    }
  }
  return history
}

function signalHistory(): HistoryEvent[] {
  nextEventId = 1
  const history = [eventOf('WorkflowExecutionStarted', {})]
  while (history.length < EVENTS) history.push(eventOf('WorkflowExecutionSignaled', { signalName: 's', input: ONE }))
  return history
}

function task(): HistoryEvent[] {
  return [
    eventOf('WorkflowTaskScheduled', {}),
    eventOf('WorkflowTaskStarted', { beginTimeMs: 0 }),
    eventOf('WorkflowTaskCompleted', {}),
  ]
}

/** Best of five, after one that warms up. */
async function best(work: () => Promise<void>): Promise<number> {
  await work()
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1e6)
  }
  return least
}

function row(what: string, count: number, cpuSeconds: number): object {
  return {
    what,
    'per second': Math.round(count / cpuSeconds).toLocaleString('en'),
    'ns each': Math.round((cpuSeconds / count) * 1e9),
  }
}

const ONE = encodeChecked(undefined, 1, 'one', BUILT_IN)
const rows = [await live(64, false), await live(512, false), await live(64, true)]
for (const maxSlots of [64, 512]) {
  rows.push(await replayed(longSequence, sequentialHistory('charge', ONE), maxSlots))
  rows.push(await replayed(bareSequence, sequentialHistory('nothing', undefined), maxSlots))
  rows.push(await replayed(fanOut, fanOutHistory(), maxSlots))
  rows.push(await replayed(allSignals, signalHistory(), maxSlots))
}
console.table(rows)
