/**
 * Random programs over ctx, run live with random outcomes in random groups, then replayed from their histories: what
 * the code asks for must not depend on where its last loss was.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/base/clock.js'
import { seededRandom, type Random } from '../../src/base/random.js'
import type { Command } from '../../src/protocol/command.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Workflow } from '../../src/workflow/definition.js'
import { ApplicationFailure } from '../../src/workflow/failures.js'
import type { Problem, Quiescence, RunHost } from '../../src/workflow/host.js'
import { replay } from '../../src/workflow/replay.js'
import { WorkflowRun } from '../../src/workflow/run.js'
import { Train } from '../../src/workflow/train.js'
import { commandLine, EXECUTION, FakeHost } from './fake-host.js'

const RUNS = Number(process.env['PROGRAMS'] ?? 300)
const MAX_TASKS = 25

const signals = { a: z.number(), b: z.number(), handled: z.number() }
const op = activity({ name: 'op' }, async (name: string) => name)

type Ctx = WorkflowContext<typeof signals>
type Name = 'a' | 'b'
type Program =
  | { readonly do: 'run' | 'step'; readonly name: string }
  | { readonly do: 'sleep' | 'sleep until'; readonly ms: number }
  | { readonly do: 'sleep by chance' }
  | { readonly do: 'signal'; readonly name: Name; readonly timeout: number | null }
  | { readonly do: 'read'; readonly name: Name }
  | { readonly do: 'condition'; readonly count: number; readonly timeout: number | null }
  | { readonly do: 'mutex'; readonly of: Program }
  | { readonly do: 'seq' | 'all' | 'race' | 'any' | 'allSettled' | 'ctx.race'; readonly of: readonly Program[] }
  | { readonly do: 'ticks' | 'generator'; readonly depth: number; readonly of: Program }
  | { readonly do: 'thenable' | 'aside'; readonly of: Program }
  | { readonly do: 'saga'; readonly parallel: boolean; readonly fails: boolean; readonly of: readonly Program[] }

const { program } = fc.letrec<{ program: Program }>((tie) => {
  const some = fc.array(tie('program'), { minLength: 1, maxLength: 4 })
  const one = tie('program')
  const depth = fc.nat(6)
  const timeout = fc.option(fc.integer({ min: 1, max: 999 }))
  const name = fc.constantFrom<Name>('a', 'b')
  const of = <D extends Program['do']>(what: D): fc.Arbitrary<D> => fc.constant(what)
  return {
    program: fc.oneof(
      { maxDepth: 4, depthSize: 'max', withCrossShrink: true },
      fc.record({ do: fc.constantFrom('run', 'step'), name: fc.constantFrom('x', 'y') }),
      fc.record({ do: fc.constantFrom('sleep', 'sleep until'), ms: fc.integer({ min: 1, max: 9999 }) }),
      fc.record({ do: of('sleep by chance') }),
      fc.record({ do: of('signal'), name, timeout }),
      fc.record({ do: of('read'), name }),
      fc.record({ do: of('condition'), count: fc.integer({ min: 1, max: 12 }), timeout }),
      fc.record({ do: of('mutex'), of: one }),
      fc.record({ do: fc.constantFrom('seq', 'all', 'race', 'any', 'allSettled', 'ctx.race'), of: some }),
      fc.record({ do: fc.constantFrom('seq', 'all', 'ctx.race'), of: some }),
      fc.record({ do: fc.constantFrom('ticks', 'generator'), depth, of: one }),
      fc.record({ do: fc.constantFrom('thenable', 'aside'), of: one }),
      fc.record({ do: of('saga'), parallel: fc.boolean(), fails: fc.boolean(), of: some }),
    ),
  }
})

/** Some at once, so that there is something to mix up. */
const mixed = fc
  .array(program, { minLength: 3, maxLength: 6, size: 'max' })
  .map((of): Program => ({ do: 'all', of: of.map((one) => ({ do: 'aside', of: one })) }))

