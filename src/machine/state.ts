/**
 * The state of one execution, in two parts. What its history amounts to (`recorded`) changes only in `applyEvent`; what
 * history does not hold (`progress`) changes only in `applyProgress`. `rebuild(history)` gives the first, rows the second.
 *
 * Invariant: between `mark` and `rollBack` every change is remembered, so that a turn is kept whole or taken back whole.
 * Values in the maps are never changed in place: a new one is set.
 */
import type { FewMap } from '../base/few-map.js'
import { assert } from '../base/assert.js'
import type { EventOf, HistoryEvent, Memo, SearchAttributes, WorkflowStatus } from '../protocol/event.js'
import type { StickyAttributes } from '../protocol/worker-tasks.js'
import type { ActivityProgress, Stall, WorkflowTaskProgress } from './transition.js'

/** An activity that has not closed. */
export interface ActivityInfo {
  readonly scheduledEventId: number
  readonly scheduledAtMs: number
  /** 0 while nobody asked. */
  readonly cancelRequestedEventId: number
  readonly attributes: EventOf<'ActivityTaskScheduled'>['attributes']
}

/** A user timer that is running. A fired or canceled one is no longer here. */
export interface TimerInfo {
  readonly timerId: string
  readonly startedEventId: number
  readonly fireAtMs: number
}

/** The workflow task that history says is pending. A transient one is in `progress` alone. */
export interface WorkflowTaskInfo {
  readonly scheduledEventId: number
  readonly scheduledAtMs: number
  /** 0 while it is only scheduled. */
  readonly startedEventId: number
  readonly startedAtMs: number
  readonly attempt: number
  readonly startToCloseTimeoutMs: number
  /** Where it waits. */
  readonly taskQueue: string
  /** Set when that is a sticky queue. */
  readonly normalTaskQueue: string | undefined
}

/** What is replaced, never changed in place: a mark remembers it by reference. */
type Fields = Pick<
  ExecutionState,
  | 'status'
  | 'nextEventId'
  | 'lastEventTimeMs'
  | 'started'
  | 'closed'
  | 'workflowTask'
  | 'previousStartedEventId'
  | 'completedWorkflowTasks'
  | 'firstTaskDueAtMs'
  | 'activities'
  | 'activityIds'
  | 'timers'
  | 'signalRequestIds'
  | 'signalCount'
  | 'pendingBytes'
  | 'cancelRequestedEventId'
  | 'memo'
  | 'searchAttributes'
  | 'activityProgress'
  | 'workflowTaskProgress'
  | 'progressBytes'
  | 'buffered'
  | 'bufferedBytes'
  | 'stall'
  | 'sticky'
>

/** The fields of a state as a mark found them. Objects of a fixed pool: a mark is made in every turn, and lives within it. */
type Saved = { -readonly [K in keyof Fields]: Fields[K] } & { undoLength: number }

/**
 * What was changed inside maps and sets since the outermost mark: flat triples of collection, key, what it held before. A
 * mark is settled or rolled back in the synchronous turn that made it, so that one log serves all states.
 */
const undo: unknown[] = []
const marks: Saved[] = []
let depth = 0
let marked: ExecutionState | undefined

export class ExecutionState {
  // --- recorded
  status: WorkflowStatus = 'Running'
  nextEventId = 1
  lastEventTimeMs = 0
  /** Undefined only before the first event. */
  started: EventOf<'WorkflowExecutionStarted'> | undefined = undefined
  /**
   * The closing event. It leaves `workflowTask`, `activities` and `timers` in place: they are what was pending at close.
   * Nothing may be done with them; a task that is due for one of them is dropped.
   */
  closed: HistoryEvent | undefined = undefined
  workflowTask: WorkflowTaskInfo | undefined = undefined
  /** Started event of the last completed workflow task: what a sticky worker has seen. */
  previousStartedEventId = 0
  completedWorkflowTasks = 0
  /** While the first workflow task waits for its time (start delay, schedule, retry): when that is. 0: it does not. */
  firstTaskDueAtMs = 0
  /** By scheduled event id, in order. Made when first needed, as are the other maps: a parked execution is small. */
  activities: FewMap<number, ActivityInfo> | undefined = undefined
  /** activityId → scheduled event id, of those that have not closed. */
  activityIds: FewMap<string, number> | undefined = undefined
  /** By timer id. */
  timers: FewMap<string, TimerInfo> | undefined = undefined
  /** Request ids of signals that were recorded. */
  signalRequestIds: Set<string> | undefined = undefined
  /** All that were recorded. */
  signalCount = 0
  /** What pending items and request ids weigh. */
  pendingBytes = 0
  /** 0 while nobody asked. */
  cancelRequestedEventId = 0
  /** With what was changed since the start; undefined: none. Replaced, never changed in place. */
  memo: Memo | undefined = undefined
  /** As the memo. */
  searchAttributes: SearchAttributes | undefined = undefined

