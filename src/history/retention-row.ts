/**
 * The row that says when a closed run goes: written by the commit that closes it, named by its last history row. Also what is
 * left to do of a delete that takes several commits: then it is due at once.
 */
import { CorruptError } from '../storage/errors.js'
import type { Key, Row } from '../storage/medium.js'
import { decodeTask, encodeTask, historyKey, historyPrefix } from './rows.js'
import type { TaskRef } from './rows.js'

/** A history of more rows is looked through when it is deleted. */
export const MAX_LISTED_ROWS = 64

/** A run that has closed, and what is needed to delete it. */
export interface ClosedRun {
  readonly ref: TaskRef
  readonly hash: number
  /** Its retention row; undefined: it has none. */
  readonly retentionKey: Key | undefined
  /** First event ids of all its history rows; undefined: they are to be looked for. */
  readonly rowIds: readonly number[] | undefined
}

export function encodeRetention(ref: TaskRef, rowIds: readonly number[] | undefined): Uint8Array {
  return encodeTask(ref, [rowIds ?? null])
}

/** Throws LOOM_CORRUPT. */
export function decodeRetention({ key, hash, value }: Row): ClosedRun {
  const { ref, rest } = decodeTask(value, 'retention')
  const [rowIds] = rest
  if (rowIds !== null && !Array.isArray(rowIds)) throw new CorruptError('retention: no list of rows')
  return { ref, hash, retentionKey: key, rowIds: (rowIds as readonly number[] | null) ?? undefined }
}

export function historyKeysOf({ ref }: ClosedRun, rowIds: readonly number[]): readonly Key[] {
  const prefix = historyPrefix(ref.runKey)
  return rowIds.map((firstEventId) => historyKey(prefix, firstEventId))
}
