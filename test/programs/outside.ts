/**
 * What happens to the execution of a program from outside: clients that start, signal, ask and cancel it, and the ends of
 * activities, of its own host and of a worker elsewhere.
 *
 * Invariant: whatever is done, is done once, whether or not the host dies of it.
 */
import { isLoomError } from '../../src/base/errors.js'
import type { StartOptions } from '../../src/client/start-options.js'
import type { WorkflowExecutionDescription } from '../../src/client/execution-description.js'
import type { Loom } from '../../src/loom.js'
import type { PendingActivity } from '../../src/protocol/description.js'
import { decodePayload } from '../../src/workflow/converter.js'
import { errorOf, keyOf, type Attempts } from './attempts.js'
import { AFAR, type ProgramWorkflow } from './interpreter.js'
import type { MortalHost } from './mortal-host.js'
import type { FarJob, Happening, Program, SignalName } from './program.js'

export const WORKFLOW_ID = 'program'
/** What a call is answered with that comes too late, or for the second time. */
const TOO_LATE = ['LOOM_EXECUTION_CLOSED', 'LOOM_NOT_FOUND', 'LOOM_ALREADY_EXISTS'] as const

export type Seen = WorkflowExecutionDescription

export interface OutsideParts {
  readonly program: Program
  readonly workflow: ProgramWorkflow
  readonly host: MortalHost
  readonly attempts: Attempts
  /** Told what was answered. */
  readonly answered: (answer: string) => void
}

export class Outside {
  readonly #parts: OutsideParts
  readonly #farJobs = new Map<string, FarJob>()
  #requests = 0

  constructor(parts: OutsideParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { program, host, workflow } = this.#parts
    await host.tell((loom) =>
      program.start.by === 'start'
        ? loom.start(workflow, this.#options)
        : loom.signalWithStart(workflow, { ...this.#options, signal: 'a', payload: 7 }),
    )
  }

  look(): Promise<Seen> {
    return this.#parts.host.loom.handle(WORKFLOW_ID).describe()
  }

  query(): Promise<void> {
    const { workflow } = this.#parts
    return this.#ask(async (loom) => ({ progress: await loom.handle(workflow, WORKFLOW_ID).query('progress') }))
  }

  /** The worker elsewhere takes what waits for it. */
  async poll({ pendingActivities, runId }: Seen): Promise<void> {
    const { host } = this.#parts
    for (const { activityId, activityType, state, nextAttemptAtMs } of pendingActivities) {
      if (activityType !== AFAR || state !== 'Scheduled' || nextAttemptAtMs > host.clock.nowMs()) continue
      await host.tell(
        ({ service, namespaceId }) =>
          service.pollActivityTask({ namespaceId, taskQueue: AFAR, identity: 'worker', waitMs: 0 }),
        async () => (await this.#pending(runId, activityId))?.state !== 'Scheduled',
      )
    }
  }

  async happen(happening: Happening, seen: Seen): Promise<void> {
    const { workflow } = this.#parts
    const { runId } = seen
    switch (happening.what) {
      case 'end':
        return this.#endOne(seen, happening.which)
      case 'ends':
        return this.#endHere(seen, false)
      case 'beat':
        return this.#beat(seen, happening.which)
      case 'signal':
        return this.#send(runId, [[happening.name, happening.value]])
      case 'signals':
        return this.#send(
          runId,
          happening.names.map((name, value) => [name, value]),
        )
      case 'signalWithStart':
        return this.#signalWithStart(runId, happening.name, happening.value)
      case 'cancel':
        return this.#once((loom) => loom.handle(WORKFLOW_ID, runId).cancel('enough'))
      case 'terminate':
        return this.#once((loom) => loom.handle(WORKFLOW_ID, runId).terminate('the end', 1))
      case 'query':
        return this.query()
      case 'start again':
        return this.#ask((loom) => loom.start(workflow, this.#options))
      case 'retryStalled':
        return this.#once((loom) => loom.handle(WORKFLOW_ID, runId).retryStalled())
      case 'nothing':
        return
    }
  }

  /** Everything that it may be waiting for, in one task each. */
  async endAll(seen: Seen): Promise<void> {
    await this.#endHere(seen, true)
    for (const { activityId } of seen.pendingActivities) {
      const pending = await this.#pending(seen.runId, activityId)
      if (pending !== undefined) await this.#endAfar(seen.runId, pending)
    }
    const { status, runId } = await this.look()
    if (status !== 'Running') return
    await this.#send(runId, [
      ['a', 1],
      ['b', 2],
      ['handled', 3],
    ])
  }

  // ---- clients

  get #options(): StartOptions<ProgramWorkflow> {
    const { code, handles, start } = this.#parts.program
    return {
      workflowId: WORKFLOW_ID,
      input: { code, handles, generation: 0 },
      requestId: 'start',
      workflowIdReusePolicy: 'RejectDuplicate',
      memo: start.memo ? { x: 0, kept: 'as it was' } : undefined,
      startDelay: start.startDelay ?? undefined,
      cronSchedule: start.cronSchedule ?? undefined,
      workflowRunTimeout: start.workflowRunTimeout ?? undefined,
      workflowExecutionTimeout: start.workflowExecutionTimeout ?? undefined,
      retry: start.retries ? { initialInterval: 700, maximumAttempts: 2 } : undefined,
    }
  }

