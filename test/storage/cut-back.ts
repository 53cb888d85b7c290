/**
 * A loss of power, told by files: each keeps what was synced, and a part of the rest that may be torn.
 *
 * MANIFEST files are only cut: LevelDB opens one that ends in the middle of a record, and by itself refuses one that ends in
 * anything else (docs/errors.md says how such a store is mended).
 */
import { appendFile, readdir, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/** `notes`: a line for each file that was synced, as the shim writes them: device, inode, bytes. */
export async function cutBack(directory: string, notes: string, fraction: () => number): Promise<void> {
  const synced = new Map<string, number>()
  for (const line of notes.trim().split('\n')) {
    const [device, inode, size] = line.split(' ')
    synced.set(`${device} ${inode}`, Number(size))
  }
  for (const path of await dataFilesOf(directory)) {
    const { dev, ino, size } = await stat(path)
    const safe = Math.min(size, synced.get(`${dev} ${ino}`) ?? 0)
    const kept = safe + Math.floor((size - safe) * fraction() ** 4)
    if (kept === size) continue
    await truncate(path, kept)
    // The file may have grown without its last blocks being written: they read as zeros, or as what was there before.
    if (!path.includes('MANIFEST') && fraction() < 0.5)
      await appendFile(path, Buffer.alloc(size - kept, fraction() < 0.5 ? 0 : 0xa5))
  }
}

/** LOCK is empty, LOG is prose. */
export async function dataFilesOf(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => [])
  return names.filter((name) => name !== 'LOCK' && !name.startsWith('LOG')).map((name) => join(directory, name))
}
