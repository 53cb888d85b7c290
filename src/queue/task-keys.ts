/**
 * Keys of the rows that are read by shard: open attempts, timers, backlog, buffered events, dead letters, retention.
 *
 * Task ids come from one counter of the host, above every id of every head it claimed, so keys ascend in time. docs/keys.md
 * lists all kinds; each builder has its inverse beside it.
 */
import { afterPrefix, readTextKey, readU48, readU8, textKey, u48, u8 } from '../base/bytes.js'
import { uuidKey, uuidText } from '../base/uuid.js'
import { TASK_KINDS } from '../shard/shard.js'
import type { TaskQueueKind } from '../protocol/matching.js'
import type { Key, KeyBounds } from '../storage/medium.js'

const TASK_ID_BYTES = 6

/** An attempt that a worker of this host runs: kind, task id. */
export function attemptKey(taskId: number): Key {
  return u8(TASK_KINDS.attempt) + u48(taskId)
}

/** Something that is due at a time: kind, due ms, task id. */
export function timerKey(dueAtMs: number, taskId: number): Key {
  return u8(TASK_KINDS.timer) + u48(dueAtMs) + u48(taskId)
}

export function timerKeyDue(key: Key): number {
  return readU48(key, 1)
}

/** A workflow event that waits for the end of a started workflow task: kind, task id. */
export function bufferedKey(taskId: number): Key {
  return u8(TASK_KINDS.buffered) + u48(taskId)
}

/** A task that was given up: kind, task id. */
export function deadLetterKey(taskId: number): Key {
  return u8(TASK_KINDS.deadLetter) + u48(taskId)
}

/** A run that has closed, and goes when this is due: kind, due ms, task id. */
export function retentionKey(dueAtMs: number, taskId: number): Key {
  return u8(TASK_KINDS.retention) + u48(dueAtMs) + u48(taskId)
}

export function retentionKeyDue(key: Key): number {
  return readU48(key, 1)
}

/** Those that are due from one time on, at the end of another at the latest; undefined: whenever. */
export function retentionBounds(fromMs: number, untilMs: number | undefined): KeyBounds {
  const lt = untilMs === undefined ? u8(TASK_KINDS.retention + 1) : retentionKey(untilMs + 1, 0)
  return { gte: retentionKey(fromMs, 0), lt }
}

/** Every kind ends in its task id. */
export function keyTaskId(key: Key): number {
  return readU48(key, key.length - TASK_ID_BYTES)
}

/** Priorities and passes of fair queues come later; until then all are the same, and so is their order. */
const DEFAULT_PRIORITY = 3
const FIRST_PASS = 0

/** A task that nobody could take at once: kind, namespace id, workflow or activity, task queue, NUL, priority, pass, task id. */
export function backlogKey(namespaceId: string, kind: TaskQueueKind, taskQueue: string, taskId: number): Key {
  return backlogPrefix(namespaceId, kind, taskQueue) + u48(taskId)
}

function backlogPrefix(namespaceId: string, kind: TaskQueueKind, taskQueue: string): string {
  const queue = u8(kind === 'workflow' ? 0 : 1) + textKey(taskQueue) + u8(0)
  return u8(TASK_KINDS.backlog) + uuidKey(namespaceId) + queue + u8(DEFAULT_PRIORITY) + u48(FIRST_PASS)
}

/** The entries of one task queue from a task id on. */
export function backlogBounds(
  namespaceId: string,
  kind: TaskQueueKind,
  taskQueue: string,
  fromTaskId: number,
): KeyBounds {
  const prefix = backlogPrefix(namespaceId, kind, taskQueue)
  return { gte: prefix + u48(fromTaskId), lt: afterPrefix(prefix) }
}

export interface BacklogAddress {
  readonly namespaceId: string
  readonly kind: TaskQueueKind
  readonly taskQueue: string
  readonly taskId: number
}

export function readBacklogKey(key: Key): BacklogAddress {
  const end = key.length - 1 - 1 - 2 * TASK_ID_BYTES
  return {
    namespaceId: uuidText(key.slice(1, 17)),
    kind: readU8(key, 17) === 0 ? 'workflow' : 'activity',
    taskQueue: readTextKey(key.slice(18, end)),
    taskId: keyTaskId(key),
  }
}
