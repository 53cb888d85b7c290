/**
 * New code over saved histories: does it ask for what was asked for then? Nothing is run but the workflow's own code, and
 * nothing is written anywhere.
 */
import { systemClock } from '../base/clock.js'
import { Deferred } from '../base/deferred.js'
import { LoomError } from '../base/errors.js'
import type { HistoryEvent } from '../protocol/event.js'
import { DEFAULT_NAMESPACE_ID } from '../protocol/ids.js'
import { newDataConverter, type DataConverter } from '../workflow/data-converter.js'
import { isMade, type Workflow } from '../workflow/definition.js'
import type { Problem, Quiescence, RunHost } from '../workflow/host.js'
import { checkOptions } from '../workflow/options.js'
import type { DataConverterOptions } from '../workflow/payload-codec.js'
import { replay } from '../workflow/replay.js'
import { WorkflowRun } from '../workflow/run.js'
import { Train } from '../workflow/train.js'
import { differenceText } from './difference-text.js'
import { readSaved, type SavedHistory } from './saved-history.js'

/** What became of one history. */
export interface ReplayResult {
  readonly workflowId: string
  readonly runId: string
  readonly eventCount: number
  /** Undefined: the code fits. */
  readonly difference: ReplayDifference | undefined
}

/** The first place where the code cannot go on as its history does. */
export interface ReplayDifference {
  /** The recorded event that the code does not agree with; where it threw, the last event that it saw. */
  readonly eventId: number
  /** 'NonDeterministicError': it asks for something else. 'WorkflowWorkerUnhandledFailure': it threw what is no failure. */
  readonly reason: string
  readonly message: string
  /** What to do. */
  readonly hint: string
  /** All of that over several lines, with the events around it: for people. */
  readonly text: string
}

/** With what histories are checked. */
export interface CheckReplayOptions {
  /** What they were written with, as `openLoom` was given it. Nothing is encoded. Default: the built-in one. */
  readonly dataConverter?: DataConverterOptions | undefined
}

const OPTIONS: ReadonlySet<string> = new Set<keyof CheckReplayOptions>(['dataConverter'])

/**
 * Runs the code of `definition` over each of the histories, and says for each whether it fits, in their order. Rejects with
 * LOOM_INVALID_ARGUMENT when one of them cannot be read, or is of another workflow, and with LOOM_CODEC_FAILED when one cannot
 * be decoded.
 */
export async function checkReplay(
  definition: Workflow,
  histories: Iterable<SavedHistory> | AsyncIterable<SavedHistory>,
  options: CheckReplayOptions = {},
): Promise<readonly ReplayResult[]> {
  if (!isMade(definition, 'workflow'))
    throw new LoomError('LOOM_INVALID_ARGUMENT', 'checkReplay: its first argument was not made by workflow()')
  checkOptions(options, OPTIONS, 'options')
  const converter = newDataConverter(options.dataConverter).readOnly
  const train = new Train({ clock: systemClock })
  const results: ReplayResult[] = []
  for await (const saved of histories) results.push(await checkOne(definition, readSaved(saved), train, converter))
  return results
}

async function checkOne(
  definition: Workflow,
  history: readonly HistoryEvent[],
  train: Train,
  converter: DataConverter,
): Promise<ReplayResult> {
  const { workflowType, workflowId = '', originalExecutionRunId: runId } = startedOf(history)
  if (workflowType !== definition.name) {
    const message = `the history is of workflow '${workflowType}', and the code of '${definition.name}'`
    throw new LoomError('LOOM_INVALID_ARGUMENT', message)
  }
  const host = new CheckHost(definition, { namespaceId: DEFAULT_NAMESPACE_ID, workflowId, runId }, train, converter)
  const problem = await host.run(history)
  if (problem?.unreadable !== undefined) throw problem.unreadable
  const difference = problem && differenceOf(problem, history)
  return { workflowId, runId, eventCount: history.length, difference }
}

export function startedOf([first]: readonly HistoryEvent[]): (HistoryEvent & {
  eventType: 'WorkflowExecutionStarted'
})['attributes'] {
  if (first?.eventType === 'WorkflowExecutionStarted') return first.attributes
  throw new LoomError('LOOM_INVALID_ARGUMENT', 'the history does not begin with WorkflowExecutionStarted')
}

function differenceOf(problem: Problem, history: readonly HistoryEvent[]): ReplayDifference {
  const { cause: reason, failure, hint, eventId = history.length } = problem
  return { eventId, reason, message: failure.message, hint, text: differenceText(problem, history) }
}

class CheckHost implements RunHost {
  beginTimeMs = 0
  readonly #run: WorkflowRun
  readonly #train: Train
  readonly #over = new Deferred<Problem | undefined>()

  constructor(definition: Workflow, execution: WorkflowRunExecution, train: Train, converter: DataConverter) {
    this.#train = train
    this.#run = new WorkflowRun({ definition, execution, train, host: this, converter })
  }

  async run(history: readonly HistoryEvent[]): Promise<Problem | undefined> {
    this.beginTimeMs = history.at(-1)!.eventTimeMs
    replay(this.#run, history)
    const problem = await this.#over.promise
    this.#run.close()
    return problem
  }

  nextEvent(): undefined {
    return undefined
  }

  nextRecorded(): undefined {
    return undefined
  }

  quiescent({ problem }: Quiescence): void {
    // Behind the train, where no other window is open.
    this.#train.later(() => this.#over.resolve(problem))
  }

  strayed(problem: Problem): void {
    this.#over.resolve(problem)
  }

  log(): void {}
}

type WorkflowRunExecution = ConstructorParameters<typeof WorkflowRun>[0]['execution']
