/**
 * The workflow that runs a program's code. What it returns follows from what is recorded alone, so it is the same wherever,
 * and however often, the code was lost.
 */
import { z } from 'zod'
import type { ActivityContext } from '../../src/workflow/activity-context.js'
import type { ActivityCancellationType, ActivityRunOptions } from '../../src/workflow/activity-settings.js'
import type { WorkflowContext } from '../../src/workflow/context.js'
import { activity, workflow } from '../../src/workflow/define.js'
import type { Definition, Workflow } from '../../src/workflow/definition.js'
import { ApplicationFailure, isFailure } from '../../src/workflow/failures.js'
import type { FarJob, Job, Node } from './program.js'

/** Who does what the activities are for. */
export interface Workplace {
  /** What an attempt comes to; settles when somebody says so. */
  attempt(job: Job, context: ActivityContext): Promise<unknown>
  /** The function of a run is called. */
  called(): void
}

/** What the host itself serves. */
export const HERE = 'default'
/** Workers elsewhere poll here. */
export const AFAR = 'afar'
/** Nobody polls here. */
export const NOWHERE = 'nowhere'
/** An attempt fails with it and is not tried again. */
export const UNWANTED = 'Unwanted'

export const signals = { a: z.number(), b: z.number(), handled: z.number() }
const queries = { progress: z.array(z.number()) }
type Ctx = WorkflowContext<typeof signals>

export interface ProgramInput {
  readonly code: Node
  readonly handles: boolean
  /** Which of those that followed by continue-as-new it is. */
  readonly generation: number
}

export type ProgramWorkflow = Workflow<ProgramInput, unknown, typeof signals, typeof queries>

export interface Definitions {
  readonly lenient: ProgramWorkflow
  readonly strict: ProgramWorkflow
  readonly all: readonly Definition[]
}

/** Soon enough to be over before anything else happens. */
const retry = { initialInterval: 1, backoffCoefficient: 1, nonRetryableErrorTypes: [UNWANTED] }

const KEEPING: Job = { failures: 0, ends: 'value', asksForDelay: false, beats: false }

export function definitionsAt(workplace: Workplace): Definitions {
  const here = activity({ name: 'here', retry }, (job: Job, context) => workplace.attempt(job, context))
  const afar = activity({ name: 'afar', taskQueue: AFAR }, (_: FarJob): unknown => neverHere())
  const nowhere = activity({ name: 'nowhere', taskQueue: NOWHERE }, (): unknown => neverHere())
  const jobs: Jobs = {
    here: (ctx, job, cancellationType) => ctx.run(here, job, { cancellationType }),
    step: (ctx, name, job) => ctx.step(name, (context) => workplace.attempt(job, context), { retry }),
    keep: (ctx, value) =>
      ctx.step('keep', (context) => workplace.attempt(KEEPING, context).then(() => value), { retry }),
    afar: (ctx, job, { cancels, limitMs }) =>
      ctx.run(afar, job, { ...optionsOf(job, limitMs), cancellationType: cancels }),
    nowhere: (ctx, limit, limitMs) => ctx.run(nowhere, undefined, { [limit]: limitMs }),
  }
  const main = async (ctx: Ctx, input: ProgramInput): Promise<unknown> => {
    workplace.called()
    return await new Interpreter(jobs, input).main(ctx)
  }
  const lenient = workflow({ name: 'lenient', signals, queries }, main)
  const strict = workflow({ name: 'strict', signals, queries, failOn: 'any' }, main)
  return { lenient, strict, all: [lenient, strict, here, afar, nowhere] }
}

function optionsOf({ limit, maximumAttempts }: FarJob, limitMs: number): ActivityRunOptions {
  const policy = { initialInterval: 300, maximumAttempts, nonRetryableErrorTypes: [UNWANTED] }
  return limit === 'none' ? { retry: policy } : { retry: policy, startToClose: 7000, [limit]: limitMs }
}

function neverHere(): never {
  throw new Error('no worker of this process takes it')
}

