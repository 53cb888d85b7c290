/**
 * Task queues: pollers meet work. A task that nobody can take waits in its backlog; the rows are the truth, memory holds a
 * bounded beginning of them.
 *
 * Invariant: within a task queue tasks are handed out in the order of their ids, as far as workers come for them.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { BacklogEntry, MatchingService, TaskQueueKind, TaskStarter, WaitingPoll } from '../protocol/matching.js'
import type { ActivityTask, PollRequest, WorkflowTask } from '../protocol/worker-tasks.js'
import type { Settings } from '../protocol/settings.js'
import { MatchingExhaustedError } from './errors.js'
import { Poll } from './poll.js'

/** A worker between two polls is still there. Temporal's figure for sticky queues. */
const POLLED_LATELY_MS = 10_000
/** A queue that nobody has used for so long is forgotten, once there are many. */
const IDLE_QUEUE_MS = 300_000
const MANY_QUEUES = 1000
/** Kept in memory, so that each is given once. */
const MAX_WARNINGS = 1000

export interface MatchingParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly settings: Settings
  readonly starter: TaskStarter
  readonly newRequestId: () => string
  /** Can a worker of this process run it? Absent: nobody wants to be told what waits for others. */
  readonly isKnownHere?: ((entry: BacklogEntry) => boolean) | undefined
}

interface TaskQueue {
  readonly kind: TaskQueueKind
  readonly namespaceId: string
  readonly name: string
  polls: WaitingPoll[]
  /** In order of task id. */
  backlog: BacklogEntry[]
  /** From this id on entries are in the rows only; undefined: memory holds them all. */
  unreadFrom: number | undefined
  isReading: boolean
  /** Somebody has polled it: what waits here waits for him. */
  isPolled: boolean
  /** Of the last poll, monotonic. */
  polledAtMs: number
  /** What a poll is given before any task. */
  readonly offers: Set<(poll: WaitingPoll) => void>
  /** Tasks being started for a poll: they are no longer in `backlog`, and may come back. */
  isStarting: boolean
}

export class Matching implements MatchingService {
  readonly #parts: MatchingParts
  readonly #queues = new Map<string, TaskQueue>()
  readonly #warnedOf = new Set<string>()
  #sweepAtCount = MANY_QUEUES
  #isClosed = false

  constructor(parts: MatchingParts) {
    this.#parts = parts
  }

  takePoll(kind: TaskQueueKind, namespaceId: string, taskQueue: string): WaitingPoll | undefined {
    const queue = this.#queues.get(queueName(kind, namespaceId, taskQueue))
    return queue === undefined || hasWaitingTasks(queue) ? undefined : nextPoll(queue)
  }

  returnPoll(kind: TaskQueueKind, namespaceId: string, taskQueue: string, poll: WaitingPoll): void {
    if (poll.isOver) return
    poll.release()
    const queue = this.#queue(kind, namespaceId, taskQueue)
    queue.polls.unshift(poll)
    this.#pump(queue)
  }

  hasBacklog(kind: TaskQueueKind, namespaceId: string, taskQueue: string): boolean {
    const queue = this.#queues.get(queueName(kind, namespaceId, taskQueue))
    return queue !== undefined && hasWaitingTasks(queue)
  }

  isPolled(kind: TaskQueueKind, namespaceId: string, taskQueue: string): boolean {
    const queue = this.#queues.get(queueName(kind, namespaceId, taskQueue))
    if (queue === undefined) return false
    if (queue.polls.some(({ isOver }) => !isOver)) return true
    return this.#parts.clock.monotonicMs() - queue.polledAtMs < POLLED_LATELY_MS
  }

  offer(kind: TaskQueueKind, namespaceId: string, taskQueue: string, give: (poll: WaitingPoll) => void): () => void {
    const queue = this.#queue(kind, namespaceId, taskQueue)
    queue.offers.add(give)
    this.#pump(queue)
    return () => void queue.offers.delete(give)
  }

