/**
 * A workflow task in the hands of this host's own workflow worker, open from its first cause to quiescence.
 *
 * Invariant: what it delivers is history's order; nothing of it is staged before `complete`, `fail` or `abandon`, and after
 * one of them, or `forget`, every call is without effect.
 */
import { isLoomError, LoomError } from '../base/errors.js'
import type { Command } from '../protocol/command.js'
import type { HistoryEvent, WorkflowTaskFailedCause } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { Header } from '../protocol/payload.js'
import type { LocalWorkflowTask } from '../protocol/local-workers.js'
import { BadCommandError, OversizedCommandError } from '../machine/errors.js'
import { completeLocalWorkflowTask, failLocalWorkflowTask } from '../machine/local-workflow-task.js'
import { keptFailure } from '../machine/weights.js'
import type { LiveTurn } from '../machine/machine.js'
import { scheduleWorkflowTask } from '../machine/workflow-task.js'
import type { ExecutionView } from './contract.js'
import { checkCommandsFit, TOO_LARGE } from './limits.js'

const NO_EVENTS: readonly HistoryEvent[] = []

export class OpenTask implements LocalWorkflowTask {
  readonly #execution: ExecutionView
  readonly beginTimeMs: number
  readonly isNew: boolean
  /** Index in the turn's events of the next one to deliver. */
  #cursor = 0
  #deliveredCount = 0
  #isOver = false

  constructor(execution: ExecutionView) {
    this.#execution = execution
    this.beginTimeMs = execution.host.clock.nowMs()
    this.isNew = execution.turn.events[0]?.eventType === 'WorkflowExecutionStarted'
  }

  get execution(): ExecutionRef {
    return this.#execution
  }

  get workflowType(): string {
    return this.#execution.state.started!.attributes.workflowType
  }

  get taskQueue(): string {
    return this.#execution.state.started!.attributes.taskQueue
  }

  get attempt(): number {
    return this.#execution.state.workflowTaskProgress?.attempt ?? 1
  }

  get header(): Header | undefined {
    return this.#execution.state.started!.attributes.header
  }

  get code(): unknown {
    return this.#execution.code
  }

  set code(code: unknown) {
    this.#execution.code = code
  }

  get isOver(): boolean {
    return this.#isOver
  }

