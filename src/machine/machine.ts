/**
 * The workflow state machine: commands, answers and due tasks in; events, progress and tasks out.
 *
 * Invariant: what is recorded changes only in `applyEvent`, which live turns and rebuilds share, so that the two cannot
 * come to differ; progress changes only in `applyProgress`, which live turns and rows share.
 */
import { FewMap } from '../base/few-map.js'
import { unreachable } from '../base/assert.js'
import type { EventAttributes, EventType, HistoryEvent } from '../protocol/event.js'
import { DEFAULT_SETTINGS } from '../protocol/settings.js'
import { applyActivityTaskCancelRequested, applyActivityTaskEnded, applyActivityTaskScheduled } from './activity.js'
import { applyExecutionCancelRequested } from './cancel-request.js'
import { applyExecutionClosed, applyExecutionStarted } from './lifecycle.js'
import { applySearchAttributesUpserted, applyWorkflowPropertiesModified } from './properties.js'
import { applyExecutionSignaled } from './signal.js'
import { ExecutionState } from './state.js'
import { applyTimerEnded, applyTimerStarted } from './timer.js'
import type { ActivityProgress, NewTask, ProgressChange } from './transition.js'
import type { Turn, TurnMark, TurnRules } from './turn.js'
import { bufferedEventBytes, progressBytes } from './weights.js'
import {
  applyWorkflowTaskCompleted,
  applyWorkflowTaskLost,
  applyWorkflowTaskScheduled,
  applyWorkflowTaskStarted,
} from './workflow-task.js'

/** Runs one turn. When `act` throws, `state` is as it was: what came before the mistake leaves no trace. */
export function takeTurn(
  state: ExecutionState,
  nowMs: number,
  act: (turn: LiveTurn) => void,
  home?: TurnHome,
): LiveTurn {
  const turn = new LiveTurn(state, home)
  turn.nowMs = nowMs
  const mark = turn.mark()
  try {
    act(turn)
  } catch (error) {
    turn.rollBack(mark)
    throw error
  }
  turn.keep()
  return turn
}

/** The state that a history amounts to: its recorded part. */
export function rebuild(history: Iterable<HistoryEvent>): ExecutionState {
  const state = new ExecutionState()
  for (const event of history) applyEvent(state, event)
  return state
}

/** Nothing yet. Never written to: the first element is put down as an array of one, which takes a tenth of one that is pushed to. */
const NONE = Object.freeze<never[]>([]) as never[]

function cutTo(list: unknown[], length: number): void {
  if (list.length > length) list.length = length
}

/** Whose turns they are. */
export interface TurnHome {
  /** Where the ids of following runs come from: chance is an argument. */
  newRunId(): string
  readonly rules: TurnRules
}

const NO_HOME: TurnHome = {
  newRunId: () => 'next-run',
  rules: { ...DEFAULT_SETTINGS, searchAttributeProblem: () => undefined },
}

/** The open turn of one execution. Whoever has staged what it gathered clears it: the arrays are not used again. */
export class LiveTurn implements Turn {
  readonly state: ExecutionState
  nowMs = 0
  /** Their ids follow one another. */
  events: HistoryEvent[] = NONE
  changes: ProgressChange[] = NONE
  tasks: NewTask[] = NONE
  readonly #home: TurnHome

  constructor(state: ExecutionState, home: TurnHome = NO_HOME) {
    this.state = state
    this.#home = home
  }

  get rules(): TurnRules {
    return this.#home.rules
  }

  get eventTimeMs(): number {
    const { lastEventTimeMs } = this.state
    return this.nowMs > lastEventTimeMs ? this.nowMs : lastEventTimeMs
  }

  append<T extends EventType>(eventType: T, attributes: EventAttributes[T], happenedAtMs: number = this.nowMs): number {
    const { nextEventId, lastEventTimeMs } = this.state
    const eventTimeMs = happenedAtMs > lastEventTimeMs ? happenedAtMs : lastEventTimeMs
    return this.#place(newEvent(nextEventId, eventType, eventTimeMs, attributes))
  }

  buffer<T extends EventType>(eventType: T, attributes: EventAttributes[T], happenedAtMs: number = this.nowMs): void {
    const { lastEventTimeMs } = this.state
    const eventTimeMs = happenedAtMs > lastEventTimeMs ? happenedAtMs : lastEventTimeMs
    this.change({ type: 'buffer', event: newEvent(0, eventType, eventTimeMs, attributes) })
  }

  appendBuffered({ eventType, eventTimeMs, attributes }: HistoryEvent): number {
    return this.#place(newEvent(this.state.nextEventId, eventType, eventTimeMs, attributes))
  }

  change(change: ProgressChange): void {
    applyProgress(this.state, change)
    if (this.changes === NONE) this.changes = [change]
    else this.changes.push(change)
  }

  addTask(task: NewTask): void {
    if (this.tasks === NONE) this.tasks = [task]
    else this.tasks.push(task)
  }

  newRunId(): string {
    return this.#home.newRunId()
  }

