/**
 * One execution in the cache: its state, the turn that is being made, and what waits for it.
 *
 * A turn runs synchronously on current state. When it wakes the workflow code of a local worker it stays open (`OpenTask`)
 * until the code is quiescent; otherwise it is staged at once. Whoever caused it is told when its commit is durable.
 *
 * Invariant: while a task is open nothing of the execution is staged; causes wait in `#causes` until a window opens for
 * them, all else in `#afterTask` until the task has ended.
 */
import { InvariantError } from '../base/assert.js'
import { LoomError } from '../base/errors.js'
import { uuidKey } from '../base/uuid.js'
import { LiveTurn, type TurnHome } from '../machine/machine.js'
import { HISTORY_SERVICE, startExecution, terminateExecution } from '../machine/lifecycle.js'
import { ExecutionState } from '../machine/state.js'
import type { TurnRules } from '../machine/turn.js'
import type { Shard } from '../shard/shard.js'
import type { RunClosed } from './closed-slot.js'
import type { Effect, ExecutionHost, ExecutionView, TurnRequest } from './contract.js'
import { ExecutionRows, type ReadHistory, type RunIdentity } from './execution-rows.js'
import { growthOf, HEAVY_PAYLOAD, reasonToEnd } from './growth.js'
import { ItemRows } from './item-rows.js'
import { OpenTask, isSeenByCode } from './open-task.js'
import { RequestQueue } from './request-queue.js'
import { Staged } from './staged.js'
import { hasWorkflowTask, moreBytes, nextRunOf, type NextRun } from './turn-tasks.js'

export class Execution extends ExecutionRows implements ExecutionView, TurnHome {
  readonly items: ItemRows = new ItemRows(this)
  readonly turn: LiveTurn
  /** The sticky workflow code; the worker's own. Undefined: it must be replayed. */
  code: unknown = undefined
  closedSlot: RunClosed | undefined = undefined
  /** Used since the cache last looked. */
  isRecent = false
  /** Why it left the cache by force; undefined while it may be used. */
  goneBy: Error | undefined = undefined
  /** Its shard counts it among those that are stalled. */
  isCountedStalled = false

  #task: OpenTask | undefined = undefined
  /** Undefined until the first, as `#afterTask`: most executions never have one. */
  #causes: RequestQueue | undefined = undefined
  #afterTask: RequestQueue | undefined = undefined
  /** Gathers who is to be told of the turn being made. */
  #staging: Staged | undefined = undefined
  /** The last turn that was staged; durable turns settle in order. */
  #lastStaged: Staged | undefined = undefined
  #stagedCount = 0
  /** What the requests of the turn being made have brought into it. */
  #turnBytes = 0
  /** What was warned of: bits of growth.ts. */
  #growth = 0

  constructor(host: ExecutionHost, shard: Shard, ref: RunIdentity, state: ExecutionState) {
    super(host, shard, ref, state)
    this.turn = new LiveTurn(state, this)
  }

  override resume(history: ReadHistory): void {
    super.resume(history)
    // It was warned of this before.
    this.#growth = growthOf(this, this.host.settings)
  }

  get isOpen(): boolean {
    return this.state.closed === undefined
  }

  /** Something of it is not durable yet, or happening: it must stay in the cache. */
  get isPinned(): boolean {
    return this.#stagedCount > 0 || this.#task !== undefined || (this.#causes?.length ?? 0) > 0
  }

  /** Things that wait for a window of the open task, or for the next. */
  get waitingCauseCount(): number {
    return this.#causes?.length ?? 0
  }

  get openTask(): OpenTask | undefined {
    return this.#task
  }

  /** Its close is staged, and not durable yet. */
  get isClosing(): boolean {
    return !this.isOpen && this.#stagedCount > 0
  }

  // ---- turns

  /** Something that workflow code may have to see: it becomes an event when its window opens. */
  cause<T>(decide: (turn: LiveTurn) => T, bytes: number): Promise<T> {
    return new Promise<T>((resolve, reject) => this.submitCause({ decide, resolve: resolve, reject, bytes }))
  }

