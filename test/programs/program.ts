/**
 * Programs as plain data: what the code of an execution does, how it is started, and what happens to it round by round.
 *
 * A new feature of ctx joins as one more kind of node: here in `Node` and `nodes`, and in interpreter.ts.
 */
import fc from 'fast-check'
import type { ActivityCancellationType } from '../../src/workflow/activity-settings.js'

export type SignalName = 'a' | 'b'
export const PATCHES = ['first', 'second'] as const

/** What an activity's function does, attempt by attempt, when the rounds ask it to. */
export interface Job {
  /** So many attempts fail and are tried again. */
  readonly failures: number
  readonly ends: 'value' | 'refusal' | 'unwanted error'
  /** Its failures say themselves when it is tried again. */
  readonly asksForDelay: boolean
  readonly beats: boolean
}

/** An activity of a worker elsewhere, which no crash here touches: so it may be lost to time, and stop when it likes. */
export interface FarJob extends Job {
  readonly maximumAttempts: number
  readonly answers: boolean
  readonly limit: 'none' | 'startToClose' | 'scheduleToClose' | 'heartbeatTimeout'
  /** What it answers when it was asked to stop. */
  readonly stops: 'canceled' | 'value' | 'refusal'
}

export type Node =
  | { readonly do: 'run'; readonly job: Job; readonly cancels: 'TryCancel' | 'Abandon' }
  | { readonly do: 'step'; readonly job: Job; readonly name: string }
  | { readonly do: 'run afar'; readonly job: FarJob; readonly cancels: ActivityCancellationType }
  | { readonly do: 'run nowhere'; readonly limit: 'scheduleToStart' | 'scheduleToClose' }
  | { readonly do: 'sleep' | 'sleep until'; readonly ms: number }
  | { readonly do: 'signal'; readonly name: SignalName; readonly timeout: number | null }
  | { readonly do: 'read'; readonly name: SignalName }
  | { readonly do: 'condition'; readonly count: number; readonly timeout: number | null }
  | { readonly do: 'mutex' | 'scope' | 'shield' | 'catch' | 'thenable' | 'aside'; readonly of: Node }
  | { readonly do: 'seq' | 'all' | 'race' | 'any' | 'allSettled' | 'ctx.race'; readonly of: readonly Node[] }
  | { readonly do: 'timeout'; readonly ms: number; readonly of: Node }
  | { readonly do: 'cancel'; readonly of: Node; readonly when: Node }
  | { readonly do: 'finally'; readonly of: Node; readonly cleanUp: Node }
  | {
      readonly do: 'saga'
      readonly of: readonly Node[]
      readonly undo: Node
      readonly fails: boolean
      readonly parallel: boolean
    }
  | { readonly do: 'ticks' | 'generator'; readonly depth: number; readonly of: Node }
  | { readonly do: 'patched' | 'deprecatePatch'; readonly id: (typeof PATCHES)[number] }
  | { readonly do: 'memo'; readonly key: 'x' | 'y'; readonly value: number | null }
  | { readonly do: 'continueAsNew'; readonly memo: boolean }
  | { readonly do: 'chance' | 'now' | 'info' | 'log' }
  | { readonly do: 'fail' | 'mistake' | 'bad call' }

/** What happens to the execution, when it is at rest. */
export type Happening =
  | { readonly what: 'end'; readonly which: number }
  | { readonly what: 'ends' }
  | { readonly what: 'beat'; readonly which: number }
  | { readonly what: 'signal'; readonly name: SignalName | 'handled'; readonly value: number }
  | { readonly what: 'signals'; readonly names: readonly (SignalName | 'handled')[] }
  | { readonly what: 'signalWithStart'; readonly name: SignalName; readonly value: number }
  | { readonly what: 'query' | 'cancel' | 'terminate' | 'start again' | 'retryStalled' | 'nothing' }

export interface Start {
  readonly by: 'start' | 'signalWithStart'
  readonly startDelay: number | null
  readonly cronSchedule: string | null
  readonly retries: boolean
  readonly memo: boolean
  readonly workflowRunTimeout: number | null
  readonly workflowExecutionTimeout: number | null
}

export interface Program {
  readonly code: Node
  /** A signal of that name goes to a handler from the start. */
  readonly handles: boolean
  /** Mistakes fail the execution instead of stalling it. */
  readonly failsOnMistakes: boolean
  readonly start: Start
  readonly rounds: readonly Happening[]
}

/**
 * Whole tenths of a second: what happens in between, attempts that are lost and tried again, nobody sees. What is of one
 * moment stays of one moment.
 */
const ms = fc.integer({ min: 1, max: 40 }).map((tenths) => tenths * 100)
/** Attempts that are lost at any of these moments are tried again in time. */
const limitMs = ms.map((one) => one + 55)
const timeout: fc.Arbitrary<number | null> = fc.option(ms)
const signalName = fc.constantFrom<SignalName>('a', 'b')
const job: fc.Arbitrary<Job> = fc.record({
  failures: fc.constantFrom(0, 0, 0, 1, 2),
  ends: fc.constantFrom<Job['ends']>('value', 'value', 'value', 'refusal', 'unwanted error'),
  asksForDelay: fc.boolean(),
  beats: fc.boolean(),
})
const farJob: fc.Arbitrary<FarJob> = fc.record({
  failures: fc.constantFrom(0, 0, 1, 3),
  ends: fc.constantFrom<Job['ends']>('value', 'value', 'refusal', 'unwanted error'),
  asksForDelay: fc.boolean(),
  beats: fc.boolean(),
  maximumAttempts: fc.constantFrom(1, 2, 3),
  answers: fc.boolean(),
  limit: fc.constantFrom<FarJob['limit']>('none', 'startToClose', 'scheduleToClose', 'heartbeatTimeout'),
  stops: fc.constantFrom<FarJob['stops']>('canceled', 'value', 'refusal'),
})

