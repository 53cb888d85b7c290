/**
 * A host that keeps a history: it records tasks as a local worker does, whole and at quiescence, and each cause when
 * it is handed out.
 */
import { systemClock } from '../../src/base/clock.js'
import type { Command } from '../../src/protocol/command.js'
import type { EventAttributes, EventType, HistoryEvent } from '../../src/protocol/event.js'
import type { Failure } from '../../src/protocol/failure.js'
import { BUILT_IN, type DataConverter } from '../../src/workflow/data-converter.js'
import type { Workflow } from '../../src/workflow/definition.js'
import type { LogLine, Problem, Quiescence, RunHost } from '../../src/workflow/host.js'
import { replay } from '../../src/workflow/replay.js'
import { WorkflowRun } from '../../src/workflow/run.js'
import { encodeChecked } from '../../src/workflow/schema.js'
import { Train } from '../../src/workflow/train.js'

export const EXECUTION = {
  namespaceId: '32049b68-7872-4094-8e63-d0dd59896a83',
  workflowId: 'wf-1',
  runId: '01890000-0000-7000-8000-000000000001',
}

const STARTED_AT_MS = 1_700_000_000_000

type Cause = {
  readonly [T in EventType]: { readonly eventType: T; readonly attributes: EventAttributes[T] }
}[EventType]

export class FakeHost implements RunHost {
  readonly history: HistoryEvent[] = []
  readonly commands: Command[][] = []
  readonly lines: LogLine[] = []
  readonly strays: Problem[] = []
  readonly train: Train
  problem: Problem | undefined
  /** Wall clock of this host; each event is a millisecond later than the one before. */
  nowMs = STARTED_AT_MS
  beginTimeMs = 0
  /** Causes handed out in one task, at most. */
  maxCauses = 1000
  run!: WorkflowRun
  converter: DataConverter = BUILT_IN
  isOpen = false
  quiescents = 0
  /** What its start says beside the usual. */
  startedWith: Partial<EventAttributes['WorkflowExecutionStarted']> = {}
  /** Answers each activity at once; a Failure fails it. */
  answer:
    | ((command: Command & { type: 'ScheduleActivityTask' }) => { value?: unknown; failure?: Failure } | undefined)
    | undefined
  /** Each list is recorded at once, as timers that are due together are. */
  #inbox: Cause[][] = []
  /** Recorded, and not handed out yet. */
  #recorded: HistoryEvent[] = []
  #handedOut = 0
  #resting: (() => void)[] = []

  constructor(train: Train = new Train({ clock: systemClock })) {
    this.train = train
  }

  start(definition: Workflow, input?: unknown, execution: typeof EXECUTION = EXECUTION): this {
    this.run = new WorkflowRun({ definition, execution, train: this.train, host: this, converter: this.converter })
    const attributes = { ...startedAttributes(definition, input, execution, this.converter), ...this.startedWith }
    this.#inbox.push([{ eventType: 'WorkflowExecutionStarted', attributes }])
    this.#open()
    return this
  }

  /** New code from the history of `other`; whatever `other` has not delivered is dropped. */
  replayOf(definition: Workflow, history: readonly HistoryEvent[], execution: typeof EXECUTION = EXECUTION): this {
    this.run = new WorkflowRun({ definition, execution, train: this.train, host: this, converter: this.converter })
    this.history.push(...history)
    this.nowMs = (history.at(-1)?.eventTimeMs ?? this.nowMs - 1) + 1
    this.#begin()
    replay(this.run, history)
    return this
  }

  signal(signalName: string, payload?: unknown): this {
    const input = encodeChecked(undefined, payload, 'signal', this.converter)
    return this.happen({
      eventType: 'WorkflowExecutionSignaled',
      attributes: { signalName, input, identity: '', requestId: '' },
    })
  }
  fire(timerId: number): this {
    const started = this.#find('TimerStarted', (attributes) => attributes.timerId === String(timerId))
    return this.happen({ eventType: 'TimerFired', attributes: { timerId: String(timerId), startedEventId: started } })
  }
  complete(activityId: number, value?: unknown): this {
    const result = encodeChecked(undefined, value, 'result', this.converter)
    const scheduledEventId = this.scheduled(activityId)
    return this.happen({
      eventType: 'ActivityTaskCompleted',
      attributes: { result, scheduledEventId, startedEventId: 0, identity: '' },
    })
  }
  fail(activityId: number, failure: Failure): this {
    const scheduledEventId = this.scheduled(activityId)
    const attributes = {
      failure,
      scheduledEventId,
      startedEventId: 0,
      identity: '',
      retryState: 'MaximumAttemptsReached',
    } as const
    return this.happen({ eventType: 'ActivityTaskFailed', attributes })
  }
  /** The activity was asked to stop, and has. */
  canceled(activityId: number): this {
    const scheduledEventId = this.scheduled(activityId)
    const ids = { latestCancelRequestedEventId: 0, startedEventId: 0, scheduledEventId }
    return this.happen({ eventType: 'ActivityTaskCanceled', attributes: { details: undefined, identity: '', ...ids } })
  }
  requestCancel(cause = ''): this {
    const attributes = { cause, identity: '', requestId: '' }
    return this.happen({ eventType: 'WorkflowExecutionCancelRequested', attributes })
  }
  scheduled(activityId: number): number {
    return this.#find('ActivityTaskScheduled', (attributes) => attributes.activityId === String(activityId))
  }

