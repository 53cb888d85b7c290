/**
 * The workflow worker of a loom: it has the code of the loom's definitions, and drives that of each execution whose
 * task is given to it.
 *
 * Invariant: at most one sticky code an execution, which the execution itself holds; a bounded number of them at rest.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { LocalQuery } from '../protocol/query.js'
import type { LocalActivityTask, LocalWorkflowTask, LocalWorkflowWorker } from '../protocol/local-workers.js'
import type { DataConverter } from '../workflow/data-converter.js'
import type { WorkflowHooks, WorkflowTaskReport } from '../workflow/interceptors.js'
import { fingerprint, type Workflow } from '../workflow/definition.js'
import type { StepFunction } from '../workflow/steps.js'
import type { Train } from '../workflow/train.js'
import type { StepSource } from './activity-worker.js'
import { CodeCache } from './code-cache.js'
import { LoomError } from '../base/errors.js'
import type { Payloads } from '../protocol/payload.js'
import { answerByReplay, askRun } from './query-code.js'
import { Rest } from './rest.js'
import { replayStep, stepCodeGone } from './step-code.js'
import { StickyCode, type CodeHome } from './sticky-code.js'

export interface WorkflowWorkerParts {
  readonly namespaceId: string
  readonly taskQueues: ReadonlySet<string>
  readonly workflows: ReadonlyMap<string, Workflow>
  readonly codeCacheCount: number
  readonly converter: DataConverter
  /** Default: none. */
  readonly hooks?: WorkflowHooks | undefined
  readonly train: Train
  readonly clock: Clock
  readonly logger: Logger
  /** Durable events of a run: for a step whose code is not in memory. */
  readonly readHistory: (execution: ExecutionRef) => Promise<readonly HistoryEvent[]>
}

export class WorkflowWorker implements LocalWorkflowWorker, StepSource, CodeHome {
  readonly train: Train
  readonly clock: Clock
  readonly logger: Logger
  readonly converter: DataConverter
  readonly hooks: WorkflowHooks | undefined
  readonly #parts: WorkflowWorkerParts
  readonly #codes: CodeCache
  /** By workflow type: computed when first asked for. */
  readonly #fingerprints = new Map<string, string>()
  /** Tasks that are open. */
  #openCount = 0
  #isDraining = false
  readonly #rest: Rest

  constructor(parts: WorkflowWorkerParts) {
    this.#parts = parts
    this.train = parts.train
    this.clock = parts.clock
    this.logger = parts.logger
    this.converter = parts.converter
    this.hooks = parts.hooks
    this.#rest = new Rest(parts.clock)
    this.#codes = new CodeCache(parts.codeCacheCount)
  }

  /** Executions whose code is in memory. */
  get codeCount(): number {
    return this.#codes.size
  }

  accepts(namespaceId: string, taskQueue: string, workflowType: string): boolean {
    const { namespaceId: own, taskQueues, workflows } = this.#parts
    return !this.#isDraining && namespaceId === own && taskQueues.has(taskQueue) && workflows.has(workflowType)
  }

  fingerprint(workflowType: string): string {
    const known = this.#fingerprints.get(workflowType)
    if (known !== undefined) return known
    const definition = this.#parts.workflows.get(workflowType)
    const made = definition === undefined ? '' : fingerprint(definition)
    this.#fingerprints.set(workflowType, made)
    return made
  }

  wake(task: LocalWorkflowTask): void {
    const code = task.code as StickyCode | undefined
    if (code === undefined) this.#begin(task)
    else code.wake(task)
  }

  evicted(code: unknown): void {
    const sticky = code as StickyCode
    this.#codes.remove(sticky)
    sticky.close()
  }

  #begin(task: LocalWorkflowTask): void {
    const definition = this.#parts.workflows.get(task.workflowType)
    if (definition === undefined) return task.abandon()
    const code = new StickyCode(this, definition, task)
    task.code = code
    this.#codes.add(code)
    code.wake(task)
    // It looks after its own errors.
    if (!task.isNew) void code.load(1)
  }

  async query({
    execution,
    workflowType,
    code,
    queryType,
    queryArgs,
    readHistory,
  }: LocalQuery): Promise<Payloads | undefined> {
    const { train, converter, hooks } = this
    const run = (code as StickyCode | undefined)?.runAtRest
    if (run !== undefined) return await askRun(run, train, queryType, queryArgs)
    const definition = this.#parts.workflows.get(workflowType)
    if (definition === undefined)
      throw new LoomError('LOOM_NOT_SUPPORTED', `no workflow '${workflowType}' is defined here`)
    const parts = { definition, execution, train, converter, hooks }
    return await answerByReplay(parts, await readHistory(), queryType, queryArgs)
  }

  /** Takes no more tasks; resolves when those that are open have ended, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true
    if (this.#openCount > 0) await this.#rest.wait(graceMs)
  }

  // For codes.

  began(): void {
    this.#openCount++
  }

  taskEnded(report: WorkflowTaskReport): void {
    for (const tell of this.hooks?.taskEnded ?? []) {
      try {
        tell(report)
      } catch (error) {
        this.logger.error({ error, workflowId: report.workflowId }, 'an interceptor threw in taskEnded')
      }
    }
  }

  rested(): void {
    this.#openCount--
    this.#codes.trim()
    // Behind the train: who waits for it may tell the application.
    if (this.#isDraining && this.#openCount === 0) this.train.later(() => this.#rest.reached())
  }

  // For steps.

  closure(code: unknown, activityType: string): StepFunction | undefined {
    return (code as StickyCode | undefined)?.stepClosure(activityType)
  }

  async replayedClosure({ execution, workflowType, activityType }: LocalActivityTask): Promise<StepFunction> {
    const { workflows, train, logger, converter, readHistory, hooks } = this.#parts
    const definition = workflows.get(workflowType)
    if (definition === undefined) throw stepCodeGone(activityType, `no workflow '${workflowType}' is defined here`)
    const { namespaceId, workflowId, runId } = execution
    const history = await readHistory({ namespaceId, workflowId, runId })
    return await replayStep({ definition, execution, train, logger, converter, hooks }, history, activityType)
  }
}
