/**
 * Plays the calls of a scenario on a system of ours, on a virtual clock, and collects what came out.
 *
 * Invariant: a call is made at its time, when all that came before it is over.
 */
import { isLoomError, type ErrorCode } from '../../src/base/errors.js'
import type { WorkflowDescription } from '../../src/protocol/description.js'
import type { ActivityTaskToken, ExecutionTarget } from '../../src/protocol/ids.js'
import type { QueryTaskToken } from '../../src/protocol/query.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { ActivityTask, WorkflowTask, WorkflowTaskToken } from '../../src/protocol/worker-tasks.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { PlayedRun } from './normalise.js'
import { advanceThrough, answered, nextRunOf, readRun } from './reading.js'
import type { Call, JsonObject, Scenario } from './scenario.js'
import { VERBS, type Answer, type Cast, type Verb } from './verbs.js'
import { decodePayload, isObject } from './words.js'

/** What is tested. */
export interface System {
  readonly history: HistoryService
  readonly namespaceId: string
  close(): Promise<void>
}

export interface Played {
  /** In the order in which they began. */
  readonly runs: readonly PlayedRun[]
  readonly described: readonly { readonly moment: string; readonly description: WorkflowDescription }[]
  /** Answers that were not the recorded ones. */
  readonly mismatches: readonly string[]
}

/** As Temporal's frontend names them. */
const STATUS: Readonly<Record<ErrorCode, string>> = {
  LOOM_INVALID_ARGUMENT: 'INVALID_ARGUMENT',
  LOOM_BAD_COMMAND: 'INVALID_ARGUMENT',
  LOOM_NON_DETERMINISM: 'INTERNAL',
  LOOM_CODEC_FAILED: 'FAILED_PRECONDITION',
  LOOM_NOT_FOUND: 'NOT_FOUND',
  LOOM_ALREADY_EXISTS: 'ALREADY_EXISTS',
  LOOM_EXECUTION_CLOSED: 'NOT_FOUND',
  LOOM_STALLED: 'FAILED_PRECONDITION',
  LOOM_SHARD_FENCED: 'UNAVAILABLE',
  LOOM_OUTCOME_UNKNOWN: 'UNAVAILABLE',
  LOOM_UNAVAILABLE: 'UNAVAILABLE',
  LOOM_EXHAUSTED: 'RESOURCE_EXHAUSTED',
  LOOM_LIMIT_EXCEEDED: 'INVALID_ARGUMENT',
  LOOM_DEADLINE: 'DEADLINE_EXCEEDED',
  LOOM_ABORTED: 'CANCELLED',
  LOOM_CLOSED: 'UNAVAILABLE',
  LOOM_NOT_SUPPORTED: 'UNIMPLEMENTED',
  LOOM_MEDIUM_BUSY: 'UNAVAILABLE',
  LOOM_STORE_MISMATCH: 'FAILED_PRECONDITION',
  LOOM_CORRUPT: 'DATA_LOSS',
}

const LONG_POLL_MS = 60_000

type Token = WorkflowTaskToken & ActivityTaskToken & QueryTaskToken

class Player implements Cast {
  readonly history: HistoryService
  readonly namespaceId: string
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  readonly #beganMs: number
  readonly #tokens = new Map<string, Token>()
  /** Of each workflow id, in the order in which they began. */
  readonly #runIds = new Map<string, string[]>()
  readonly #described: Played['described'][number][] = []
  readonly #mismatches: string[] = []
  readonly #queryIds = new Map<string, readonly string[]>()
  /** Calls whose answers come of later calls. */
  readonly #open: { readonly at: number; readonly answer: Promise<Answer> }[] = []
  pollWaitMs = 0
  readonly #deleted: ExecutionTarget[] = []
  #requests = 0

  constructor(scenario: Scenario, { history, namespaceId }: System, clock: VirtualClock) {
    this.history = history
    this.namespaceId = namespaceId
    this.#scenario = scenario
    this.#clock = clock
    this.#beganMs = clock.nowMs()
  }

