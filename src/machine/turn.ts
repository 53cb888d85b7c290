/** What the nouns of this floor may do during a turn. machine.ts is the one that lets them. */
import type { EventAttributes, EventType, HistoryEvent, SearchAttributes } from '../protocol/event.js'
import type { Settings } from '../protocol/settings.js'
import type { ExecutionState } from './state.js'
import type { NewTask, ProgressChange } from './transition.js'

/** A place in a turn that it can be taken back to. */
export interface TurnMark {
  readonly eventCount: number
  readonly changeCount: number
  readonly taskCount: number
}

/** What the host allows: how much one execution may hold at a time, and what it may be found by. */
export interface TurnRules extends Pick<
  Settings,
  | 'maxMemoBytes'
  | 'maxPendingActivities'
  | 'maxSignalsPerExecution'
  | 'maxBufferedEvents'
  | 'maxBufferedBytes'
  | 'maxKeptFailureBytes'
> {
  /** What is wrong with the search attributes that are given, and with all that there are then. Undefined: nothing. */
  searchAttributeProblem(given: SearchAttributes, all: SearchAttributes): string | undefined
}

export interface Turn {
  readonly state: ExecutionState
  readonly rules: TurnRules
  /** Wall clock of this turn. */
  readonly nowMs: number
  /** When something that happens now happens by the run's own time, which never steps back, whatever the clock says. */
  readonly eventTimeMs: number

  /**
   * Gives the event its place in the history and applies it: the only way to change what is recorded. Returns its id.
   * `happenedAtMs` is for what history is told of later; it is never before the event before.
   */
  append<T extends EventType>(eventType: T, attributes: EventAttributes[T], happenedAtMs?: number): number

  /** Puts an event aside, in progress: history must not move while a worker holds it. */
  buffer<T extends EventType>(eventType: T, attributes: EventAttributes[T], happenedAtMs?: number): void

  /** Gives an event that was put aside its place. It keeps the time of its arrival, which may be before that of the event before. */
  appendBuffered(event: HistoryEvent): number

  /** Changes progress and remembers the change for the rows: the only way to change it. */
  change(change: ProgressChange): void

  addTask(task: NewTask): void

  /** Of the run that follows this one. */
  newRunId(): string

  /** From here on the turn can be taken back to this place. Marks nest; each is kept or rolled back once, the last one first. */
  mark(): TurnMark
  keep(): void
  rollBack(mark: TurnMark): void
}
