/**
 * What a level store was when it was closed last, in a file of its own beside LevelDB's: so the end of its log and of its
 * MANIFEST are known, and damage there is not taken for the torn end that a crash leaves.
 *
 * Invariant: it may be old, and then still holds: a store has at least as many flushes, and a file that it names is at least
 * as long as it says, or is not needed any more. Without it, or where it cannot be read, less damage is noticed.
 */
import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeRow, encodeRow } from './codec.js'

export const CLOSED_FILE = 'CLOSED'

export interface ClosedStore {
  /** Number of the last flush. */
  readonly lastFlush: number
  /** Bytes of files that are made of records, by name. */
  readonly bytesOf: ReadonlyMap<string, number>
}

/** Undefined when there is none. Throws LOOM_CORRUPT when it is damaged, and what the file system says. */
export async function readClosed(directory: string): Promise<ClosedStore | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(join(directory, CLOSED_FILE))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const [lastFlush, files] = decodeRow(bytes, join(directory, CLOSED_FILE))
  return { lastFlush: lastFlush as number, bytesOf: new Map(files as [string, number][]) }
}

/** LevelDB has closed the files. */
export async function writeClosed(directory: string, lastFlush: number, names: readonly string[]): Promise<void> {
  const files: [string, number][] = []
  for (const name of names) files.push([name, (await stat(join(directory, name))).size])
  const path = join(directory, CLOSED_FILE)
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(encodeRow([lastFlush, files]))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