  async play(): Promise<Played> {
    for (const [at, call] of this.#scenario.calls.entries()) {
      if (call.atMs !== undefined) await this.#clock.advanceTo(this.#beganMs + call.atMs)
      await this.#clock.settle()
      if (!(await this.#make(call, at))) break
    }
    await this.#waitForTheEnd()
    await this.#checkDeleted()
    return { runs: await this.#readRuns(), described: this.#described, mismatches: this.#mismatches }
  }

  tokenOf(name: string | undefined): Token {
    const token = this.#tokens.get(name ?? '')
    if (token === undefined) throw new Error(`no task goes by the name ${name}`)
    return token
  }

  queryIdsOf(name: string | undefined): readonly string[] {
    return this.#queryIds.get(name ?? '') ?? []
  }

  runIdOf(workflowId: string, label: string): string {
    const labels = this.#scenario.runs.filter((run) => run.workflowId === workflowId).map((run) => run.label)
    return this.#runIds.get(workflowId)?.[labels.indexOf(label)] ?? label
  }

  freshRequestId(): string {
    return `golden-${++this.#requests}`
  }

  /** False: the calls that follow make no sense without its answer. */
  async #make(call: Call, at: number): Promise<boolean> {
    const verb = VERBS.get(call.verb)!
    if (verb.isOpenEnded === true) {
      const answer = verb.send(this, call)
      answer.catch(() => {})
      this.#open.push({ at, answer })
      await this.#clock.settle()
      return true
    }
    const wrong = (line: string): void => void this.#mismatches.push(`call ${at + 1} ${call.verb}: ${line}`)
    try {
      if (isAnsweredByNextCall(verb, call, this.#scenario.calls[at + 1]))
        return await this.#leaveOpen(verb, call, wrong)
      const answer = await (verb.isPoll ? this.#poll(verb, call, at) : answered(this.#clock, verb.send(this, call)))
      if (call.errorCode !== undefined && !isPollCutShort(verb, call))
        wrong(`expected ${call.errorCode}, got an answer`)
      return this.#keep(call, answer, wrong)
    } catch (error) {
      const status = isLoomError(error) ? STATUS[error.code] : undefined
      if (status !== undefined && status === call.errorCode) return true
      const shown = isLoomError(error) ? `${status} (${error.code}: ${error.message})` : String((error as Error).stack)
      wrong(`expected ${call.errorCode ?? 'an answer'}, got ${shown}`)
      return status !== undefined
    }
  }

  #keep(call: Call, { task, newTask, description, started, deleted }: Answer, wrong: (line: string) => void): boolean {
    if (deleted !== undefined) this.#deleted.push(deleted)
    for (const run of [started, task?.token, newTask?.token]) {
      if (run?.runId !== undefined) this.#sawRun(run.workflowId, run.runId)
    }
    if (description !== undefined && call.moment !== undefined) {
      this.#described.push({ moment: call.moment, description })
    }
    if (task !== undefined && call.token === undefined) wrong('expected nothing, got a task')
    if (newTask !== undefined && call.newTask === undefined) wrong('a new task came with the answer, unexpectedly')
    const isPoll = VERBS.get(call.verb)!.isPoll === true
    const missing = [isPoll && task === undefined && call.token, newTask === undefined && call.newTask]
    for (const name of missing) if (name) wrong(`no task came for ${name}`)
    if (task !== undefined && call.token !== undefined) this.#keepTask(call.token, task)
    if (newTask !== undefined && call.newTask !== undefined) this.#keepTask(call.newTask, newTask)
    return !missing.some(Boolean)
  }

  #keepTask(name: string, task: WorkflowTask | ActivityTask): void {
    const { query, queries } = { query: undefined, queries: undefined, ...task }
    this.#tokens.set(name, { ...task.token, ...query?.token } as Token)
    this.#queryIds.set(name, Object.keys(queries ?? {}))
  }

  #sawRun(workflowId: string, runId: string): void {
    const runIds = this.#runIds.get(workflowId) ?? []
    if (!runIds.includes(runId)) this.#runIds.set(workflowId, [...runIds, runId])
  }

  /** Whoever needs its task finds it, or says that there is none. */
  async #leaveOpen(verb: Verb, call: Call, wrong: (line: string) => void): Promise<boolean> {
    this.pollWaitMs = LONG_POLL_MS
    const answer = verb.send(this, call)
    this.pollWaitMs = 0
    answer.then(
      (found) => this.#keep(call, found, wrong),
      (error: unknown) => wrong(String(error)),
    )
    await this.#clock.settle()
    return true
  }

  /** A poll that finds nothing moves the clock to the next due time, never past the next call. */
  async #poll(verb: Verb, call: Call, at: number): Promise<Answer> {
    const nextAtMs = this.#scenario.calls[at + 1]?.atMs ?? 0
    const untilMs = this.#beganMs + Math.max(nextAtMs, call.doneMs ?? 0)
    for (;;) {
      const answer = await answered(this.#clock, verb.send(this, call))
      const dueMs = this.#clock.nextDueMs()
      if (answer.task !== undefined || dueMs === undefined || dueMs > untilMs) return answer
      await this.#clock.advanceTo(dueMs)
    }
  }

  /** Runs that were recorded to their end may need time for it after the last call. */
  async #waitForTheEnd(): Promise<void> {
    const { runs, calls } = this.#scenario
    const lastCallMs = Math.max(0, ...calls.flatMap(({ atMs, doneMs }) => [atMs ?? 0, doneMs ?? 0]))
    const lastEventMs = Math.max(0, ...runs.flatMap(({ events }) => events.map(({ atMs }) => Number(atMs ?? 0))))
    const untilMs = this.#beganMs + lastCallMs + lastEventMs
    await advanceThrough(this.#clock, untilMs)
    await this.#checkQueries()
  }

  /** They are answered in the order in which they were asked. */
  async #checkQueries(): Promise<void> {
    const given = this.#scenario.calls.flatMap(({ fields: { queryResult, queryResults } }) => [
      ...(queryResult === undefined ? [] : [queryResult]),
      ...Object.values((queryResults ?? {}) as JsonObject).map((one) => (one as JsonObject)['answer']!),
    ])
    for (const [nth, { at, answer }] of this.#open.entries()) {
      const expected = JSON.stringify(given[nth])
      const got = await answered(this.#clock, answer).then(
        ({ query }) => JSON.stringify(query?.result?.map(decodePayload)),
        (error: unknown) => String(error),
      )
      if (got !== expected) this.#mismatches.push(`call ${at + 1} QueryWorkflow: expected ${expected}, got ${got}`)
    }
  }

  /** Its runs are not among those that are compared: they are to be gone. */
  async #checkDeleted(): Promise<void> {
    for (const { namespaceId, workflowId } of this.#deleted) {
      const runIds = this.#runIds.get(workflowId) ?? []
      this.#runIds.delete(workflowId)
      for (const runId of [undefined, ...runIds]) {
        const found = await answered(
          this.#clock,
          this.history.describeWorkflow({ namespaceId, workflowId, runId }).catch((error: unknown) => error),
        )
        if (!isLoomError(found, 'LOOM_NOT_FOUND')) this.#mismatches.push(`${workflowId} was deleted, and is there`)
      }
    }
  }

  async #readRuns(): Promise<readonly PlayedRun[]> {
    const runs: PlayedRun[] = []
    for (const [workflowId, runIds] of this.#runIds) {
      // The list grows while it is read: nobody may have polled for the last run of a chain.
      for (const runId of runIds) {
        const target = { namespaceId: this.namespaceId, workflowId, runId }
        const run = await readRun(this.#clock, this.history, target)
        runs.push(run)
        const nextRunId = nextRunOf(run)
        if (nextRunId !== undefined && !runIds.includes(nextRunId)) runIds.push(nextRunId)
      }
    }
    return runs
  }
}

/** A poll of a sticky queue is made while nothing waits there: its task comes of the call after it. */
function isAnsweredByNextCall(verb: Verb, call: Call, next: Call | undefined): boolean {
  return verb.isPoll === true && isObject(call.fields['taskQueue']) && next !== undefined && next.token !== call.token
}

/** The recorder's deadline was too short for the server to wait at all: another way to say that there is nothing. */
function isPollCutShort(verb: Verb, { errorCode }: Call): boolean {
  return verb.isPoll === true && errorCode === 'FAILED_PRECONDITION'
}

/** The scenario must be one for which nothing is missing. */
export async function play(scenario: Scenario, system: System, clock: VirtualClock): Promise<Played> {
  return new Player(scenario, system, clock).play()
}