  submitCause(request: TurnRequest): void {
    if (this.goneBy !== undefined) return request.reject(this.goneBy)
    if (this.#task === undefined) return this.#take(request)
    this.#causes ??= new RequestQueue()
    this.#causes.push(request)
    this.host.wakeCode(this.#task)
  }

  /** Anything else: it waits for the end of an open task. */
  transact<T>(decide: (turn: LiveTurn) => T, bytes = 0): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#submit({ decide, resolve: resolve, reject, bytes }))
  }

  /** As `transact`; `alongside` is called when `decide` changed something, so that what it stages is in the same commit. */
  transactWith<T>(decide: (turn: LiveTurn) => T, alongside: () => void, bytes: number): Promise<T> {
    return new Promise<T>((resolve, reject) => this.#submit({ decide, resolve: resolve, reject, bytes, alongside }))
  }

  #submit(request: TurnRequest): void {
    if (this.goneBy !== undefined) request.reject(this.goneBy)
    else if (this.#task !== undefined) (this.#afterTask ??= new RequestQueue()).push(request)
    else this.#take(request)
  }

  /** The first turn. A local worker takes the first workflow task within it, unless it has to go into the commit of the turn before. */
  begin<T>(decide: (turn: LiveTurn) => void, value: T, bytes: number, isAlongside: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.turn.nowMs = this.host.clock.nowMs()
      this.#brought(bytes)
      decide(this.turn)
      this.#gather().answer(resolve, reject, value)
      if (isAlongside) this.#stage(true)
      else if (!this.#openTaskIfLocal()) this.#stage(false)
    })
  }

  /** Resolves when everything that is staged now is durable; rejects when it is not written. */
  settled(): Promise<void> {
    const staged = this.#lastStaged
    if (this.goneBy !== undefined) return Promise.reject(this.goneBy)
    return staged === undefined
      ? Promise.resolve()
      : new Promise((resolve, reject) => staged.answer(resolve, reject, undefined))
  }

  #take(request: TurnRequest): void {
    if (!this.apply(request) || this.#openTaskIfLocal()) return
    // Code that has not seen these events would go on from a past that never was.
    if (this.code !== undefined && this.turn.events.some(isSeenByCode)) this.dropCode()
    this.#stage(false)
    if (this.goneBy === undefined) request.alongside?.()
  }

  /**
   * Runs one request within the turn being made. False when there is nothing to stage: it was refused, or changed nothing; then
   * it has been answered, or is when what it saw is durable.
   */
  apply(request: TurnRequest): boolean {
    const { turn } = this
    turn.nowMs = this.host.clock.nowMs()
    const before = turn.events.length + turn.changes.length
    let value: unknown
    try {
      value = request.decide(turn)
    } catch (error) {
      this.#refuse(request, error)
      return false
    }
    if (turn.events.length + turn.changes.length === before && turn.tasks.length === 0) {
      // What it saw may be staged only: the answer waits for that.
      if (this.#staging !== undefined) this.#staging.answer(request.resolve, request.reject, value)
      else if (this.#lastStaged !== undefined) this.#lastStaged.answer(request.resolve, request.reject, value)
      else request.resolve(value as never)
      return false
    }
    if (request.bytes !== undefined) this.#brought(request.bytes)
    this.#gather().answer(request.resolve, request.reject, value)
    return true
  }

  #brought(bytes: number): void {
    this.#turnBytes += bytes
    if (bytes > this.host.settings.warnPayloadBytes) this.#noteGrowth(HEAVY_PAYLOAD, bytes)
  }

  /** A refusal drawn from staged state is told with the commit that it saw. */
  #refuse(request: TurnRequest, error: unknown): void {
    const reason = error instanceof Error ? error : new Error(String(error))
    if (reason instanceof InvariantError) {
      request.reject(reason)
      return this.host.failShard(this.shard, reason)
    }
    const seen = this.#staging ?? this.#lastStaged
    if (seen === undefined) request.reject(reason)
    else seen.answer(() => request.reject(reason), request.reject, undefined)
  }

  #gather(): Staged {
    return (this.#staging ??= new Staged(this))
  }

  /** A workflow task was scheduled and a worker of this process has the code: the turn stays open for it. */
  #openTaskIfLocal(): boolean {
    // What was due together may have closed it behind its back.
    if (!hasWorkflowTask(this.turn.tasks) || !this.isOpen || !this.host.acceptsCode(this)) return false
    this.turn.takeWorkflowTask()
    this.openTaskNow()
    return true
  }

