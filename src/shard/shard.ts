/**
 * One open shard: its head, and what is staged on it until the next flush.
 *
 * Invariant: what is staged goes out in one commit or fails together, and nobody hears of it before. The pending counts of
 * the head are those of the rows, so that a lost row is noticed at open.
 */
import { FewMap } from '../base/few-map.js'
import { assert } from '../base/assert.js'
import { readU48 } from '../base/bytes.js'
import { isLoomError } from '../base/errors.js'
import type { LoomError } from '../base/errors.js'
import { decodeRow, encodeRow } from '../storage/codec.js'
import { CorruptError } from '../storage/errors.js'
import { shardIndex } from '../storage/medium.js'
import type { Change, Fence, Head, Key, KeyBounds, ShardCommit, ShardId } from '../storage/medium.js'
import { OutcomeUnknownError } from './errors.js'

/**
 * Kinds of rows that are read by shard. The numbers are stored. All but `retention` are counted in its head, and read when it is
 * opened: of runs that have closed there may be millions, and no work is lost with such a row.
 */
export const TASK_KINDS = { attempt: 1, timer: 2, backlog: 3, buffered: 4, deadLetter: 5, retention: 6 } as const
const COUNTED_KINDS = 6

/** Who is told what became of a turn. */
export interface StagedTurn {
  /** The turn is durable. Must not throw. */
  durable(): void
  /** The turn is not written, or nobody knows: `error` says which. Must not throw. */
  failed(error: LoomError): void
}

/** What gathers for the next commit of one shard. */
export interface Stage {
  readonly changes: FewMap<Key, Change>
  clears: readonly (KeyBounds & { readonly hash: number })[]
  consumed: readonly Key[]
  readonly turns: StagedTurn[]
  bytes: number
}

/** A commit on its way. */
export interface Sealed {
  readonly shard: Shard
  readonly commit: ShardCommit
  readonly turns: readonly StagedTurn[]
  /** The medium said so; its turns are told, whatever happens to the shard meanwhile. */
  isWritten: boolean
}

/** Says that a task was given up. The task's own row stands: whatever ends the task takes both away. */
export interface Letter {
  readonly key: Key
  /** Nobody wants to know of it any more; the task stays given up. */
  readonly isPurged: boolean
}

const ROW_OVERHEAD_BYTES = 16
const TASK_ID_BYTES = 6
const NONE: readonly never[] = []

export class Shard {
  readonly id: ShardId
  readonly fence: Fence
  /** Of the last commit that was sealed. */
  #seq: number
  /** Rows of each task kind, staged ones included. */
  readonly #pending: number[] = new Array<number>(COUNTED_KINDS).fill(0)
  /** No task of this shard has this id or a higher one. */
  #nextTaskId: number
  /** By the id of the task that was given up, staged ones included. Made with the first. */
  #letters: Map<number, Letter> | undefined = undefined
  #stage: Stage | undefined = undefined
  /** Full ones, oldest first: each is a commit of its own, with the head as it was when it was full. */
  #full: { readonly stage: Stage; readonly head: Uint8Array }[] = []
  /** Sealed and not settled yet: at most one, so that the next waits for its outcome. */
  inFlight: Sealed | undefined = undefined
  /** Why the shard is closed; undefined while it is open. */
  closedBy: LoomError | undefined = undefined

  constructor(id: ShardId, fence: Fence, head: Head | undefined) {
    this.id = id
    this.fence = fence
    const fields = head === undefined ? undefined : readHead(head, id)
    this.#seq = head?.seq ?? 0
    this.#nextTaskId = fields?.nextTaskId ?? 1
    if (fields !== undefined)
      for (let kind = 0; kind < COUNTED_KINDS; kind++) this.#pending[kind] = fields.pending[kind] ?? 0
  }

  get index(): number {
    return shardIndex(this.id)
  }

  /** What goes with the next commit. */
  get staged(): Stage | undefined {
    return this.#full[0]?.stage ?? this.#stage
  }

