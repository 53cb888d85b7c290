/**
 * What is to be seen to before a level store takes calls: the directory, its files as they were closed, and the rows that say
 * what the store is.
 */
import { mkdir, realpath } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { LoomError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { systemRandom } from '../base/random.js'
import { UuidV7Source } from '../base/uuid.js'
import { CorruptError } from './errors.js'
import { readClosed, type ClosedStore } from './level-closed.js'
import type { LevelDatabase, LevelDatabaseOptions } from './level-database.js'
import { checkBeforeOpen } from './level-files.js'
import { LevelFlushes } from './level-flushes.js'
import { LevelInbox } from './level-inbox.js'
import { META_KEY } from './level-keys.js'
import { decodeMeta, fitMeta, newMeta, type StoreMeta } from './level-meta.js'
import type { MediumEnvironment, StoreShape } from './medium.js'

interface OpenDatabase {
  readonly db: LevelDatabase
  readonly directory: string
  readonly environment: MediumEnvironment
}

export interface OpenParts extends OpenDatabase {
  readonly meta: StoreMeta
  readonly flushes: LevelFlushes
  readonly inbox: LevelInbox
}

/** How the store was closed last, when that is known. LevelDB has not touched the files yet. */
export async function checkClosedFiles(directory: string, logger: Logger): Promise<ClosedStore | undefined> {
  let closed: ClosedStore | undefined
  try {
    closed = await readClosed(directory)
  } catch (error) {
    if (!(error instanceof CorruptError)) throw unreadable(directory, error)
    logger.warn({ error, directory }, 'what was noted when the store was closed cannot be read: less damage is noticed')
  }
  try {
    await checkBeforeOpen(directory, closed)
    return closed
  } catch (error) {
    throw error instanceof CorruptError ? error : unreadable(directory, error)
  }
}

function unreadable(directory: string, cause: unknown): LoomError {
  return new LoomError('LOOM_UNAVAILABLE', `${directory} cannot be read`, { cause })
}

export async function openParts(
  opened: OpenDatabase,
  options: LevelDatabaseOptions,
  shape: StoreShape,
  closed: ClosedStore | undefined,
): Promise<OpenParts> {
  const { db, directory, environment } = opened
  const meta = await openMeta(db, directory, shape, environment.clock)
  const flushes = new LevelFlushes(options.writeBufferBytes)
  await flushes.open(db, directory, meta.epoch, closed?.lastFlush ?? 0)
  const inbox = new LevelInbox()
  await inbox.open(db)
  return { ...opened, meta, flushes, inbox }
}

async function openMeta(db: LevelDatabase, directory: string, shape: StoreShape, clock: Clock): Promise<StoreMeta> {
  const bytes = db.getSync(META_KEY)
  if (bytes !== undefined) return fitMeta(decodeMeta(bytes, directory), shape, directory)
  for await (const page of db.pages({ gte: '\0', lt: '\uffff', keysOnly: true, limit: 1 })) {
    if (page.length > 0)
      throw new CorruptError(`${directory}: rows, and no row of the store: it is lost or never was shardloom's`)
  }
  return newMeta(new UuidV7Source(systemRandom).next(clock.nowMs()).text, shape)
}

export async function makeDirectory(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (cause) {
    throw new LoomError('LOOM_UNAVAILABLE', `${path} cannot be made or read`, { cause })
  }
}
