/**
 * Replay: the code of an execution is brought to where its history is. The same windows as live, with causes and
 * task boundaries from the record; after each completed task its commands must be those that history has.
 *
 * Invariant: nothing is recorded again, and what the code had not seen when its last completed task ended is
 * delivered live, as new.
 */
import type { Command } from '../protocol/command.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { Recording, WorkflowRun } from './run.js'
import { isListOfPatches, isMarkerOf, patchIn } from './patches.js'
import { nonDeterminism } from './verdict.js'

/**
 * Lets `run`, which is new, catch up with `history`, and go on from its host. Its host hears nothing before that,
 * unless the code does not match: then one `quiescent` with a NonDeterministicError.
 */
export function replay(run: WorkflowRun, history: readonly HistoryEvent[]): void {
  run.follow(new RecordedTasks(run, history))
  run.wake()
}

class RecordedTasks implements Recording {
  readonly #run: WorkflowRun
  readonly #events: readonly HistoryEvent[]
  #at = 0
  /** What code can see, in order; those before `#delivered` it has seen. */
  readonly #causes: HistoryEvent[] = []
  #delivered = 0
  /** Causes of the task being replayed: those recorded before it started. */
  #ofTask = 0
  /** Id of its WorkflowTaskCompleted. */
  #completedId = 0
  #isInTask = false
  #isLive = false

  constructor(run: WorkflowRun, events: readonly HistoryEvent[]) {
    this.#run = run
    this.#events = events
  }

  next(): HistoryEvent | undefined {
    for (;;) {
      if (this.#run.hasEnded) this.#passOver()
      if (this.#delivered < this.#ofTask) return this.#causes[this.#delivered++]
      if (this.#isLive || (this.#isInTask && !this.#matches())) return undefined
      this.#findTask()
    }
  }

  /** What the code did not see, having ended, may still be the end of what it called off. */
  #passOver(): void {
    while (this.#delivered < this.#ofTask) this.#run.waits.missed(this.#causes[this.#delivered++]!)
  }

  /** Goes to the next task that was completed. Failed and timed-out ones left no trace in the code. */
  #findTask(): void {
    this.#dropDelivered()
    let beginTimeMs = 0
    for (; this.#at < this.#events.length; this.#at++) {
      const event = this.#events[this.#at]!
      if (event.eventType === 'WorkflowTaskCompleted') {
        this.#isInTask = true
        this.#completedId = event.eventId
        this.#run.beginTask(beginTimeMs)
        this.#at++
        this.#notePatches()
        return
      }
      if (event.eventType === 'WorkflowTaskStarted') {
        beginTimeMs = event.attributes.beginTimeMs
        this.#ofTask = this.#causes.length
      } else if (isCause(event)) this.#causes.push(event)
    }
    this.#isLive = true
    this.#ofTask = this.#causes.length
    this.#run.goLive()
  }

  /** The code may ask for them before it asks for what stands before them. */
  #notePatches(): void {
    for (let at = this.#at; at < this.#events.length && isOfCommand(this.#events[at]!); at++) {
      const event = this.#events[at]!
      const patch = event.eventType === 'MarkerRecorded' ? patchIn(event.attributes) : undefined
      if (patch !== undefined) this.#run.patches.noted(patch)
    }
  }

  /** Compares what the code asked for in this task with what history has of it. */
  #matches(): boolean {
    const commands = this.#run.takeCommands()
    let compared = pastLists(commands, 0)
    for (; this.#at < this.#events.length; this.#at++) {
      const event = this.#events[this.#at]!
      if (event.eventType === 'WorkflowTaskStarted') break
      if (isCause(event)) this.#causes.push(event)
      else if (isOfCommand(event)) {
        const command = commands[compared]
        if (isListOfPatches(event) || isLeftOut(event, command)) continue
        compared = pastLists(commands, compared + 1)
        if (command === undefined || !became(command, event)) return this.#stop(event, command, event.eventId)
        if (event.eventType === 'ActivityTaskScheduled') {
          this.#run.waits.activityRecorded(event.eventId, event.attributes.activityId)
        }
      }
    }
    if (compared < commands.length) return this.#stop(undefined, commands[compared], this.#completedId + 1 + compared)
    this.#isInTask = false
    return true
  }