  // --- progress: all of it is cleared by the turn that closes the execution
  activityProgress: FewMap<number, ActivityProgress> | undefined = undefined
  /** What `activityProgress` holds from outside: failures and heartbeat details. */
  progressBytes = 0
  workflowTaskProgress: WorkflowTaskProgress | undefined = undefined
  /** In order of arrival; event ids are 0. Only while a remote worker holds a workflow task; replaced, never changed in place. */
  buffered: HistoryEvent[] | undefined = undefined
  bufferedBytes = 0
  stall: Stall | undefined = undefined
  /** Whose worker has the code in memory. In no row: an execution that is read back has none. */
  sticky: StickyAttributes | undefined = undefined

  /** What it holds beside its history, as far as that is not the same for all: kept with each change, so that asking costs nothing. */
  get heldBytes(): number {
    return this.pendingBytes + this.progressBytes + this.bufferedBytes
  }

  /** From here on changes are remembered, until `settle` or `rollBack`. Marks nest. */
  mark(): void {
    assert(depth === 0 || marked === this, 'a turn of another execution is under way')
    marked = this
    const saved = (marks[depth++] ??= {} as Saved)
    saved.undoLength = undo.length
    saved.status = this.status
    saved.nextEventId = this.nextEventId
    saved.lastEventTimeMs = this.lastEventTimeMs
    saved.started = this.started
    saved.closed = this.closed
    saved.workflowTask = this.workflowTask
    saved.previousStartedEventId = this.previousStartedEventId
    saved.completedWorkflowTasks = this.completedWorkflowTasks
    saved.firstTaskDueAtMs = this.firstTaskDueAtMs
    saved.activities = this.activities
    saved.activityIds = this.activityIds
    saved.timers = this.timers
    saved.signalRequestIds = this.signalRequestIds
    saved.signalCount = this.signalCount
    saved.pendingBytes = this.pendingBytes
    saved.cancelRequestedEventId = this.cancelRequestedEventId
    saved.memo = this.memo
    saved.searchAttributes = this.searchAttributes
    saved.activityProgress = this.activityProgress
    saved.workflowTaskProgress = this.workflowTaskProgress
    saved.progressBytes = this.progressBytes
    saved.buffered = this.buffered
    saved.bufferedBytes = this.bufferedBytes
    saved.stall = this.stall
    saved.sticky = this.sticky
  }

  /** What happened since the last mark is kept, as far as that mark goes. Without a mark it does nothing. */
  settle(): void {
    if (marked !== this) return
    depth--
    if (depth > 0) return
    marked = undefined
    undo.length = 0
  }

  /** What happened since the last mark is taken back: the state is as `mark` found it. The order within a map may differ. */
  rollBack(): void {
    if (marked !== this) return
    const { undoLength, ...fields } = marks[depth - 1]!
    for (let at = undo.length - 3; at >= undoLength; at -= 3) restore(undo[at], undo[at + 1], undo[at + 2])
    undo.length = undoLength
    Object.assign(this, fields)
    this.settle()
  }

  /** For the nouns' apply functions: every change of a map goes through here. */
  put<K, V>(map: FewMap<K, V>, key: K, value: V): void {
    if (marked === this) undo.push(map, key, map.get(key))
    map.set(key, value)
  }

  remove<K, V>(map: FewMap<K, V> | undefined, key: K): void {
    if (map === undefined) return
    if (marked === this) undo.push(map, key, map.get(key))
    map.delete(key)
  }

  addTo(set: Set<string>, value: string): void {
    if (set.has(value)) return
    if (marked === this) undo.push(set, value, undefined)
    set.add(value)
  }
}

function restore(target: unknown, key: unknown, before: unknown): void {
  if (target instanceof Set) target.delete(key)
  else if (before === undefined) (target as FewMap<unknown, unknown>).delete(key)
  else (target as FewMap<unknown, unknown>).set(key, before)
}
