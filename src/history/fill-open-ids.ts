/** Fills the filter of open ids in the background after open, in short slices. Until it is done, starts read. */
import type { HistoryContext } from './context.js'
import type { Medium } from '../storage/medium.js'
import { readTextKey } from '../base/bytes.js'
import { ROW_KINDS, decodeCurrentRun } from './rows.js'

const NAMESPACE_END = 17

/** Never rejects: without the filter starts only read more. */
export async function fillOpenIds(context: HistoryContext, medium: Medium): Promise<void> {
  const { clock, settings, openIds, logger } = context
  const { opening } = openIds
  let sliceEndMs = clock.monotonicMs() + settings.filterSliceMs
  try {
    for await (const rows of medium.scanKind(ROW_KINDS.currentRun)) {
      for (const row of rows) {
        const workflowId = readTextKey(row.key.slice(NAMESPACE_END))
        if (decodeCurrentRun(row.value, workflowId).status === 'Running') openIds.add(row.hash, workflowId.length)
        if (clock.monotonicMs() < sliceEndMs) continue
        await new Promise<void>((resolve) => clock.soon(resolve))
        // The store may have been opened again meanwhile, and the filter emptied.
        if (openIds.opening !== opening) return
        sliceEndMs = clock.monotonicMs() + settings.filterSliceMs
      }
    }
    openIds.filled(opening)
  } catch (error) {
    logger.warn({ error }, 'the filter of open workflow ids was not filled: starts read instead')
  }
}