  /** Also for a task that waited in the backlog: its events are history already. */
  openTaskNow(): void {
    this.#gather()
    this.#task = new OpenTask(this)
    this.host.wakeCode(this.#task)
  }

  backlogTaskId(itemId: number): number | undefined {
    return this.items.backlogTaskId(itemId)
  }

  /** To be done when the turn being made is durable. */
  addEffect(effect: Effect): void {
    this.#gather().addEffect(effect)
  }

  /** A workflow task waits, and nobody holds it. */
  canOpenTask(): boolean {
    const { state } = this
    if (!this.isOpen || this.goneBy !== undefined || this.#task !== undefined) return false
    const progress = state.workflowTaskProgress
    return progress === undefined
      ? state.workflowTask !== undefined
      : progress.startedEventId === 0 && !progress.isBackingOff
  }

  nextCause(): TurnRequest | undefined {
    const next = this.#causes?.first
    if (next === undefined) return undefined
    const bytes = this.#turnBytes + (next.bytes ?? 0)
    // The first is never too big: whoever submits it has seen to that.
    if (this.#turnBytes > 0 && bytes > this.host.settings.maxTurnBytes) return undefined
    return this.#causes!.shift()
  }

  /** The open task has ended: everything of it is staged, and what waited goes on. */
  closeTask(commandBytes: number): void {
    this.#task = undefined
    this.#turnBytes += commandBytes
    this.#stage(false)
    this.#drain()
  }

  /** What waited for the end of a task goes before further causes: a flood of these must not hold up a terminate. */
  #drain(): void {
    while (this.#task === undefined && this.goneBy === undefined) {
      const next = this.#afterTask?.shift() ?? this.#causes?.shift()
      if (next === undefined) return
      this.#take(next)
    }
  }

  // ---- staging

  /** Stages the rows of the turn that was made: one commit with all of it. */
  #stage(isAlongside: boolean): void {
    const staged = this.#gather()
    this.#staging = undefined
    try {
      this.#stageTurn(staged, isAlongside)
    } catch (error) {
      // A mistake of ours: what is staged by half must never be written.
      this.host.failShard(this.shard, error instanceof Error ? error : new Error(String(error)))
      const reason = new LoomError('LOOM_UNAVAILABLE', `a turn of ${this.workflowId} could not be staged`, {
        cause: error,
      })
      this.goneBy ??= reason
      staged.failed(reason)
      return
    }
    this.#checkGrowth()
  }

  /** One that has outgrown a limit is ended behind the turn that did it: what was accepted stays recorded. */
  #checkGrowth(): void {
    const { host, state } = this
    const growth = growthOf(this, host.settings)
    if (growth === 0 || state.closed !== undefined) return
    this.#noteGrowth(growth)
    const reason = reasonToEnd(growth, this, host.settings)
    if (reason === undefined) return
    host.limitLog.ended(this, reason)
    this.turn.nowMs = host.clock.nowMs()
    terminateExecution(this.turn, { reason, details: undefined, identity: HISTORY_SERVICE })
    this.#stage(false)
  }