/** The first to end decides, and the function is over: what else ended by then it never sees. */
const decisive = program.map((of): Program => ({ do: 'ctx.race', of: [of, of, { do: 'sleep', ms: 5 }] }))

test('replay from every task boundary asks for the same', { timeout: 300_000 }, async () => {
  const check = fc.asyncProperty(fc.oneof(program, mixed, mixed, decisive), fc.integer(), async (tree, seed) => {
    const code = interpreted(tree)
    const { history } = await live(code, seededRandom(seed))
    for (const end of boundaries(history)) await replayed(code, history, end)
  })
  await fc.assert(check, { numRuns: RUNS })
})

test('one loom with many programs at once decides for each as it does alone', { timeout: 120_000 }, async () => {
  const check = fc.asyncProperty(
    fc.array(fc.oneof(program, mixed), { minLength: 20, maxLength: 20 }),
    async (trees) => {
      const alone: string[][] = []
      for (const [at, tree] of trees.entries()) alone.push((await live(interpreted(tree), seededRandom(at))).asked)

      const first = new FakeHost()
      const together = await Promise.all(
        trees.map((tree, at) =>
          live(interpreted(tree), seededRandom(at), at === 0 ? first : new FakeHost(first.train)),
        ),
      )

      expect(together.map((host) => host.asked)).toEqual(alone)
    },
  )
  await fc.assert(check, { numRuns: 5 })
})

/** Runs it until it ends or has had enough tasks; what happens next is drawn from `random`. */
async function live(code: Workflow, random: Random, host: FakeHost = new FakeHost()): Promise<FakeHost> {
  await host.start(code).rest()
  for (let task = 0; task < MAX_TASKS && host.closing === undefined; task++) {
    host.maxCauses = 1 + Math.floor(random.fraction() * 4)
    host.nowMs += Math.floor(random.fraction() * 5000)
    const causes = 1 + Math.floor(random.fraction() * 4)
    const pending = pendingOf(host)
    for (let i = 0; i < causes; i++) happen(host, pending, random)
    if (random.fraction() < 0.3) host.together()
    // Some tasks begin long after what caused them.
    if (random.fraction() < 0.3) host.beginTimeMs += 7000
    await host.rest()
    expect(host.problem).toBeUndefined()
  }
  return host
}

/** New code from the first `end` events; then all else happens as it did then. */
function replayed(code: Workflow, history: readonly HistoryEvent[], end: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const host = new Oracle(history, end, (error) => (error === undefined ? resolve() : reject(error)))
    host.run = new WorkflowRun({ definition: code, execution: EXECUTION, train, host })
    replay(host.run, history.slice(0, end))
  })
}

const train = new Train({ clock: systemClock })

/** Gives out what a history says, and holds each task to what it says of that. */
class Oracle implements RunHost {
  run!: WorkflowRun
  readonly #history: readonly HistoryEvent[]
  readonly #done: (error?: Error) => void
  #at: number

  constructor(history: readonly HistoryEvent[], end: number, done: (error?: Error) => void) {
    this.#history = history
    this.#at = end
    this.#done = done
  }

  get beginTimeMs(): number {
    for (const event of this.#history.slice(this.#at)) {
      if (event.eventType === 'WorkflowTaskStarted') return event.attributes.beginTimeMs
    }
    return 0
  }

  nextEvent(): HistoryEvent | undefined {
    for (; this.#at < this.#history.length; this.#at++) {
      const event = this.#history[this.#at]!
      if (event.eventType === 'WorkflowTaskStarted') return undefined
      if (isCause(event)) return this.#history[this.#at++]
    }
    return undefined
  }

  nextRecorded(): HistoryEvent | undefined {
    return this.nextEvent()
  }

