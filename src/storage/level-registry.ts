/**
 * Which directories this process has open, by real path: asked before LevelDB is.
 *
 * Invariant: LevelDB is never asked to open what this process has open. Its refusal would close a second descriptor of the
 * LOCK file, and with any such close POSIX drops the lock: another process could then open a live store.
 *
 * The set hangs on the global object, so that two copies of this package, or one before and one after a hot reload, share
 * it. Worker threads have their own global object: there the open files of the process tell, where /proc shows them.
 */
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { LoomError } from '../base/errors.js'

const REGISTRY = Symbol.for('shardloom.level.registry')

/** Other copies of this package use it too: it stays a set of real paths. */
function registry(): Set<string> {
  const holder = globalThis as { [REGISTRY]?: Set<string> }
  return (holder[REGISTRY] ??= new Set())
}

/** Rejects with LOOM_MEDIUM_BUSY when this process has it open. Returns the way to give it back. */
export async function holdDirectory(realPath: string): Promise<() => void> {
  const held = registry()
  // Nothing may wait between the look and the entry.
  if (held.has(realPath)) throw busy(realPath)
  held.add(realPath)
  const release = (): void => void held.delete(realPath)
  if (await isOpenInThisProcess(join(realPath, 'LOCK'))) {
    release()
    throw busy(realPath)
  }
  return release
}

function busy(realPath: string): LoomError {
  return new LoomError('LOOM_MEDIUM_BUSY', `${realPath} is already open in this process`)
}

const DESCRIPTORS = '/proc/self/fd'

async function isOpenInThisProcess(file: string): Promise<boolean> {
  const descriptors = await readdir(DESCRIPTORS).catch(() => [])
  const targets = await Promise.all(descriptors.map((name) => readlink(join(DESCRIPTORS, name)).catch(() => undefined)))
  return targets.includes(file)
}