  /** A line for each kind while it is in memory, and for its history one at all. */
  #noteGrowth(bits: number, payloadBytes?: number): void {
    const isNew = bits & ~this.#growth
    if (isNew === 0) return
    this.#growth |= isNew
    this.host.limitLog.grown(this, isNew, payloadBytes)
  }

  #stageTurn(staged: Staged, isAlongside: boolean): void {
    const { turn, shard, state } = this
    // A big turn has a commit to itself: with what is staged already it might be more than one can hold.
    if (!isAlongside) shard.beginTurn(this.host.settings.maxTurnBytes - this.#turnBytes - moreBytes(turn))
    this.#turnBytes = 0
    this.host.dispatch(this, staged)
    const { named, due } = this.items.write(turn)
    staged.due = due
    if (state.closed !== undefined) this.putClose(turn.events, (staged.closing = state.closed))
    else if (turn.events.length > 0) this.putHistory(turn.events, named)
    if (this.isCurrentRowDirty || state.closed !== undefined) this.putCurrentRow()
    const next = state.closed === undefined ? undefined : nextRunOf(turn.tasks)
    turn.clear()
    shard.stage().turns.push(staged)
    this.#stagedCount++
    this.#lastStaged = staged
    this.host.staged(shard)
    if (next !== undefined) this.#beginNext(next)
  }

  /** The run that follows begins in the commit that closes this one: behind it, since the row of the current run is to be its. */
  #beginNext({ runId, attributes }: NextRun): void {
    const { host, shard, workflowId, hash } = this
    const { namespaceId, namespaceKey } = this
    const ref = { namespaceId, namespaceKey, workflowId, runId, runKey: uuidKey(runId), hash }
    const next = new Execution(host, shard, ref, new ExecutionState())
    next.turn.nowMs = this.turn.nowMs
    startExecution(next.turn, { ...attributes, continuedExecutionRunId: this.runId })
    next.#stage(true)
    if (next.goneBy !== undefined) return
    host.openIds.add(hash, workflowId.length)
    host.cache.add(next)
  }

  get rules(): TurnRules {
    return this.host.rules
  }

  newRunId(): string {
    return this.host.runIds.next(this.host.clock.nowMs()).text
  }

  /** Called by `Staged` when a turn of it is durable. */
  settledTurn(staged: Staged): void {
    this.#countStalled()
    if (this.#lastStaged === staged) this.#lastStaged = undefined
    if (--this.#stagedCount === 0) this.host.cache.trim()
  }

  #countStalled(): void {
    const isStalled = this.isOpen && this.state.stall !== undefined
    if (isStalled === this.isCountedStalled) return
    this.isCountedStalled = isStalled
    this.shard.stalledCount += isStalled ? 1 : -1
  }

  // ---- leaving

  /** The worker forgets the code; the next task replays. */
  dropCode(): void {
    if (this.code === undefined) return
    this.host.dropCode(this.code)
    this.code = undefined
  }

  /** It leaves the cache in peace: whoever still holds it finds it by its ids. Its entries stay on the wheel. */
  leave(): void {
    this.goneBy = new LoomError('LOOM_UNAVAILABLE', `${this.workflowId} has left the cache`)
    this.dropCode()
  }

  /** It leaves the cache by force: everything that waits for it fails with `error`. */
  abandon(error: LoomError): void {
    if (this.goneBy !== undefined) return
    this.goneBy = error
    this.items.disarm()
    this.dropCode()
    this.#task?.forget()
    this.#task = undefined
    const waiting = [this.#causes, this.#afterTask]
    this.#causes = undefined
    this.#afterTask = undefined
    for (const queue of waiting) queue?.drain((request) => request.reject(error))
    this.#staging?.failed(error)
    this.#staging = undefined
  }

  /** The run has closed within the open task: causes that had no window were never acknowledged. */
  refuseCauses(): void {
    const waiting = this.#causes
    if (waiting === undefined || waiting.length === 0) return
    const error = new LoomError('LOOM_EXECUTION_CLOSED', `${this.workflowId} has closed`)
    this.#causes = undefined
    waiting.drain((request) => this.#refuse(request, error))
  }
}
