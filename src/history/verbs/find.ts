/** From what a caller names to the execution. */
import { isLoomError, LoomError } from '../../base/errors.js'
import { isUuid, uuidKey } from '../../base/uuid.js'
import type { ExecutionTarget } from '../../protocol/ids.js'
import { ringHash } from '../../shard/ring.js'
import type { HistoryContext } from '../context.js'
import type { Execution } from '../execution.js'
import { noSuchRun } from '../loader.js'

/** The run that is named, or the current one. Rejects with LOOM_NOT_FOUND. */
export async function find(
  context: HistoryContext,
  { namespaceId, workflowId, runId }: ExecutionTarget,
): Promise<Execution> {
  const cached = runId === undefined ? context.cache.current(namespaceId, workflowId) : context.cache.run(runId)
  if (cached !== undefined && cached.workflowId === workflowId && cached.namespaceId === namespaceId) return cached
  const justClosed = context.cache.justClosed(namespaceId, workflowId, runId)
  if (justClosed !== undefined) return justClosed
  const hash = ringHash(namespaceId, workflowId)
  if (runId !== undefined) {
    if (!isUuid(runId)) throw new LoomError('LOOM_INVALID_ARGUMENT', `runId: not a UUID: '${runId.slice(0, 60)}'`)
    return await context.findRun({ namespaceId, workflowId, runId, runKey: uuidKey(runId) }, hash)
  }
  const row = await context.readCurrentRun(namespaceId, workflowId, hash)
  // It may have been started, or read back, meanwhile.
  const now = context.cache.current(namespaceId, workflowId)
  if (now !== undefined) return now
  if (row === undefined) throw noSuchRun(workflowId, undefined)
  return await context.findRun({ namespaceId, workflowId, runId: row.runId, runKey: uuidKey(row.runId) }, hash)
}

/**
 * Acts on the run that is named, or on the current one: when that closes meanwhile and another follows, on that one, so that
 * nothing is lost between two runs of a chain.
 */
export async function onCurrentRun(
  context: HistoryContext,
  target: ExecutionTarget,
  act: (execution: Execution) => Promise<unknown>,
): Promise<void> {
  const cached = target.runId === undefined ? context.cache.current(target.namespaceId, target.workflowId) : undefined
  let execution = cached ?? (await find(context, target))
  for (;;) {
    try {
      await act(execution)
      return
    } catch (error) {
      if (target.runId !== undefined || !isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
      const now = await find(context, target)
      if (now === execution || now.runId === execution.runId) throw error
      execution = now
    }
  }
}

/** What the execution was started as: it never changes, so it may be told before it is durable. */
export async function workflowTypeOf(context: HistoryContext, target: ExecutionTarget): Promise<string> {
  const { state } = await find(context, target)
  return state.started!.attributes.workflowType
}