/** The activities, by where they run. */
interface Jobs {
  here(ctx: Ctx, job: Job, cancels: 'TryCancel' | 'Abandon'): Promise<unknown>
  step(ctx: Ctx, name: string, job: Job): Promise<unknown>
  /** Gives the value, as it was when a step first had it. */
  keep(ctx: Ctx, value: unknown): Promise<unknown>
  afar(ctx: Ctx, job: FarJob, how: Calling): Promise<unknown>
  nowhere(ctx: Ctx, limit: 'scheduleToStart' | 'scheduleToClose', limitMs: number): Promise<unknown>
}

interface Calling {
  readonly cancels: ActivityCancellationType
  readonly limitMs: number
}

class Interpreter {
  readonly #jobs: Jobs
  readonly #input: ProgramInput
  /** Activities that have ended, and signals that were handled. */
  #doneCount = 0
  #isLocked = false
  #limitCount = 0
  /** Nodes that were begun, and have ended. */
  #enteredCount = 0
  #leftCount = 0

  constructor(jobs: Jobs, input: ProgramInput) {
    this.#jobs = jobs
    this.#input = input
  }

  async main(ctx: Ctx): Promise<unknown> {
    const { code, handles } = this.#input
    ctx.onQuery('progress', () => [this.#enteredCount, this.#leftCount, this.#doneCount])
    if (handles) {
      ctx.onSignal('handled', (n) => {
        this.#doneCount++
        if (n % 3 === 0) void ctx.sleep(100 * n + 100)
      })
    }
    return JSON.stringify((await this.#do(ctx, code)) ?? null)
  }

  async #do(ctx: Ctx, node: Node): Promise<unknown> {
    this.#enteredCount++
    try {
      return await this.#simple(ctx, node)
    } finally {
      this.#leftCount++
    }
  }

  async #simple(ctx: Ctx, node: Node): Promise<unknown> {
    switch (node.do) {
      case 'run':
        return this.#counted(this.#jobs.here(ctx, node.job, node.cancels))
      case 'step':
        return this.#counted(this.#jobs.step(ctx, node.name, node.job))
      case 'run afar':
        return this.#counted(this.#jobs.afar(ctx, node.job, { cancels: node.cancels, limitMs: this.#limitMs(2500) }))
      case 'run nowhere':
        return this.#counted(this.#jobs.nowhere(ctx, node.limit, this.#limitMs(1200)))
      case 'sleep':
        return ctx.sleep(node.ms)
      case 'sleep until':
        return ctx.sleep(new Date(ctx.info.startedAtMs + 2000 + node.ms))
      case 'signal':
        return node.timeout === null ? ctx.signal(node.name) : ctx.signal(node.name, { timeout: node.timeout })
      case 'read':
        return ctx.signals(node.name).next()
      case 'condition': {
        const isDone = (): boolean => this.#doneCount >= node.count
        return node.timeout === null ? ctx.condition(isDone) : ctx.condition(isDone, node.timeout)
      }
      case 'patched':
        return ctx.patched(node.id) ? 'new' : 'old'
      case 'deprecatePatch':
        return ctx.deprecatePatch(node.id)
      case 'chance':
        return this.#chance(ctx)
      case 'now':
        return ctx.now() - ctx.info.startedAtMs
      case 'info': {
        const { workflowType, taskQueue, attempt, cronSchedule, continuedExecutionRunId, lastResult, lastFailure } =
          ctx.info
        const chain = [attempt, cronSchedule ?? '', continuedExecutionRunId === undefined, lastResult ?? '']
        return [workflowType, taskQueue, ...chain, lastFailure === undefined ? '' : textOf(lastFailure)]
      }
      case 'log':
        return ctx.log.info({ node }, 'a line')
      case 'memo':
        ctx.upsertMemo({ [node.key]: node.value })
        return ctx.memo
      case 'fail':
        throw new ApplicationFailure('meant', { type: 'Meant', details: [1, { two: 2 }] })
      case 'mistake':
        throw new TypeError('not meant')
      case 'bad call':
        return ctx.sleep('a while' as never)
      case 'continueAsNew':
        if (this.#input.generation > 0) return 'the last one'
        return await ctx.continueAsNew(
          { ...this.#input, generation: this.#input.generation + 1 },
          node.memo ? { memo: { x: 'of the one before' } } : {},
        )
      default:
        return this.#compound(ctx, node)
    }
  }

  async #compound(ctx: Ctx, node: Extract<Node, { readonly of: unknown }>): Promise<unknown> {
    const run = (one: Node): Promise<unknown> => this.#do(ctx, one)
    switch (node.do) {
      case 'seq': {
        const values: unknown[] = []
        for (const one of node.of) values.push(await run(one))
        return values
      }
      case 'all':
        return Promise.all(node.of.map(run))
      case 'race':
        return Promise.race(node.of.map(run))
      case 'any':
        return Promise.any(node.of.map(run)).catch((error: AggregateError) => error.errors.map(textOf))
      case 'allSettled':
        return (await Promise.allSettled(node.of.map(run))).map((one) =>
          one.status === 'fulfilled' ? one.value : textOf(one.reason),
        )
      case 'ctx.race':
        return ctx.race(Object.fromEntries(node.of.map((one, at) => [`b${at}`, (c: Ctx) => this.#do(c, one)])))
      case 'mutex':
        await ctx.condition(() => !this.#isLocked)
        this.#isLocked = true
        return run(node.of).finally(() => (this.#isLocked = false))
      case 'scope':
        return ctx.scope((c) => this.#do(c, node.of))
      case 'shield':
        return ctx.shield((c) => this.#do(c, node.of))
      case 'timeout':
        return ctx.timeout(node.ms, (c) => this.#do(c, node.of))
      case 'cancel':
        return ctx.scope(async (c) => {
          const cancelled = this.#do(c, node.of).catch(textOf)
          await run(node.when).catch(textOf)
          c.cancel('called off')
          return [await cancelled, await c.sleep(100).catch(textOf)]
        })
      case 'catch':
        return run(node.of).catch(textOf)
      case 'finally':
        try {
          return await run(node.of)
        } finally {
          await ctx.shield((c) => this.#do(c, node.cleanUp))
        }
      case 'saga':
        return ctx.saga(
          async (c, undo) => {
            const values: unknown[] = []
            for (const one of node.of) {
              values.push(await this.#do(c, one))
              undo((u) => this.#do(u, node.undo))
            }
            if (node.fails) throw new ApplicationFailure('the saga fails', { type: 'Saga' })
            return values
          },
          { parallel: node.parallel },
        )
      case 'ticks': {
        const value = await run(node.of)
        for (let i = 0; i < node.depth; i++) await Promise.resolve()
        return value
      }
      case 'generator': {
        const values: unknown[] = []
        for await (const value of generated(node.depth, () => run(node.of))) values.push(value)
        return values
      }
      case 'thenable': {
        const promise = run(node.of)
        return await { then: ((resolve, reject) => promise.then(resolve, reject)) as typeof promise.then }
      }
      case 'aside':
        run(node.of).catch(() => ctx.sleep(700).catch(() => {}))
        return ctx.sleep(300)
    }
  }

  /** Counts also what failed: conditions wait for it. */
  #counted(promise: Promise<unknown>): Promise<unknown> {
    return promise.finally(() => this.#doneCount++)
  }

  /** No two are over at one moment: which goes first then is left open. */
  #limitMs(about: number): number {
    return about + ++this.#limitCount
  }

  /** What was drawn is another in each run, but never within one. */
  async #chance(ctx: Ctx): Promise<unknown> {
    const drawn = [ctx.random(), ctx.uuid()]
    const recorded = await this.#jobs.keep(ctx, drawn)
    return JSON.stringify(recorded) === JSON.stringify(drawn) ? 'as it was' : 'drawn anew'
  }
}

async function* generated<T>(depth: number, fn: () => Promise<T>): AsyncGenerator<T> {
  if (depth === 0) yield await fn()
  else yield* generated(depth - 1, fn)
}

/** A failure as a text, causes included; but not what the attempt before a time-out failed with: it may have been lost. */
export function textOf(error: unknown): string {
  const { name, message, cause } = error as Error
  const text = `${name}(${message}) ${detailsOf(error)}`
  return cause === undefined || isFailure(error, 'timeout') ? text : `${text} < ${textOf(cause)}`
}

function detailsOf(error: unknown): string {
  if (isFailure(error, 'application')) return `${error.type ?? ''}${JSON.stringify(error.details)}`
  if (isFailure(error, 'timeout')) return `${error.timeoutType}${JSON.stringify(error.lastHeartbeatDetails)}`
  return isFailure(error, 'activity') ? error.retryState : ''
}
