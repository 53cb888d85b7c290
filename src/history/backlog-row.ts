/** The entry that a backlog row holds. */
import type { BacklogEntry } from '../protocol/matching.js'
import { keyTaskId } from '../queue/task-keys.js'
import { decodeTask } from './rows.js'

export function readBacklogRow(
  row: { readonly key: string; readonly hash: number; readonly value: Uint8Array },
  kind: 'workflow' | 'activity',
  taskQueue: string,
): BacklogEntry {
  const { ref, rest } = decodeTask(row.value, 'backlog entry')
  const [scheduledEventId, attempt, stamp, taskType] = rest as [number, number, number, string]
  const { namespaceId, workflowId, runId } = ref
  return {
    kind,
    taskQueue,
    taskType,
    hash: row.hash,
    namespaceId,
    workflowId,
    runId,
    scheduledEventId,
    attempt,
    stamp,
    taskId: keyTaskId(row.key),
  }
}