  /** What a request made of a run is not known to the next of its chain, which would do it once more. */
  async #signalWithStart(runId: string, signal: SignalName, payload: number): Promise<void> {
    const { host, workflow } = this.#parts
    const options = { ...this.#options, requestId: this.#newRequestId(), signal, payload }
    await host.tell(
      (loom) => loom.signalWithStart(workflow, options).catch(tooLateIsFine),
      async () => (await this.look()).runId !== runId,
    )
  }

  /** All at once: one task sees them. */
  async #send(runId: string, sent: readonly (readonly [SignalName | 'handled', number])[]): Promise<void> {
    const ids = sent.map(() => this.#newRequestId())
    await this.#once(async (loom) => {
      const handle = loom.handle(this.#parts.workflow, WORKFLOW_ID, runId)
      await Promise.all(sent.map(([name, value], at) => handle.signal(name, value, { requestId: ids[at]! })))
    })
  }

  /** Said again to the next life; by then the execution may be over. */
  async #once(say: (loom: Loom) => Promise<unknown>): Promise<void> {
    await this.#parts.host.tell((loom) => say(loom).catch(tooLateIsFine))
  }

  /** The answer must be the same, however often it is asked for. */
  async #ask(question: (loom: Loom) => Promise<object>): Promise<void> {
    const answer = await this.#parts.host.tell((loom) => question(loom).then(textOfAnswer, codeOf))
    this.#parts.answered(`answered: ${answer}`)
  }

  #newRequestId(): string {
    return `request-${++this.#requests}`
  }

  // ---- activities

  async #endOne(seen: Seen, which: number): Promise<void> {
    const { attempts, host } = this.#parts
    const { pendingActivities, runId } = seen
    const running = pendingActivities.filter(
      (one) => attempts.isRunning(keyOf(runId, one.activityId)) || isHeldAfar(one),
    )
    const chosen = running[which % running.length]
    if (chosen === undefined) return
    if (isHeldAfar(chosen)) return this.#endAfar(runId, chosen)
    attempts.end(keyOf(runId, chosen.activityId), false)
    await host.settle()
  }

  /** All that end for good, in one task. What is tried again is a turn of its own, and a death in between would lose the others. */
  async #endHere({ pendingActivities, runId }: Seen, forGood: boolean): Promise<void> {
    const { attempts, host } = this.#parts
    const keys = pendingActivities.map(({ activityId }) => keyOf(runId, activityId))
    for (const key of keys) if (forGood ? attempts.isRunning(key) : attempts.isLastOne(key)) attempts.end(key, forGood)
    await host.settle()
  }

  async #endAfar(runId: string, pending: PendingActivity): Promise<void> {
    const { host, attempts } = this.#parts
    const { activityId, state, attempt } = pending
    if (!isHeldAfar(pending)) return
    const job = await this.#farJob(runId, pending)
    if (!job.answers) return
    const stops = state === 'CancelRequested' ? job.stops : undefined
    const error = stops === undefined ? attempts.errorNow(keyOf(runId, activityId), job) : errorOf(stops)
    await host.tell(
      (loom) => {
        const handle = loom.activity({ workflowId: WORKFLOW_ID, runId, activityId })
        if (stops === 'canceled') return handle.reportCanceled('stopped')
        return error === undefined ? handle.complete('done') : handle.fail(error)
      },
      async () => (await this.#pending(runId, activityId))?.attempt !== attempt,
    )
  }

  async #beat({ pendingActivities, runId }: Seen, which: number): Promise<void> {
    const held = pendingActivities.filter(isHeldAfar)
    const chosen = held[which % held.length]
    if (chosen === undefined) return
    const { activityId } = chosen
    const details = `beat ${this.#newRequestId()}`
    await this.#ask((loom) => loom.activity({ workflowId: WORKFLOW_ID, runId, activityId }).heartbeat(details))
  }

  async #pending(runId: string, activityId: string): Promise<PendingActivity | undefined> {
    const seen = await this.look()
    return seen.runId === runId ? seen.pendingActivities.find((one) => one.activityId === activityId) : undefined
  }

  /** The worker may have lost its task with the host that answered its poll: history knows what it was. */
  async #farJob(runId: string, { activityId, scheduledEventId }: PendingActivity): Promise<FarJob> {
    const key = keyOf(runId, activityId)
    const known = this.#farJobs.get(key)
    if (known !== undefined) return known
    const { service, namespaceId } = this.#parts.host.loom
    const { events } = await service.getHistory({ namespaceId, workflowId: WORKFLOW_ID, runId }, scheduledEventId, 1)
    const [scheduled] = events
    if (scheduled?.eventType !== 'ActivityTaskScheduled') throw new Error(`event ${scheduledEventId} schedules nothing`)
    const job = decodePayload(scheduled.attributes.input![0]!) as FarJob
    this.#farJobs.set(key, job)
    return job
  }
}

function isHeldAfar({ activityType, state }: PendingActivity): boolean {
  return activityType === AFAR && state !== 'Scheduled'
}

function textOfAnswer(answer: object): string {
  return JSON.stringify('runId' in answer ? { runId: answer.runId } : answer)
}

function codeOf(error: unknown): string {
  if (isLoomError(error)) return error.code
  throw error
}

function tooLateIsFine(error: unknown): void {
  if (!TOO_LATE.some((code) => isLoomError(error, code))) throw error
}