  /** Takes the workflow task that waits for a worker out of the turn. Undefined: it has none. */
  takeWorkflowTask(): Extract<NewTask, { type: 'DispatchWorkflowTask' }> | undefined {
    for (let at = 0; at < this.tasks.length; at++) {
      const task = this.tasks[at]!
      if (task.type !== 'DispatchWorkflowTask') continue
      this.tasks.splice(at, 1)
      return task
    }
    return undefined
  }

  /** What was gathered has been staged. */
  clear(): void {
    this.events = NONE
    this.changes = NONE
    this.tasks = NONE
  }

  mark(): TurnMark {
    this.state.mark()
    return { eventCount: this.events.length, changeCount: this.changes.length, taskCount: this.tasks.length }
  }

  keep(): void {
    this.state.settle()
  }

  rollBack({ eventCount, changeCount, taskCount }: TurnMark): void {
    this.state.rollBack()
    cutTo(this.events, eventCount)
    cutTo(this.changes, changeCount)
    cutTo(this.tasks, taskCount)
  }

  #place(event: HistoryEvent): number {
    applyEvent(this.state, event)
    if (this.events === NONE) this.events = [event]
    else this.events.push(event)
    return event.eventId
  }
}

/** The one place where events are made: they all have one hidden class. */
function newEvent<T extends EventType>(
  eventId: number,
  eventType: T,
  eventTimeMs: number,
  attributes: EventAttributes[T],
): HistoryEvent {
  return { eventId, eventType, eventTimeMs, version: 0, attributes } as HistoryEvent
}

export function applyEvent(state: ExecutionState, event: HistoryEvent): void {
  state.nextEventId = event.eventId + 1
  if (event.eventTimeMs > state.lastEventTimeMs) state.lastEventTimeMs = event.eventTimeMs
  switch (event.eventType) {
    case 'WorkflowTaskScheduled':
      return applyWorkflowTaskScheduled(state, event)
    case 'WorkflowTaskStarted':
      return applyWorkflowTaskStarted(state, event)
    case 'WorkflowTaskCompleted':
      return applyWorkflowTaskCompleted(state, event)
    case 'WorkflowTaskFailed':
    case 'WorkflowTaskTimedOut':
      return applyWorkflowTaskLost(state)
    case 'ActivityTaskScheduled':
      return applyActivityTaskScheduled(state, event)
    case 'ActivityTaskStarted':
      // What matters of it is progress while the activity is open.
      return
    case 'ActivityTaskCompleted':
    case 'ActivityTaskFailed':
    case 'ActivityTaskTimedOut':
    case 'ActivityTaskCanceled':
      return applyActivityTaskEnded(state, event.attributes.scheduledEventId)
    case 'ActivityTaskCancelRequested':
      return applyActivityTaskCancelRequested(state, event)
    case 'TimerStarted':
      return applyTimerStarted(state, event)
    case 'TimerFired':
    case 'TimerCanceled':
      return applyTimerEnded(state, event)
    case 'MarkerRecorded':
      // Code reads them out of the history.
      return
    case 'UpsertWorkflowSearchAttributes':
      return applySearchAttributesUpserted(state, event)
    case 'WorkflowPropertiesModified':
      return applyWorkflowPropertiesModified(state, event)
    case 'WorkflowExecutionSignaled':
      return applyExecutionSignaled(state, event)
    case 'WorkflowExecutionCancelRequested':
      return applyExecutionCancelRequested(state, event)
    case 'WorkflowExecutionStarted':
      return applyExecutionStarted(state, event)
    case 'WorkflowExecutionCompleted':
      return applyExecutionClosed(state, event, 'Completed')
    case 'WorkflowExecutionFailed':
      return applyExecutionClosed(state, event, 'Failed')
    case 'WorkflowExecutionCanceled':
      return applyExecutionClosed(state, event, 'Canceled')
    case 'WorkflowExecutionTimedOut':
      return applyExecutionClosed(state, event, 'TimedOut')
    case 'WorkflowExecutionContinuedAsNew':
      return applyExecutionClosed(state, event, 'ContinuedAsNew')
    case 'WorkflowExecutionTerminated':
      return applyExecutionClosed(state, event, 'Terminated')
    default:
      return unreachable(event)
  }
}

export function applyProgress(state: ExecutionState, change: ProgressChange): void {
  switch (change.type) {
    case 'activity':
      return applyActivityProgress(state, change.scheduledEventId, change.value)
    case 'workflowTask':
      state.workflowTaskProgress = change.value
      return
    case 'stall':
      state.stall = change.value
      return
    case 'sticky':
      state.sticky = change.value
      return
    case 'buffer':
      state.buffered = state.buffered === undefined ? [change.event] : [...state.buffered, change.event]
      state.bufferedBytes += bufferedEventBytes(change.event)
      return
    case 'flushBuffer':
      state.buffered = undefined
      state.bufferedBytes = 0
      return
    default:
      return unreachable(change)
  }
}

function applyActivityProgress(
  state: ExecutionState,
  scheduledEventId: number,
  value: ActivityProgress | undefined,
): void {
  state.progressBytes += progressBytes(value) - progressBytes(state.activityProgress?.get(scheduledEventId))
  if (value === undefined) return state.remove(state.activityProgress, scheduledEventId)
  state.activityProgress ??= new FewMap()
  state.put(state.activityProgress, scheduledEventId, value)
}
