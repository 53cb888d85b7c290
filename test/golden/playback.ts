/**
 * A history service that answers every call as it was recorded: with it the runner itself is tested. What comes out is in
 * our words, beside attributes that no recording has.
 *
 * Invariant: it knows nothing of workflows; a call that is not the next recorded one is refused.
 */
import { LoomError, type ErrorCode } from '../../src/base/errors.js'
import type { HistoryEvent, WorkflowStatus } from '../../src/protocol/event.js'
import { DEFAULT_NAMESPACE_ID } from '../../src/protocol/ids.js'
import type { HistoryPage, WorkflowDescription } from '../../src/protocol/description.js'
import type { ExecutionTarget } from '../../src/protocol/ids.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type {
  SignalWithStartWorkflowRequest,
  StartWorkflowRequest,
  StartWorkflowResponse,
} from '../../src/protocol/start-requests.js'
import type { ActivityTask, WorkflowTask } from '../../src/protocol/worker-tasks.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { System } from './play.js'
import type { Call, ExpectedRun, GoldenEvent, JsonObject, Scenario } from './scenario.js'
import { toOurWords } from './words.js'

const CODES: Readonly<Record<string, ErrorCode>> = {
  INVALID_ARGUMENT: 'LOOM_INVALID_ARGUMENT',
  NOT_FOUND: 'LOOM_NOT_FOUND',
  ALREADY_EXISTS: 'LOOM_ALREADY_EXISTS',
}

/** Attributes of ours that are in no recording. */
export const NOT_RECORDED = { identity: 'worker 1', requestId: 'request 1', historySizeBytes: 123 } as const

export function openPlayback(scenario: Scenario, clock: VirtualClock): Promise<System> {
  const history = new Playback(scenario, clock)
  return Promise.resolve({ history, namespaceId: DEFAULT_NAMESPACE_ID, close: () => Promise.resolve() })
}

/** Made up, the same for a label each time. */
function runIdOfLabel(scenario: Scenario, label: string): string {
  const number = scenario.runs.findIndex((run) => run.label === label)
  return `019a0000-0000-7000-8000-${number === -1 ? 'f'.repeat(12) : String(number).padStart(12, '0')}`
}

class Playback implements HistoryService {
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  readonly #beganMs: number
  #at = 0
  #starts = 0
  #isTimerSet = false
  /** Workflow ids. */
  readonly #deleted = new Set<string>()

  constructor(scenario: Scenario, clock: VirtualClock) {
    this.#scenario = scenario
    this.#clock = clock
    this.#beganMs = clock.nowMs()
  }

  async startWorkflow({ workflowId }: StartWorkflowRequest): Promise<StartWorkflowResponse> {
    this.#next('StartWorkflowExecution')
    return this.#started(workflowId)
  }

  async signalWithStartWorkflow({ workflowId }: SignalWithStartWorkflowRequest): Promise<StartWorkflowResponse> {
    this.#next('SignalWithStartWorkflowExecution')
    return this.#started(workflowId)
  }