  #dropDelivered(): void {
    if (this.#delivered < this.#causes.length) return
    this.#causes.length = 0
    this.#delivered = 0
    this.#ofTask = 0
  }

  #stop(event: HistoryEvent | undefined, command: Command | undefined, eventId: number): false {
    this.#run.stop(nonDeterminism(event, command, eventId))
    return false
  }
}

/** The next command that is compared. */
function pastLists(commands: readonly Command[], from: number): number {
  let at = from
  while (isListOfPatches(commands[at])) at++
  return at
}

/** The marker of a deprecated patch, for which the code does not ask any more. */
function isLeftOut(event: HistoryEvent, command: Command | undefined): boolean {
  const patch = event.eventType === 'MarkerRecorded' ? patchIn(event.attributes) : undefined
  return patch !== undefined && patch.deprecated && !isMarkerOf(command, patch)
}

/** Can code see it? */
export function isCause({ eventType }: HistoryEvent): boolean {
  switch (eventType) {
    case 'ActivityTaskCompleted':
    case 'WorkflowExecutionSignaled':
    case 'WorkflowExecutionCancelRequested':
    case 'TimerFired':
    case 'ActivityTaskFailed':
    case 'ActivityTaskTimedOut':
    case 'ActivityTaskCanceled':
    case 'WorkflowExecutionStarted':
      return true
    default:
      return false
  }
}

/** Did code ask for it? */
function isOfCommand({ eventType }: HistoryEvent): boolean {
  switch (eventType) {
    case 'ActivityTaskScheduled':
    case 'TimerStarted':
    case 'TimerCanceled':
    case 'ActivityTaskCancelRequested':
    case 'MarkerRecorded':
    case 'UpsertWorkflowSearchAttributes':
    case 'WorkflowPropertiesModified':
    case 'WorkflowExecutionCompleted':
    case 'WorkflowExecutionFailed':
    case 'WorkflowExecutionCanceled':
    case 'WorkflowExecutionContinuedAsNew':
      return true
    default:
      return false
  }
}

/**
 * Is `event` what `command` became? Time-outs, retry policies, task queues and payloads are not compared: they may
 * be changed for what is scheduled from now on. The length of a timer is what the code decided, and is.
 */
function became(command: Command, event: HistoryEvent): boolean {
  switch (event.eventType) {
    case 'ActivityTaskScheduled':
      return (
        command.type === 'ScheduleActivityTask' &&
        command.activityId === event.attributes.activityId &&
        command.activityType === event.attributes.activityType
      )
    case 'TimerStarted':
      return (
        command.type === 'StartTimer' &&
        command.timerId === event.attributes.timerId &&
        command.startToFireTimeoutMs === event.attributes.startToFireTimeoutMs
      )
    case 'TimerCanceled':
      return command.type === 'CancelTimer' && command.timerId === event.attributes.timerId
    case 'ActivityTaskCancelRequested': {
      const { scheduledEventId } = event.attributes
      return command.type === 'RequestCancelActivityTask' && command.scheduledEventId === scheduledEventId
    }
    case 'MarkerRecorded': {
      const patch = patchIn(event.attributes)
      return patch !== undefined && isMarkerOf(command, patch)
    }
    case 'UpsertWorkflowSearchAttributes':
      return command.type === 'UpsertWorkflowSearchAttributes'
    case 'WorkflowPropertiesModified':
      return command.type === 'ModifyWorkflowProperties'
    case 'WorkflowExecutionCompleted':
      return command.type === 'CompleteWorkflowExecution'
    case 'WorkflowExecutionFailed':
      return command.type === 'FailWorkflowExecution'
    case 'WorkflowExecutionCanceled':
      return command.type === 'CancelWorkflowExecution'
    case 'WorkflowExecutionContinuedAsNew':
      return command.type === 'ContinueAsNewWorkflowExecution'
    default:
      return false
  }
}
