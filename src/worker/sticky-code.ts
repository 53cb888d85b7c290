/**
 * The code of one execution in this host: its run, and the workflow task that is open for it.
 *
 * Invariant: nothing is delivered between tasks, nor before the history has been read back; and nothing at all once it
 * is closed.
 */
import { backoffMs } from '../base/backoff.js'
import type { Clock, TimerHandle } from '../base/clock.js'
import { isLoomError, type LoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { LocalWorkflowTask } from '../protocol/local-workers.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type { Workflow } from '../workflow/definition.js'
import { decodeHeaders } from '../workflow/headers.js'
import type { WorkflowHooks, WorkflowTaskReport } from '../workflow/interceptors.js'
import type { LogLine, Problem, Quiescence, RunHost } from '../workflow/host.js'
import { damaged } from '../workflow/verdict.js'
import { replay } from '../workflow/replay.js'
import { WorkflowRun } from '../workflow/run.js'
import type { StepFunction } from '../workflow/steps.js'
import type { Train } from '../workflow/train.js'
import { writeLine } from './deferred-log.js'

/** What a code asks of its worker. */
export interface CodeHome {
  readonly train: Train
  readonly clock: Clock
  readonly logger: Logger
  readonly converter: DataConverter
  readonly hooks: WorkflowHooks | undefined
  /** A task has opened for it. */
  began(): void
  /** Its task is over, and the next may be open already; or it is closed. */
  rested(): void
  /** Behind the train: it may tell the application. */
  taskEnded(report: WorkflowTaskReport): void
}

const READ_AGAIN = { initialMs: 1000, coefficient: 2, maximumMs: 60_000 }

export class StickyCode implements RunHost {
  readonly #home: CodeHome
  readonly #run: WorkflowRun
  #task: LocalWorkflowTask | undefined
  /** The last one that was opened: through it the execution forgets this code. */
  #lastTask: LocalWorkflowTask
  #state: 'loading' | 'live' | 'closed'
  /** What the commands of the last task became that code can see: the next one begins with it. */
  #unseen: HistoryEvent[] | undefined
  /** Of the open task, to be written when that is durable. */
  #lines: LogLine[] | undefined
  /** Runs while its history could not be read. */
  #readingAgain: TimerHandle | undefined
  /** Of the open task, where interceptors are told of it. */
  #taskStartedAtMs = 0
  /** Used since the cache last looked. */
  isRecent = true

  constructor(home: CodeHome, definition: Workflow, task: LocalWorkflowTask) {
    this.#home = home
    const { train, converter, hooks } = home
    this.#run = new WorkflowRun({ definition, execution: task.execution, train, host: this, converter, hooks })
    this.#lastTask = task
    this.#state = task.isNew ? 'live' : 'loading'
  }

  /** A task is open for it, or is being opened. */
  get isAtWork(): boolean {
    return this.#task !== undefined
  }

  /** Undefined while it is being brought back or is at work, and when it is closed. */
  get runAtRest(): WorkflowRun | undefined {
    return this.#state === 'live' && this.#task === undefined ? this.#run : undefined
  }

  /** Something waits for the code in `task`. */
  wake(task: LocalWorkflowTask): void {
    if (this.#state === 'closed') return
    if (this.#task === undefined) {
      this.#task = this.#lastTask = task
      this.isRecent = true
      if (this.#home.hooks !== undefined) this.#taskStartedAtMs = this.#home.clock.nowMs()
      this.#home.began()
    }
    if (this.#state === 'live') this.#run.wake()
  }

  /** Reads the history back and goes on from there. The task stays open until that has worked or it is closed. */
  async load(attempt: number): Promise<void> {
    let history: readonly HistoryEvent[]
    try {
      history = await this.#lastTask.readHistory()
    } catch (error) {
      return isLoomError(error, 'LOOM_CORRUPT') ? this.#unreadable(error) : this.#readAgain(attempt, error)
    }
    if (this.#state !== 'loading') return
    this.#state = 'live'
    replay(this.#run, history)
  }

  /** The function of a step that is pending. */
  stepClosure(activityType: string): StepFunction | undefined {
    return this.#state === 'live' ? this.#run.stepClosure(activityType) : undefined
  }

  /** The cache has no room for it: the next task of the execution replays. */
  leave(): void {
    this.#lastTask.code = undefined
    this.close()
  }

  /** Nothing of it runs again. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#run.close()
    if (this.#readingAgain !== undefined) this.#home.clock.clearTimer(this.#readingAgain)
    if (this.#task === undefined) return
    this.#task = undefined
    this.#home.rested()
  }

  // For its run.

  get beginTimeMs(): number {
    return this.#lastTask.beginTimeMs
  }

  nextEvent(): HistoryEvent | undefined {
    return this.#takeUnseen() ?? this.#task?.nextEvent()
  }

  nextRecorded(): HistoryEvent | undefined {
    return this.#takeUnseen() ?? this.#task?.nextRecorded()
  }

  #takeUnseen(): HistoryEvent | undefined {
    return this.#unseen === undefined || this.#task === undefined ? undefined : this.#unseen.shift()
  }

  quiescent({ commands, problem }: Quiescence): void {
    const task = this.#task
    if (task === undefined) return
    this.#task = undefined
    this.#reportEnd(task, problem)
    this.#writeWhenDurable(task)
    // Ending the task may open the next one, and `wake` is called from in here.
    if (problem === undefined) this.#recorded(task.complete(commands))
    else task.fail(problem.cause, problem.failure, problem.hint, problem.eventId)
    this.#home.rested()
  }

  #recorded(events: readonly HistoryEvent[]): void {
    this.#run.recorded(events)
    // Of an activity that nobody had taken: to be asked to stop was its end.
    for (const event of events) if (event.eventType === 'ActivityTaskCanceled') (this.#unseen ??= []).push(event)
  }

  strayed({ failure, hint }: Problem): void {
    if (this.#state === 'closed') return
    const { namespaceId, workflowId, runId } = this.#lastTask.execution
    const message = `the workflow task that comes now will fail: ${failure.message}`
    this.#home.logger.error({ namespaceId, workflowId, runId, hint }, message)
    this.#lastTask.askForAnother()
  }

  log(line: LogLine): void {
    ;(this.#lines ??= []).push(line)
  }

  #reportEnd({ execution, workflowType, attempt, header }: LocalWorkflowTask, problem: Problem | undefined): void {
    const { hooks, clock, train } = this.#home
    if (hooks === undefined || hooks.taskEnded.length === 0) return
    const { workflowId, runId } = execution
    const times = { startedAtMs: this.#taskStartedAtMs, endedAtMs: clock.nowMs() }
    const about = { workflowId, runId, workflowType, attempt, failure: problem?.failure.message }
    train.later(() => this.#home.taskEnded({ ...about, ...times, headers: decodeHeaders(header) }))
  }

  #writeWhenDurable(task: LocalWorkflowTask): void {
    const lines = this.#lines
    if (lines === undefined) return
    this.#lines = undefined
    const { execution, workflowType } = task
    const about = { workflowId: execution.workflowId, runId: execution.runId, workflowType }
    task.whenDurable(() => {
      for (const line of lines) writeLine(this.#home.logger, about, line)
    })
  }

  /** Its history is damaged, which no waiting mends. A task that stayed open would hold up everything else of the execution. */
  #unreadable(error: LoomError): void {
    const task = this.#task
    if (this.#state !== 'loading' || task === undefined) return
    this.#task = undefined
    const { cause, failure, hint } = damaged(error)
    task.fail(cause, failure, hint)
    this.close()
    this.#home.rested()
  }

  #readAgain(attempt: number, error: unknown): void {
    // A task that is over has told why.
    if (this.#state !== 'loading') return
    const { clock, logger } = this.#home
    const { namespaceId, workflowId, runId } = this.#lastTask.execution
    logger.error({ error, namespaceId, workflowId, runId, attempt }, 'a history could not be read for its replay')
    this.#readingAgain = clock.setTimer(backoffMs(READ_AGAIN, attempt), () => void this.load(attempt + 1))
  }
}