const of = <D extends Node['do']>(...what: readonly D[]): fc.Arbitrary<D> => fc.constantFrom(...what)

const leaves: readonly fc.WeightedArbitrary<Node>[] = [
  { weight: 5, arbitrary: fc.record({ do: of('run'), job, cancels: fc.constantFrom('TryCancel', 'Abandon') }) },
  { weight: 3, arbitrary: fc.record({ do: of('step'), job, name: fc.constantFrom('x', 'y') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: of('run afar'),
      job: farJob,
      cancels: fc.constantFrom<ActivityCancellationType>('TryCancel', 'Abandon', 'WaitCancellationCompleted'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: of('run nowhere'), limit: fc.constantFrom('scheduleToStart', 'scheduleToClose') }),
  },
  { weight: 5, arbitrary: fc.record({ do: of('sleep', 'sleep until'), ms }) },
  { weight: 3, arbitrary: fc.record({ do: of('signal'), name: signalName, timeout }) },
  { weight: 2, arbitrary: fc.record({ do: of('read'), name: signalName }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: of('condition'), count: fc.integer({ min: 1, max: 5 }), timeout }),
  },
  { weight: 2, arbitrary: fc.record({ do: of('patched', 'deprecatePatch'), id: fc.constantFrom(...PATCHES) }) },
  { weight: 2, arbitrary: fc.record({ do: of('chance', 'now', 'info', 'log') }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: of('memo'), key: fc.constantFrom('x', 'y'), value: fc.constantFrom(1, 2, null) }),
  },
  { weight: 1, arbitrary: fc.record({ do: of('continueAsNew'), memo: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: of('fail', 'mistake', 'bad call') }) },
]

const { node } = fc.letrec<{ node: Node }>((tie) => {
  const one = tie('node')
  const some = fc.array(one, { minLength: 1, maxLength: 3 })
  const leaf = fc.oneof(...leaves)
  return {
    node: fc.oneof(
      { maxDepth: 3, depthSize: 'max', withCrossShrink: true },
      { weight: 8, arbitrary: leaf },
      { weight: 3, arbitrary: fc.record({ do: of('seq', 'all', 'ctx.race'), of: some }) },
      { weight: 2, arbitrary: fc.record({ do: of('race', 'any', 'allSettled'), of: some }) },
      {
        weight: 3,
        arbitrary: fc.record({ do: of('mutex', 'scope', 'shield', 'catch', 'thenable', 'aside'), of: one }),
      },
      { weight: 1, arbitrary: fc.record({ do: of('timeout'), ms, of: one }) },
      { weight: 1, arbitrary: fc.record({ do: of('cancel'), of: one, when: one }) },
      { weight: 1, arbitrary: fc.record({ do: of('finally'), of: one, cleanUp: one }) },
      {
        weight: 1,
        arbitrary: fc.record({ do: of('saga'), of: some, undo: one, fails: fc.boolean(), parallel: fc.boolean() }),
      },
      { weight: 1, arbitrary: fc.record({ do: of('ticks', 'generator'), depth: fc.nat(5), of: one }) },
    ),
  }
})

/** Some at once, and no failure ends it before the others had their say. */
const mixed = fc.array(node, { minLength: 2, maxLength: 3, size: 'max' }).map((nodes): Node => ({
  do: 'all',
  of: nodes.map((one) => ({ do: 'catch', of: one })),
}))

const which = fc.nat(5)
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('end'), which }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('ends') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('beat'), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('signal'),
      name: fc.constantFrom<SignalName | 'handled'>('a', 'b', 'handled'),
      value: fc.nat(99),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('signals'),
      names: fc.array(fc.constantFrom<SignalName | 'handled'>('a', 'b', 'handled'), { minLength: 2, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('signalWithStart'), name: signalName, value: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('cancel', 'cancel', 'query') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('start again', 'nothing') }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('terminate', 'retryStalled') }) },
)

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: value })

const start: fc.Arbitrary<Start> = fc
  .record({
    by: fc.constantFrom<Start['by']>('start', 'start', 'start', 'signalWithStart'),
    startDelay: rarely(ms),
    cronSchedule: rarely(fc.constantFrom('@every 3s', '* * * * *')),
    retries: fc.boolean(),
    memo: fc.boolean(),
    workflowRunTimeout: rarely(limitMs),
    workflowExecutionTimeout: rarely(limitMs),
  })
  // The two do not go together.
  .map((one) => (one.cronSchedule === null ? one : { ...one, startDelay: null }))

export const program: fc.Arbitrary<Program> = fc.record({
  code: fc.oneof(node, mixed),
  handles: fc.boolean(),
  failsOnMistakes: fc.boolean(),
  start,
  rounds: fc.array(happening, { maxLength: 6, size: 'max' }),
})