  add(entry: BacklogEntry): void {
    if (this.#isClosed) return
    const queue = this.#queue(entry.kind, entry.namespaceId, entry.taskQueue)
    if (queue.unreadFrom === undefined && queue.backlog.length < this.#parts.settings.maxBacklogInMemoryCount) {
      queue.backlog.push(entry)
    } else queue.unreadFrom = Math.min(queue.unreadFrom ?? entry.taskId, entry.taskId)
    if (!queue.isPolled && this.#parts.isKnownHere?.(entry) === false) this.#warnOnce(entry)
    this.#pump(queue)
  }

  /** It may wait for ever: once for each type, since this is a slip in the application or nothing at all. */
  #warnOnce({ kind, taskQueue, taskType, workflowId }: BacklogEntry): void {
    const name = `${kind} ${taskType} ${taskQueue}`
    if (this.#warnedOf.has(name) || this.#warnedOf.size >= MAX_WARNINGS) return
    this.#warnedOf.add(name)
    const message = `no worker here has ${kind} '${taskType}' of task queue '${taskQueue}': a task waits; is it in definitions?`
    this.#parts.logger.warn({ kind, taskType, taskQueue, workflowId }, message)
  }

  slotFreed(kind: TaskQueueKind, namespaceId: string, taskQueue: string): void {
    const queue = this.#queues.get(queueName(kind, namespaceId, taskQueue))
    if (queue !== undefined && hasWaitingTasks(queue)) this.#pump(queue)
  }

  poll(kind: TaskQueueKind, request: PollRequest): Promise<WorkflowTask | ActivityTask | undefined> {
    const { clock, settings, newRequestId } = this.#parts
    const queue = this.#queue(kind, request.namespaceId, request.taskQueue)
    queue.polls = queue.polls.filter((poll) => !poll.isOver)
    if (queue.polls.length >= settings.maxPollersPerTaskQueue) {
      return Promise.reject(new MatchingExhaustedError(request.taskQueue, settings.maxPollersPerTaskQueue))
    }
    queue.isPolled = true
    queue.polledAtMs = clock.monotonicMs()
    const poll = new Poll(clock, request, newRequestId())
    queue.polls.push(poll)
    this.#pump(queue)
    return poll.answered
  }

  /** Polls end without a task; nothing is handed out any more. */
  close(): void {
    this.#isClosed = true
    for (const { polls } of this.#queues.values()) for (const poll of polls) (poll as Poll).end()
    this.#queues.clear()
  }

  #queue(kind: TaskQueueKind, namespaceId: string, name: string): TaskQueue {
    const key = queueName(kind, namespaceId, name)
    let queue = this.#queues.get(key)
    if (queue === undefined) {
      if (this.#queues.size >= this.#sweepAtCount) this.#sweep()
      queue = {
        kind,
        namespaceId,
        name,
        polls: [],
        backlog: [],
        unreadFrom: undefined,
        isReading: false,
        isPolled: false,
        polledAtMs: -Infinity,
        offers: new Set(),
        isStarting: false,
      }
      this.#queues.set(key, queue)
    }
    return queue
  }

  /** Workers come with a sticky queue of their own, and go. */
  #sweep(): void {
    const idleSinceMs = this.#parts.clock.monotonicMs() - IDLE_QUEUE_MS
    for (const [name, queue] of this.#queues) {
      const isUsed = hasWaitingTasks(queue) || queue.isStarting || queue.offers.size > 0 || queue.polls.length > 0
      if (!isUsed && queue.polledAtMs < idleSinceMs) this.#queues.delete(name)
    }
    this.#sweepAtCount = Math.max(MANY_QUEUES, 2 * this.#queues.size)
  }

  /** Hands out what can be taken: to free slots of this process first, then to polls. */
  #pump(queue: TaskQueue): void {
    const { starter } = this.#parts
    if (!this.#isClosed) giveOffers(queue)
    while (!this.#isClosed) {
      const entry = queue.backlog[0]
      if (entry === undefined) return this.#readOn(queue)
      if (starter.reserveLocal(entry)) {
        queue.backlog.shift()
        starter.startLocal(entry)
        continue
      }
      if (queue.isStarting) return
      const poll = nextPoll(queue)
      if (poll === undefined) return
      queue.backlog.shift()
      queue.isStarting = true
      void this.#startForPoll(queue, entry, poll)
      return
    }
  }

  async #startForPoll(queue: TaskQueue, entry: BacklogEntry, poll: WaitingPoll): Promise<void> {
    let wasTaken = false
    try {
      wasTaken = await this.#parts.starter.startForPoll(entry, poll)
    } catch (error) {
      // The row stands; whoever opens its shard again finds it.
      this.#parts.logger.warn(
        { error, taskQueue: queue.name, workflowId: entry.workflowId },
        'a task could not be started',
      )
    }
    queue.isStarting = false
    if (!wasTaken && !poll.isOver) {
      poll.release()
      queue.polls.unshift(poll)
    }
    this.#pump(queue)
  }

  /** Memory has run dry and the rows have more. */
  #readOn(queue: TaskQueue): void {
    if (queue.unreadFrom === undefined || queue.isReading) return
    queue.isReading = true
    void this.#read(queue, queue.unreadFrom)
  }

  async #read(queue: TaskQueue, fromTaskId: number): Promise<void> {
    const { starter, settings, logger } = this.#parts
    const limit = settings.maxBacklogInMemoryCount
    try {
      queue.unreadFrom = undefined
      const entries = await starter.readBacklog(queue.kind, queue.namespaceId, queue.name, fromTaskId, limit)
      const last = entries.at(-1)
      // What was added meanwhile and had no room may come before that.
      if (entries.length >= limit && last !== undefined)
        queue.unreadFrom = Math.min(queue.unreadFrom ?? Infinity, last.taskId + 1)
      queue.backlog = merged(entries, queue.backlog)
    } catch (error) {
      queue.unreadFrom = fromTaskId
      logger.warn(
        { error, taskQueue: queue.name },
        'the backlog of a task queue could not be read; its shards are being opened again',
      )
      queue.isReading = false
      return
    }
    queue.isReading = false
    this.#pump(queue)
  }
}

function hasWaitingTasks(queue: TaskQueue): boolean {
  return queue.backlog.length > 0 || queue.unreadFrom !== undefined || queue.isReading
}

function giveOffers(queue: TaskQueue): void {
  const { offers } = queue
  for (const give of offers) {
    const poll = nextPoll(queue)
    if (poll === undefined) return
    offers.delete(give)
    give(poll)
  }
}

function nextPoll(queue: TaskQueue): WaitingPoll | undefined {
  for (;;) {
    const poll = queue.polls.shift()
    if (poll === undefined) return undefined
    if (poll.isOver) continue
    poll.hold()
    return poll
  }
}

/** What was read, and what was added meanwhile; each task once. */
function merged(read: readonly BacklogEntry[], added: readonly BacklogEntry[]): BacklogEntry[] {
  const byId = new Map<number, BacklogEntry>()
  for (const entry of read) byId.set(entry.taskId, entry)
  for (const entry of added) byId.set(entry.taskId, entry)
  return [...byId.values()].sort((a, b) => a.taskId - b.taskId)
}

function queueName(kind: TaskQueueKind, namespaceId: string, taskQueue: string): string {
  return `${kind}/${namespaceId}/${taskQueue}`
}
