/**
 * What waits on the wheel for one execution: a user timer, the end of a back-off, a time-out, another try of stalled code.
 *
 * It names the execution and does not hold it: a parked execution may leave the cache meanwhile. What is due may have become
 * moot: the noun that it is for decides.
 */
import { WheelEntry } from '../queue/wheel.js'
import type { TaskRef } from './rows.js'

/** What a timer row is for. The numbers are stored; an `attempt` is a time-out without a row, of an attempt that runs here. */
export const TIMER_TYPES = {
  user: 1,
  activity: 2,
  workflowTask: 3,
  stall: 4,
  attempt: 5,
  /** The wait before the first workflow task. */
  firstTask: 70,
  /** The time-out of the run, or of its chain. */
  run: 71,
} as const

function refOf({ namespaceId, workflowId, runId, runKey }: TaskRef): TaskRef {
  return { namespaceId, workflowId, runId, runKey }
}

/** Where due entries go: gathered while the wheel turns, so that what is due together becomes one turn. */
export interface DueSink {
  gatherDue(entry: DueEntry): void
}

interface Due {
  readonly dueAtMs: number
  readonly attempt: number
  readonly stamp: number
}

export class DueEntry extends WheelEntry implements TaskRef {
  readonly namespaceId: string
  readonly workflowId: string
  readonly runId: string
  readonly runKey: string
  readonly hash: number
  readonly type: number
  /** Scheduled or started event id. */
  readonly itemId: number
  readonly attempt: number
  readonly stamp: number
  /** Timer id, or the fingerprint of stalled code. */
  readonly name: string
  readonly #sink: DueSink
  /** Its row is deleted: it must not be armed any more. */
  isGone = false
  /** The same at its own time; set on an entry that was brought forward. */
  inTime: DueEntry | undefined = undefined

  constructor(
    of: TaskRef & { readonly hash: number; readonly host: DueSink },
    type: number,
    itemId: number,
    due: Due,
    order: number,
    name = '',
  ) {
    super(due.dueAtMs, order)
    this.namespaceId = of.namespaceId
    this.workflowId = of.workflowId
    this.runId = of.runId
    this.runKey = of.runKey
    this.hash = of.hash
    this.type = type
    this.itemId = itemId
    this.attempt = due.attempt
    this.stamp = due.stamp
    this.name = name
    this.#sink = of.host
  }

  /** The same, due at once. Its row keeps its own time. */
  dueNow(nowMs: number): DueEntry {
    const { hash, type, itemId, attempt, stamp, name } = this
    const due = { dueAtMs: Math.min(nowMs, this.dueAtMs), attempt, stamp }
    const early = new DueEntry({ ...refOf(this), hash, host: this.#sink }, type, itemId, due, this.order, name)
    early.inTime = this
    return early
  }

  fire(): void {
    this.#sink.gatherDue(this)
  }
}