  async readHistory(): Promise<readonly HistoryEvent[]> {
    const execution = this.#execution
    const before = await execution.host.readDurable(execution)
    if (this.#isOver) throw execution.goneBy ?? new LoomError('LOOM_ABORTED', 'the workflow task is over')
    const { events } = execution.turn
    this.#cursor = events.length
    return [...before, ...events]
  }

  nextEvent(): HistoryEvent | undefined {
    const execution = this.#execution
    for (;;) {
      const recorded = this.nextRecorded()
      if (recorded !== undefined || this.#isOver) return recorded
      if (this.#deliveredCount >= execution.host.settings.maxCausesPerLocalTask) return undefined
      const cause = execution.nextCause()
      if (cause === undefined) return undefined
      execution.apply(cause)
    }
  }

  nextRecorded(): HistoryEvent | undefined {
    if (this.#isOver) return undefined
    // The turn's list of events is another one once it has its first.
    const { events } = this.#execution.turn
    while (this.#cursor < events.length) {
      const event = events[this.#cursor++]!
      if (!isSeenByCode(event)) continue
      this.#deliveredCount++
      return event
    }
    return undefined
  }

  complete(commands: readonly Command[]): readonly HistoryEvent[] {
    if (this.#isOver) return NO_EVENTS
    try {
      return this.#complete(commands)
    } catch (error) {
      this.#mistakeOfOurs(error)
      return NO_EVENTS
    }
  }

  #complete(commands: readonly Command[]): readonly HistoryEvent[] {
    const execution = this.#execution
    const { turn, host } = execution
    turn.nowMs = host.clock.nowMs()
    let firstCommand: number
    let commandBytes: number
    try {
      commandBytes = checkCommandsFit(commands, host.settings, execution.workflowId)
      firstCommand = completeLocalWorkflowTask(turn, {
        beginTimeMs: this.beginTimeMs,
        identity: host.identity,
        sdk: host.sdk,
        commands,
        historySizeBytes: execution.sizeBytes,
      })
    } catch (error) {
      this.#refuse(error)
      return NO_EVENTS
    }
    const recorded = turn.events.slice(firstCommand)
    this.#isOver = true
    if (!execution.isOpen) execution.refuseCauses()
    execution.closeTask(commandBytes)
    return recorded
  }

  /** The commands cannot be: the task fails for it, and nothing else. */
  #refuse(error: unknown): void {
    if (error instanceof BadCommandError && !(error instanceof OversizedCommandError)) {
      const { failedCause, message } = error
      const failure = { type: 'application', message, applicationType: 'BadCommand' } as const
      return this.#fail(failedCause, failure, 'Mend the call and deploy.', undefined)
    }
    const isOversized = error instanceof OversizedCommandError
    if (!isOversized && !isLoomError(error, 'LOOM_INVALID_ARGUMENT')) throw error
    const message = isOversized ? error.detail : error.message
    const failure = { type: 'application', message, applicationType: TOO_LARGE } as const
    this.#fail('PayloadsTooLarge', failure, 'Start fewer at once, or pass references instead of data.', undefined)
  }

  fail(cause: WorkflowTaskFailedCause, failure: Failure, hint: string, eventId?: number): void {
    if (this.#isOver) return
    try {
      this.#fail(cause, failure, hint, eventId)
    } catch (error) {
      this.#mistakeOfOurs(error)
    }
  }

  #fail(cause: WorkflowTaskFailedCause, thrown: Failure, hint: string, eventId: number | undefined): void {
    const failure = keptFailure(thrown)
    const execution = this.#execution
    const { turn, host, state } = execution
    turn.nowMs = host.clock.nowMs()
    const stall = {
      eventId: eventId ?? state.workflowTask?.scheduledEventId ?? state.nextEventId,
      reason:
        cause === 'WorkflowWorkerUnhandledFailure' || cause === 'NonDeterministicError'
          ? cause
          : ('BadCommand' as const),
      message: failure.message,
      hint,
      fingerprint: host.fingerprint(this.workflowType),
      sinceMs: state.stall?.sinceMs ?? turn.nowMs,
      retryAtMs: turn.nowMs + host.settings.stalledRetryMs,
      stackTrace: failure.stackTrace ?? '',
      ...(failure.encodedAttributes && { encodedAttributes: failure.encodedAttributes }),
    }
    failLocalWorkflowTask(turn, {
      beginTimeMs: this.beginTimeMs,
      cause,
      failure,
      identity: host.identity,
      historySizeBytes: execution.sizeBytes,
      stall,
    })
    host.logger.error(
      { ...executionFields(execution), cause, hint, stackTrace: failure.stackTrace },
      `workflow task failed, the execution is stalled: ${failure.message}`,
    )
    this.#isOver = true
    execution.dropCode()
    execution.closeTask(0)
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    const execution = this.#execution
    execution.dropCode()
    const { state, turn } = execution
    const scheduledEventId = state.workflowTaskProgress?.scheduledEventId ?? state.workflowTask?.scheduledEventId ?? 0
    // What was scheduled stays scheduled, and waits in the backlog like any task that nobody took.
    turn.addTask({ type: 'DispatchWorkflowTask', scheduledEventId })
    execution.closeTask(0)
  }

  askForAnother(): void {
    const decide = (turn: LiveTurn): void => {
      if (turn.state.closed === undefined) scheduleWorkflowTask(turn)
    }
    this.#execution.submitCause({ decide, resolve: () => {}, reject: () => {} })
  }

  whenDurable(fn: () => void): void {
    if (!this.#isOver) this.#execution.addEffect({ perform: fn, takeBack: () => {} })
  }

  /** The worker that called may not be thrown at: its train carries other executions. */
  #mistakeOfOurs(error: unknown): void {
    const { host, shard } = this.#execution
    this.#isOver = true
    host.failShard(shard, error instanceof Error ? error : new Error(String(error)))
  }

  /** The execution is gone: nothing more happens here. */
  forget(): void {
    this.#isOver = true
  }
}

function executionFields({ namespaceId, workflowId, runId }: ExecutionRef): object {
  return { namespaceId, workflowId, runId }
}

/** What workflow code is told of. The rest is bookkeeping between. */
export function isSeenByCode(event: HistoryEvent): boolean {
  switch (event.eventType) {
    case 'WorkflowExecutionStarted':
    case 'WorkflowExecutionSignaled':
    case 'WorkflowExecutionCancelRequested':
    case 'ActivityTaskCompleted':
    case 'ActivityTaskFailed':
    case 'ActivityTaskTimedOut':
    case 'ActivityTaskCanceled':
    case 'TimerFired':
      return true
    default:
      return false
  }
}