  #started(workflowId: string): StartWorkflowResponse {
    const runs = this.#scenario.runs.filter((run) => run.workflowId === workflowId)
    const wait = (): Promise<never> => Promise.reject(new Error('nobody waits here'))
    const closed = { wait }
    // Deleted before the recorder could read it.
    if (runs.length === 0) return { runId: runIdOfLabel(this.#scenario, 'none'), started: true, closed }
    const { label } = runs[Math.min(this.#starts++, runs.length - 1)]!
    return { runId: runIdOfLabel(this.#scenario, label), started: true, closed }
  }

  async deleteWorkflow({ workflowId }: ExecutionTarget): Promise<void> {
    this.#next('DeleteWorkflowExecution')
    this.#deleted.add(workflowId)
  }

  async describeWorkflow({ workflowId, runId }: ExecutionTarget): Promise<WorkflowDescription> {
    if (this.#deleted.has(workflowId)) throw new LoomError('LOOM_NOT_FOUND', 'as recorded')
    if (this.#scenario.calls[this.#at]?.verb !== 'DescribeWorkflowExecution')
      return descriptionOf(workflowId, this.#run(runId).status)
    const { moment } = this.#next('DescribeWorkflowExecution')
    const pending = this.#scenario.pending.find((candidate) => candidate.moment === moment) ?? {}
    return { ...descriptionOf(workflowId, 'Running'), ...toOurPending(pending) }
  }

  async getHistory({ runId }: ExecutionTarget, from: number, limit: number): Promise<HistoryPage> {
    const run = this.#run(runId)
    const events: HistoryEvent[] = []
    for (const event of run.events) {
      const eventTimeMs = this.#beganMs + Number(event['atMs'] ?? 0)
      events.push(toOurEvent(this.#scenario, run, event, Math.max(eventTimeMs, events.at(-1)?.eventTimeMs ?? 0)))
    }
    const nextEventId = from + limit <= events.length ? from + limit : undefined
    return { events: events.slice(from - 1, from - 1 + limit), nextEventId }
  }

  pollWorkflowTask(): Promise<WorkflowTask | undefined> {
    return Promise.resolve(this.#poll('PollWorkflowTaskQueue') as WorkflowTask | undefined)
  }

  pollActivityTask(): Promise<ActivityTask | undefined> {
    return Promise.resolve(this.#poll('PollActivityTaskQueue') as ActivityTask | undefined)
  }

  async respondWorkflowTaskCompleted(): Promise<{ readonly newTask: WorkflowTask | undefined }> {
    const { newTask } = this.#next('RespondWorkflowTaskCompleted')
    return { newTask: newTask === undefined ? undefined : (this.#task() as WorkflowTask) }
  }

  signalWorkflow = this.#plain('SignalWorkflowExecution')
  requestCancelWorkflow = this.#plain('RequestCancelWorkflowExecution')
  terminateWorkflow = this.#plain('TerminateWorkflowExecution')
  respondWorkflowTaskFailed = this.#plain('RespondWorkflowTaskFailed')
  respondActivityTaskCompleted = this.#plain('RespondActivityTaskCompleted')
  respondActivityTaskFailed = this.#plain('RespondActivityTaskFailed')
  respondActivityTaskCanceled = this.#plain('RespondActivityTaskCanceled')
  recordActivityTaskHeartbeat = this.#answering('RecordActivityTaskHeartbeat', { cancelRequested: false })
  recordActivityTaskHeartbeatById = this.#answering('RecordActivityTaskHeartbeatById', { cancelRequested: false })
  respondActivityTaskCompletedById = this.#plain('RespondActivityTaskCompletedById')
  respondActivityTaskFailedById = this.#plain('RespondActivityTaskFailedById')
  respondActivityTaskCanceledById = this.#plain('RespondActivityTaskCanceledById')
  waitClosed = (): Promise<never> => Promise.reject(new Error('no scenario calls this'))
  resetStickyTaskQueue = (): Promise<never> => Promise.reject(new Error('no scenario calls this'))
  queryWorkflow = (): Promise<never> => Promise.reject(new Error('no scenario calls this'))
  respondQueryTaskCompleted = (): Promise<never> => Promise.reject(new Error('no scenario calls this'))
  retryStalled = (): Promise<never> => Promise.reject(new Error('no scenario calls this'))

  #answering<T>(verb: string, answer: T): () => Promise<T> {
    return async () => {
      this.#next(verb)
      return answer
    }
  }

  #plain(verb: string): () => Promise<void> {
    return async () => void this.#next(verb)
  }

  /** Throws what the recorded server answered. */
  #next(verb: string): Call {
    const call = this.#scenario.calls[this.#at++]
    if (call?.verb !== verb) throw new Error(`expected ${call?.verb ?? 'no more calls'}, got ${verb}`)
    if (call.errorCode !== undefined) throw new LoomError(CODES[call.errorCode]!, 'as recorded')
    return call
  }

  /** A long poll is answered when it was answered then. */
  #poll(verb: string): object | undefined {
    const { doneMs = 0, expectsNothing } = this.#scenario.calls[this.#at]!
    const leftMs = this.#beganMs + doneMs - this.#clock.nowMs()
    if (leftMs > 0) {
      if (!this.#isTimerSet) this.#clock.setTimer(leftMs, () => {})
      this.#isTimerSet = true
      return undefined
    }
    this.#isTimerSet = false
    this.#next(verb)
    return expectsNothing ? undefined : this.#task()
  }

  /** Of the run that began last. */
  #task(): object {
    const run = this.#scenario.runs[Math.max(0, Math.min(this.#starts, this.#scenario.runs.length) - 1)]!
    return { token: { workflowId: run.workflowId, runId: runIdOfLabel(this.#scenario, run.label) } }
  }

  #run(runId: string | undefined): ExpectedRun {
    return this.#scenario.runs.find(({ label }) => runIdOfLabel(this.#scenario, label) === runId)!
  }
}

function toOurEvent(scenario: Scenario, run: ExpectedRun, recorded: GoldenEvent, eventTimeMs: number): HistoryEvent {
  const { eventId, eventType, atMs: _, ...words } = withRunIds(scenario, run, recorded)
  const isFirst = eventType === 'WorkflowExecutionStarted'
  const ours = { ...NOT_RECORDED, ...(isFirst ? { workflowId: run.workflowId } : {}) }
  return { eventId, eventType, eventTimeMs, version: 0, attributes: { ...ours, ...toOurWords(words) } } as never
}

function withRunIds(scenario: Scenario, run: ExpectedRun, event: GoldenEvent): GoldenEvent & JsonObject {
  const stretchedSeconds = Number(run.events[0]!['workflowTaskTimeout']) * 2
  const text = JSON.stringify(event)
    .replaceAll('"stretched"', String(stretchedSeconds))
    .replaceAll(/"(run\d+)"/g, (_, label: string) => `"${runIdOfLabel(scenario, label)}"`)
    .replaceAll(/runID: (run\d+)/g, (_, label: string) => `runID: ${runIdOfLabel(scenario, label)}`)
  return JSON.parse(text) as GoldenEvent
}

function toOurPending({ moment: _, ...pending }: JsonObject): Partial<WorkflowDescription> {
  const activities = (pending['pendingActivities'] ?? []) as readonly JsonObject[]
  return { ...pending, pendingActivities: activities.map((activity) => toOurWords(activity)) } as never
}

function descriptionOf(workflowId: string, status: string): WorkflowDescription {
  return {
    ...{ workflowId, runId: '', firstExecutionRunId: '', workflowType: 'wf', taskQueue: 'tq' },
    status: status as WorkflowStatus,
    ...{ historyLength: 0, historySizeBytes: 0, startTimeMs: 0, closeTimeMs: undefined },
    ...{
      pendingActivities: [],
      pendingTimers: [],
      pendingWorkflowTask: undefined,
      memo: undefined,
      searchAttributes: undefined,
      stalled: undefined,
    },
  }
}