  /** A turn begins to stage. Its rows go into one commit; when what is staged is big enough, into the next one. */
  beginTurn(maxStageBytes: number): void {
    if (this.#stage === undefined || this.#stage.bytes <= maxStageBytes) return
    this.#full.push({ stage: this.#stage, head: this.#encodeHead() })
    this.#stage = undefined
  }

  pendingOf(kind: number): number {
    return this.#pending[kind] ?? 0
  }

  /** Where a turn puts its rows. */
  stage(): Stage {
    return (this.#stage ??= { changes: new FewMap(), clears: NONE, consumed: NONE, turns: [], bytes: 0 })
  }

  put(key: Key, hash: number, value: Uint8Array): void {
    const stage = this.stage()
    stage.changes.set(key, { hash, value })
    stage.bytes += key.length + value.length + ROW_OVERHEAD_BYTES
  }

  remove(key: Key, hash: number): void {
    const stage = this.stage()
    stage.changes.set(key, { hash, value: undefined })
    stage.bytes += key.length + ROW_OVERHEAD_BYTES
  }

  /** A row of a task kind: counted. Its key is new: it carries a task id. */
  putTask(key: Key, hash: number, taskId: number, value: Uint8Array): void {
    const kind = key.charCodeAt(0)
    this.#pending[kind] = this.#pending[kind]! + 1
    this.putUncounted(key, hash, taskId, value)
  }

  /** As `putTask`, of a kind that is not counted: `remove` takes it away, however often. */
  putUncounted(key: Key, hash: number, taskId: number, value: Uint8Array): void {
    this.put(key, hash, value)
    if (taskId >= this.#nextTaskId) this.#nextTaskId = taskId + 1
  }

  removeTask(key: Key, hash: number): void {
    const kind = key.charCodeAt(0)
    const left = this.#pending[kind]! - 1
    assert(left >= 0, `shard ${this.id} has no row of kind ${kind} left to delete`)
    this.#pending[kind] = left
    const stage = this.stage()
    // Put and deleted within one flush: the row never was.
    if (stage.changes.get(key)?.value !== undefined) stage.changes.delete(key)
    else this.remove(key, hash)
    if (this.#letters !== undefined) this.dropLetter(readU48(key, key.length - TASK_ID_BYTES), hash)
  }

  // ---- tasks that were given up

  /** Executions whose code cannot go on; rows are counted when the shard is read back, and memory from then on. */
  stalledCount = 0

  /** Those that somebody may still want to know of. */
  get letterCount(): number {
    let count = 0
    for (const { isPurged } of this.#letters?.values() ?? []) if (!isPurged) count++
    return count
  }

  letterOf(taskId: number): Letter | undefined {
    return this.#letters?.get(taskId)
  }

  /** A letter that was read back. */
  keepLetter(taskId: number, letter: Letter): void {
    this.#letters ??= new Map()
    this.#letters.set(taskId, letter)
  }

  /** The first one of a task, or another value for it. `letterId` is the task id in its own key. */
  putLetter(taskId: number, letter: Letter, letterId: number, hash: number, value: Uint8Array): void {
    if (this.letterOf(taskId) === undefined) this.putTask(letter.key, hash, letterId, value)
    else this.put(letter.key, hash, value)
    this.keepLetter(taskId, letter)
  }

  /** Nothing when the task was not given up. */
  dropLetter(taskId: number, hash: number): void {
    const letter = this.letterOf(taskId)
    if (letter === undefined) return
    this.#letters!.delete(taskId)
    this.#pending[TASK_KINDS.deadLetter] = this.#pending[TASK_KINDS.deadLetter]! - 1
    // Always: what is staged of it may stand over a durable one.
    this.remove(letter.key, hash)
  }

  /** Takes what is staged out as the next commit. */
  seal(): Sealed {
    const full = this.#full.shift()
    const stage = full?.stage ?? this.#takeStage()
    assert(
      stage !== undefined && this.inFlight === undefined,
      `shard ${this.id} has nothing to seal, or a commit in flight`,
    )
    const commit: ShardCommit = {
      shard: this.id,
      fence: this.fence,
      seq: ++this.#seq,
      head: full?.head ?? this.#encodeHead(),
      clears: stage.clears,
      changes: stage.changes,
      consumed: stage.consumed,
    }
    return (this.inFlight = { shard: this, commit, turns: stage.turns, isWritten: false })
  }

  #encodeHead(): Uint8Array {
    return encodeRow([this.#nextTaskId, this.#pending])
  }

  #takeStage(): Stage | undefined {
    const stage = this.#stage
    this.#stage = undefined
    return stage
  }

  /**
   * Everything that is staged fails with `error`, also what is staged after this; the shard takes nothing more. Of what is in
   * flight nobody knows whether it is durable, unless the medium `wasRefused` it.
   */
  close(error: LoomError, wasRefused = false): void {
    this.closedBy ??= error
    const stages = [...this.#full.map(({ stage }) => stage), ...(this.#stage === undefined ? [] : [this.#stage])]
    const sealed = this.inFlight
    this.inFlight = undefined
    this.#full = []
    this.#stage = undefined
    if (sealed !== undefined) {
      const unknown =
        wasRefused || isLoomError(error, 'LOOM_OUTCOME_UNKNOWN')
          ? error
          : new OutcomeUnknownError(this.id, { cause: error })
      for (const turn of sealed.turns) turn.failed(unknown)
    }
    for (const stage of stages) for (const turn of stage.turns) turn.failed(this.closedBy)
  }
}

/** The next task id of a shard, from its head alone. */
export function readHead(
  head: Head,
  shard: ShardId,
): { readonly nextTaskId: number; readonly pending: readonly number[] } {
  const [nextTaskId, pending] = decodeRow(head.bytes, `head of shard ${shard}`)
  if (!Number.isSafeInteger(nextTaskId) || !Array.isArray(pending))
    throw new CorruptError(`head of shard ${shard}: not a head`)
  return { nextTaskId: nextTaskId as number, pending: pending as readonly number[] }
}