  happen(...causes: Cause[]): this {
    for (const cause of causes) this.#inbox.push([cause])
    this.#open()
    return this
  }
  /** What has happened so far and is not recorded yet is recorded at once. */
  together(): this {
    if (this.#inbox.length > 0) this.#inbox = [this.#inbox.flat()]
    return this
  }

  /** Resolves when the code is at rest and nothing waits for it. */
  async rest(): Promise<this> {
    if (this.isOpen) await new Promise<void>((resolve) => this.#resting.push(resolve))
    return this
  }

  nextEvent(): HistoryEvent | undefined {
    if (!this.isOpen) return undefined
    const recorded = this.nextRecorded()
    if (recorded !== undefined || this.#handedOut >= this.maxCauses) return recorded
    const causes = this.#inbox.shift()
    if (causes === undefined) return undefined
    this.#recorded = causes.map(({ eventType, attributes }) => this.record(eventType, attributes))
    if (this.#handedOut === 0)
      this.record('WorkflowTaskScheduled', { taskQueue: 'q', startToCloseTimeoutMs: 10_000, attempt: 1 })
    this.#handedOut += causes.length
    return this.nextRecorded()
  }

  nextRecorded(): HistoryEvent | undefined {
    return this.#recorded.shift()
  }

  quiescent({ commands, problem }: Quiescence): void {
    this.quiescents++
    if (!this.isOpen) return
    this.isOpen = false
    if (problem === undefined) this.#complete(commands)
    else this.problem = problem
    if (this.#inbox.length > 0 && problem === undefined && this.closing === undefined) this.#open()
    else this.train.later(() => this.#resting.splice(0).forEach((resolve) => resolve()))
  }

  strayed(problem: Problem): void {
    this.strays.push(problem)
  }
  log(line: LogLine): void {
    this.lines.push(line)
  }

  record<T extends EventType>(eventType: T, attributes: EventAttributes[T]): HistoryEvent {
    const event = {
      eventId: this.history.length + 1,
      eventType,
      eventTimeMs: this.nowMs++,
      version: 0,
      attributes,
    } as HistoryEvent
    this.history.push(event)
    return event
  }

  /** Types of all commands so far, with what tells them apart. */
  get asked(): string[] {
    return this.commands.flat().map(commandLine)
  }
  /** What all activities so far were given. */
  get inputs(): unknown[] {
    return this.commands.flat().flatMap((command) => {
      if (command.type !== 'ScheduleActivityTask') return []
      return (command.input ?? []).map(({ data }) => JSON.parse(Buffer.from(data).toString()) as unknown)
    })
  }
  get closing(): Command | undefined {
    const last = this.commands.at(-1)?.at(-1)
    return last?.type.endsWith('WorkflowExecution') ? last : undefined
  }

  #open(): void {
    if (!this.isOpen) this.#begin()
    this.run.wake()
  }

  #begin(): void {
    this.isOpen = true
    this.#handedOut = 0
    this.beginTimeMs = this.nowMs
  }

  #complete(commands: readonly Command[]): void {
    const identity = 'test'
    if (this.#handedOut === 0 && commands.length === 0) return
    this.record('WorkflowTaskStarted', {
      scheduledEventId: 0,
      identity,
      requestId: '',
      beginTimeMs: this.beginTimeMs,
      historySizeBytes: 0,
    })
    const { eventId } = this.record('WorkflowTaskCompleted', {
      scheduledEventId: 0,
      startedEventId: 0,
      identity,
      sdk: '',
    })
    this.commands.push([...commands])
    const events = commands.map((command) => this.#recordCommand(command, eventId))
    this.run.recorded(events)
    for (const command of commands) if (command.type === 'ScheduleActivityTask') this.#answer(command)
  }

  #answer(command: Command & { type: 'ScheduleActivityTask' }): void {
    const answer = this.answer?.(command)
    if (answer === undefined) return
    if (answer.failure === undefined) this.complete(Number(command.activityId), answer.value)
    else this.fail(Number(command.activityId), answer.failure)
  }

  #recordCommand(command: Command, workflowTaskCompletedEventId: number): HistoryEvent {
    const by = { workflowTaskCompletedEventId }
    switch (command.type) {
      case 'ScheduleActivityTask':
        return this.record('ActivityTaskScheduled', {
          ...by,
          activityId: command.activityId,
          activityType: command.activityType,
          taskQueue: command.taskQueue ?? 'q',
          input: command.input,
          scheduleToCloseTimeoutMs: command.scheduleToCloseTimeoutMs ?? 0,
          scheduleToStartTimeoutMs: command.scheduleToStartTimeoutMs ?? 0,
          startToCloseTimeoutMs: command.startToCloseTimeoutMs ?? 0,
          heartbeatTimeoutMs: 0,
          retryPolicy: {
            initialIntervalMs: 1000,
            backoffCoefficient: 2,
            maximumIntervalMs: 100_000,
            maximumAttempts: 0,
            nonRetryableErrorTypes: [],
          },
        })
      case 'RequestCancelActivityTask':
        this.#checkPending(command.scheduledEventId)
        return this.record('ActivityTaskCancelRequested', { ...by, scheduledEventId: command.scheduledEventId })
      case 'StartTimer':
        return this.record('TimerStarted', {
          ...by,
          timerId: command.timerId,
          startToFireTimeoutMs: command.startToFireTimeoutMs,
        })
      case 'CancelTimer': {
        const startedEventId = this.#find('TimerStarted', (attributes) => attributes.timerId === command.timerId)
        this.#checkPending(startedEventId)
        return this.record('TimerCanceled', { ...by, timerId: command.timerId, startedEventId, identity: '' })
      }
      case 'RecordMarker':
        return this.record('MarkerRecorded', {
          ...by,
          markerName: command.markerName,
          details: command.details,
          failure: command.failure,
        })
      case 'UpsertWorkflowSearchAttributes':
        return this.record('UpsertWorkflowSearchAttributes', { ...by, searchAttributes: command.searchAttributes })
      case 'ModifyWorkflowProperties':
        return this.record('WorkflowPropertiesModified', { ...by, upsertedMemo: command.upsertedMemo })
      case 'CompleteWorkflowExecution':
        return this.record('WorkflowExecutionCompleted', { ...by, result: command.result })
      case 'CancelWorkflowExecution':
        return this.record('WorkflowExecutionCanceled', { ...by, details: command.details })
      case 'FailWorkflowExecution':
        return this.record('WorkflowExecutionFailed', {
          ...by,
          failure: command.failure,
          retryState: 'RetryPolicyNotSet',
        })
      case 'ContinueAsNewWorkflowExecution':
        return this.record('WorkflowExecutionContinuedAsNew', {
          ...by,
          newExecutionRunId: 'next-run',
          workflowType: command.workflowType ?? '',
          taskQueue: command.taskQueue ?? '',
          input: command.input,
          workflowRunTimeoutMs: 0,
          workflowTaskTimeoutMs: 0,
        })
    }
  }

  /** As the machine does: what is over cannot be cancelled. */
  #checkPending(eventId: number): void {
    const end = this.history.find(({ attributes, eventType }) => {
      if (eventType === 'ActivityTaskCancelRequested') return false
      const of = attributes as { scheduledEventId?: number; startedEventId?: number }
      return of.scheduledEventId === eventId || (eventType.startsWith('Timer') && of.startedEventId === eventId)
    })
    if (end === undefined) return
    const message = `event ${eventId} is cancelled though it is over by ${end.eventType}`
    const failure = { type: 'application', message, applicationType: 'BadCommand' } as const
    this.problem ??= { cause: 'BadCancelTimerAttributes', failure, hint: '' }
  }

  #find<T extends EventType>(eventType: T, fits: (attributes: EventAttributes[T]) => boolean): number {
    const event = this.history.find(
      (event) => event.eventType === eventType && fits(event.attributes as EventAttributes[T]),
    )
    if (event === undefined) throw new Error(`the history has no such ${eventType}`)
    return event.eventId
  }
}

export function commandLine(command: Command): string {
  switch (command.type) {
    case 'ScheduleActivityTask':
      return `run ${command.activityType}`
    case 'RequestCancelActivityTask':
      return `cancel event ${command.scheduledEventId}`
    case 'StartTimer':
      return `timer ${command.timerId} ${command.startToFireTimeoutMs}`
    case 'CancelTimer':
      return `cancel timer ${command.timerId}`
    case 'RecordMarker':
      return `marker ${command.markerName}`
    case 'UpsertWorkflowSearchAttributes':
      return `attributes ${Object.keys(command.searchAttributes).join(', ')}`
    case 'ModifyWorkflowProperties':
      return `memo ${Object.keys(command.upsertedMemo).join(', ')}`
    case 'CompleteWorkflowExecution':
      return 'complete'
    case 'CancelWorkflowExecution':
      return 'cancel'
    case 'FailWorkflowExecution':
      return `fail ${command.failure.message}`
    case 'ContinueAsNewWorkflowExecution':
      return 'continue as new'
  }
}

function startedAttributes(
  definition: Workflow,
  input: unknown,
  execution: typeof EXECUTION,
  converter: DataConverter,
): EventAttributes['WorkflowExecutionStarted'] {
  return {
    workflowType: definition.name,
    workflowId: execution.workflowId,
    taskQueue: 'q',
    input: encodeChecked(definition.input, input, 'input', converter),
    workflowExecutionTimeoutMs: 0,
    workflowRunTimeoutMs: 0,
    workflowTaskTimeoutMs: 10_000,
    originalExecutionRunId: execution.runId,
    firstExecutionRunId: execution.runId,
    attempt: 1,
    identity: 'test',
    requestId: 'r',
    replayRules: 1,
  }
}
