/**
 * What the parts of an execution know of each other and of their host: the triangle contract ← parts ← execution keeps
 * imports free of circles.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { UuidV7Source } from '../base/uuid.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { Settings } from '../protocol/settings.js'
import type { LiveTurn } from '../machine/machine.js'
import type { TurnRules } from '../machine/turn.js'
import type { ExecutionState } from '../machine/state.js'
import type { Wheel } from '../queue/wheel.js'
import type { Shard } from '../shard/shard.js'
import type { LocalWorkflowTask } from '../protocol/local-workers.js'
import type { DueEntry, DueSink } from './due.js'
import type { LimitLog } from './limit-log.js'
import type { OpenIds } from './open-ids.js'
import type { TaskRef } from './rows.js'

/** A turn that somebody wants: `decide` runs on current state; `resolve` is called with what it gave once that is durable. */
export interface TurnRequest {
  readonly decide: (turn: LiveTurn) => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  /** What it brings into the turn, payloads and failures: known before it is decided, so that no turn becomes too big. Absent: next to nothing. */
  readonly bytes?: number
  /** Called when the turn is staged: what it stages is in the same commit. */
  readonly alongside?: () => void
}

/** Done when the turn is durable; taken back when it is not written. Neither may throw. */
export interface Effect {
  perform(): void
  takeBack(): void
}

/** One turn on its way to the medium. */
export interface StagedView {
  readonly execution: ExecutionView
  readonly due: readonly DueEntry[] | undefined
  readonly closing: HistoryEvent | undefined
  addEffect(effect: Effect): void
}

/** An execution in the cache, as its parts see it. */
export interface ExecutionView extends TaskRef {
  readonly host: ExecutionHost
  readonly shard: Shard
  readonly namespaceKey: string
  readonly hash: number
  readonly state: ExecutionState
  readonly turn: LiveTurn
  readonly sizeBytes: number
  readonly isOpen: boolean
  code: unknown
  /** Why it is no longer in the cache; undefined while it may be used. */
  readonly goneBy: Error | undefined
  backlogTaskId(itemId: number): number | undefined
  submitCause(request: TurnRequest): void
  /** Undefined: none waits, or the turn being made has no room for it. */
  nextCause(): TurnRequest | undefined
  /** Runs one request within the turn being made. */
  apply(request: TurnRequest): boolean
  refuseCauses(): void
  dropCode(): void
  /** `commandBytes`: what its commands bring into the turn. */
  closeTask(commandBytes: number): void
  /** To be done when the turn being made is durable. */
  addEffect(effect: Effect): void
  settledTurn(staged: StagedView): void
}

/** The host of executions, as they see it. */
export interface ExecutionHost extends DueSink {
  readonly clock: Clock
  readonly logger: Logger
  readonly limitLog: LimitLog
  readonly settings: Settings
  readonly rules: TurnRules
  readonly wheel: Wheel
  readonly identity: string
  readonly sdk: string
  readonly runIds: UuidV7Source
  readonly openIds: OpenIds
  readonly cache: { add(execution: ExecutionView): void; trim(): void }
  nextTaskId(): number
  /** When a run that is being closed is to go, at once if it `isDoomed`; undefined: never. */
  retentionDueMs(closed: HistoryEvent, isDoomed: boolean): number | undefined
  /** Is the workflow's code in a worker of this process? */
  acceptsCode(execution: ExecutionView): boolean
  /** Where its pending workflow task waits: at the sticky queue that it names while that is polled, else at the normal one. */
  workflowQueueOf(execution: ExecutionView): string
  wakeCode(task: LocalWorkflowTask): void
  dropCode(code: unknown): void
  fingerprint(workflowType: string): string
  /** Gives the turn's tasks to slots, pollers or the backlog; may start activities within the turn. */
  dispatch(execution: ExecutionView, staged: StagedView): void
  staged(shard: Shard): void
  turnDurable(staged: StagedView): void
  /** Events that are durable, staged ones awaited, in order. */
  readDurable(execution: ExecutionView): Promise<readonly HistoryEvent[]>
  failShard(shard: Shard, error: Error): void
}