  quiescent({ commands, problem }: Quiescence): void {
    const events = this.#eventsOfTask()
    try {
      expect(problem).toBeUndefined()
      expect(commands.map(commandLine)).toEqual(events.map((event) => commandLine(commandOf(event))))
    } catch (error) {
      return train.later(() => this.#done(error as Error))
    }
    this.run.recorded(events)
    if (this.#at < this.#history.length) this.run.wake()
    else train.later(() => this.#done())
  }

  strayed(problem: Problem): void {
    this.#done(new Error(problem.failure.message))
  }
  log(): void {}

  #eventsOfTask(): HistoryEvent[] {
    const from = this.#history.findIndex(({ eventType }, at) => at >= this.#at && eventType === 'WorkflowTaskCompleted')
    if (from < 0) return []
    const rest = this.#history.slice(from + 1)
    const count = rest.findIndex((event) => !isCommandOrCompleted(event))
    const events = count < 0 ? rest : rest.slice(0, count)
    this.#at = from + 1 + events.length
    return events
  }
}

/** Right behind each task, and in the middle of what happened next. */
function boundaries(history: readonly HistoryEvent[]): number[] {
  const ends: number[] = []
  for (let at = 1; at < history.length; at++) {
    if (isCause(history[at]!) && isCommandOrCompleted(history[at - 1]!)) ends.push(at, at + 1)
  }
  return [...ends, history.length]
}

function commandOf(event: HistoryEvent): Command {
  switch (event.eventType) {
    case 'ActivityTaskScheduled':
      return { type: 'ScheduleActivityTask', ...event.attributes }
    case 'ActivityTaskCancelRequested':
      return { type: 'RequestCancelActivityTask', ...event.attributes }
    case 'TimerStarted':
      return { type: 'StartTimer', ...event.attributes }
    case 'TimerCanceled':
      return { type: 'CancelTimer', ...event.attributes }
    case 'WorkflowExecutionFailed':
      return { type: 'FailWorkflowExecution', ...event.attributes }
    default:
      return { type: 'CompleteWorkflowExecution' }
  }
}

interface Pending {
  readonly activities: number[]
  readonly timers: number[]
}

function pendingOf({ history, commands }: FakeHost): Pending {
  const activities = new Set<number>()
  const timers = new Set<number>()
  for (const command of commands.flat()) begin(command, activities, timers)
  for (const event of history) {
    if (event.eventType === 'TimerFired' || event.eventType === 'TimerCanceled')
      timers.delete(Number(event.attributes.timerId))
    if (event.eventType !== 'ActivityTaskCompleted' && event.eventType !== 'ActivityTaskFailed') continue
    const scheduled = history[event.attributes.scheduledEventId - 1]!
    if (scheduled.eventType === 'ActivityTaskScheduled') activities.delete(Number(scheduled.attributes.activityId))
  }
  return { activities: [...activities], timers: [...timers] }
}

function begin(command: Command, activities: Set<number>, timers: Set<number>): void {
  if (command.type === 'ScheduleActivityTask') activities.add(Number(command.activityId))
  if (command.type === 'StartTimer') timers.add(Number(command.timerId))
}

/** A cancelled activity may complete all the same: nobody waits for it then. */
function happen(host: FakeHost, { activities, timers }: Pending, random: Random): void {
  const draw = random.fraction()
  const take = (list: number[]): number | undefined => list.splice(Math.floor(random.fraction() * list.length), 1)[0]
  if (draw < 0.4) {
    const id = take(activities)
    if (id !== undefined) return void host.complete(id, `result ${id}`)
  } else if (draw < 0.5) {
    const id = take(activities)
    if (id !== undefined) return void host.fail(id, { type: 'application', message: `failure ${id}` })
  } else if (draw < 0.75) {
    const id = take(timers)
    if (id !== undefined) return void host.fire(id)
  }
  host.signal(draw < 0.6 ? 'handled' : draw < 0.85 ? 'a' : 'b', Math.floor(draw * 1000))
}

interface Shared {
  done: number
  isLocked: boolean
}

function interpreted(tree: Program): Workflow {
  return workflow({ name: 'random program', signals }, async (ctx) => {
    const shared: Shared = { done: 0, isLocked: false }
    ctx.onSignal('handled', async () => {
      shared.done++
      await Promise.resolve()
      if (shared.done % 3 === 0) void ctx.run(op, 'from the handler')
    })
    try {
      await interpret(ctx, tree, shared)
    } catch (error) {
      await ctx.run(op, `caught ${(error as Error).name}`)
    }
  })
}

async function interpret(ctx: Ctx, tree: Program, shared: Shared): Promise<unknown> {
  const run = (one: Program): Promise<unknown> => interpret(ctx, one, shared)
  switch (tree.do) {
    case 'run':
      return ctx.run(op, tree.name).finally(() => shared.done++)
    case 'step':
      return ctx.step(tree.name, () => 1)
    case 'sleep':
      return ctx.sleep(tree.ms)
    case 'sleep until':
      return ctx.sleep(new Date(ctx.info.startedAtMs + 100_000 + tree.ms))
    case 'sleep by chance':
      return ctx.sleep(1 + Math.floor(ctx.random() * 1000))
    case 'signal':
      return tree.timeout === null ? ctx.signal(tree.name) : ctx.signal(tree.name, { timeout: tree.timeout })
    case 'read':
      return ctx.signals(tree.name).next()
    case 'condition': {
      const isDone = (): boolean => shared.done >= tree.count
      return tree.timeout === null ? ctx.condition(isDone) : ctx.condition(isDone, tree.timeout)
    }
    case 'mutex': {
      await ctx.condition(() => !shared.isLocked)
      shared.isLocked = true
      return run(tree.of).finally(() => (shared.isLocked = false))
    }
    case 'seq':
      for (const one of tree.of) await run(one)
      return tree.of.length
    case 'all':
      return Promise.all(tree.of.map(run))
    case 'race':
      return Promise.race(tree.of.map(run))
    case 'any':
      return Promise.any(tree.of.map(run))
    case 'allSettled':
      return Promise.allSettled(tree.of.map(run))
    case 'ctx.race':
      return ctx.race(Object.fromEntries(tree.of.map((one, at) => [`b${at}`, (c: Ctx) => interpret(c, one, shared)])))
    case 'ticks':
      await run(tree.of)
      for (let i = 0; i < tree.depth; i++) await Promise.resolve()
      return ctx.run(op, `after ${tree.depth} ticks`)
    case 'generator':
      for await (const _ of generated(tree.depth, () => run(tree.of))) await Promise.resolve()
      return ctx.run(op, 'generated')
    case 'thenable': {
      const promise = run(tree.of)
      await {
        then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => promise.then(resolve, reject),
      }
      return ctx.run(op, 'after a thenable')
    }
    case 'saga':
      return ctx.saga(
        async (c, undo) => {
          undo((cc) => cc.run(op, 'undo'))
          const branch = async (one: Program): Promise<void> => {
            await interpret(c, one, shared)
            undo((cc) => interpret(cc, one, shared))
          }
          await Promise.all(tree.of.map(branch))
          if (tree.fails) throw new ApplicationFailure('it fails')
        },
        { parallel: tree.parallel },
      )
    case 'aside':
      run(tree.of).catch(() => ctx.run(op, 'aside failed').catch(() => {}))
      return ctx.sleep(3)
  }
}

async function* generated<T>(depth: number, fn: () => Promise<T>): AsyncGenerator<T> {
  if (depth === 0) yield await fn()
  else yield* generated(depth - 1, fn)
}

function isCause({ eventType }: HistoryEvent): boolean {
  return /^(WorkflowExecution(Started|Signaled)|ActivityTask(Completed|Failed)|TimerFired)$/.test(eventType)
}

function isCommandOrCompleted({ eventType }: HistoryEvent): boolean {
  return /^(WorkflowTaskCompleted|ActivityTask(Scheduled|CancelRequested)|Timer(Started|Canceled)|WorkflowExecution(Completed|Failed))$/.test(
    eventType,
  )
}
