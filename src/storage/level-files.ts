/**
 * The files of a level store, looked at without LevelDB: before it opens them, since it takes damage for a torn end, goes on
 * without what it could not read, and deletes what it then does not know of; and beside it, for damage that it would not see.
 *
 * Invariant: nothing is written here. What is refused before the open is left as it was.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CorruptError } from './errors.js'
import { CLOSED_FILE, type ClosedStore } from './level-closed.js'
import { checkLogFile, type LogCheck } from './level-log-file.js'
import { LiveTables } from './level-manifest.js'
import { checkTableFile } from './level-table-file.js'
import type { CheckedFile } from './medium.js'

const CURRENT = 'CURRENT'
const MANIFEST_NAME = /^MANIFEST-\d{6,}$/
const LOG_NAME = /^\d{6,}\.log$/
const DATA_FILE = /^MANIFEST-|\.(?:log|ldb|sst)$/
/** Written before CURRENT when a store is made; alone, it is a store that never was. */
const FIRST_MANIFEST = 'MANIFEST-000001'

/** Throws LOOM_CORRUPT when LevelDB would go on without something that was acknowledged. */
export async function checkBeforeOpen(directory: string, closed: ClosedStore | undefined): Promise<void> {
  const names = await namesIn(directory)
  if (!names.includes(CURRENT)) return checkNeverMade(directory, names)
  for (const name of await recordFiles(directory)) {
    // Another process may have the store, and delete what it does not need any more: LevelDB says so.
    const check = await unlessGone(checkLogFile(join(directory, name)))
    const damage = check === GONE ? undefined : damageOf(check, closed?.bytesOf.get(name) ?? 0)
    if (damage !== undefined) throw new CorruptError(`${directory}: ${name} is damaged: ${damage}`)
  }
}

/** Files that are made of records: the end of them is known when they are closed. */
export async function recordFiles(directory: string): Promise<readonly string[]> {
  const manifest = await currentManifest(directory)
  return [manifest, ...(await namesIn(directory)).filter((name) => LOG_NAME.test(name))]
}

/**
 * All files of an open store, one after the other. What is being written just now counts for what it is so far; what LevelDB
 * deletes meanwhile does not count.
 */
export async function* checkFiles(directory: string): AsyncGenerator<CheckedFile, void, undefined> {
  const current = await currentManifest(directory).catch(messageOfDamage)
  yield { name: CURRENT, damage: typeof current === 'string' ? undefined : current.damage }
  if (typeof current !== 'string') return
  const { tables, damage } = await readManifest(directory, current)
  yield { name: current, damage }
  for (const name of (await namesIn(directory)).filter((one) => LOG_NAME.test(one))) {
    const check = await unlessGone(checkLogFile(join(directory, name)))
    if (check !== GONE) yield { name, damage: damageOf(check, 0) }
  }
  yield* checkTables(directory, current, tables)
}

async function* checkTables(
  directory: string,
  manifest: string,
  tables: LiveTables,
): AsyncGenerator<CheckedFile, void, undefined> {
  for (const [table, bytes] of tables.bytesOf) {
    const name = `${String(table).padStart(6, '0')}.ldb`
    const damage = await unlessGone(checkTableFile(join(directory, name), bytes))
    if (damage === undefined) yield { name, damage }
    // LevelDB deletes a table that others have taken the place of.
    else if ((await readManifest(directory, manifest)).tables.bytesOf.has(table))
      yield { name, damage: damage === GONE ? 'it is gone' : damage }
  }
}

async function readManifest(
  directory: string,
  name: string,
): Promise<{ readonly tables: LiveTables; readonly damage: string | undefined }> {
  const tables = new LiveTables()
  try {
    const check = await checkLogFile(join(directory, name), (record) => tables.apply(record))
    return { tables, damage: damageOf(check, 0) }
  } catch (error) {
    if (error instanceof RangeError) return { tables, damage: error.message }
    throw error
  }
}

/** LevelDB takes a directory without CURRENT for a new store, and deletes the files of the old one before it says anything. */
function checkNeverMade(directory: string, names: readonly string[]): void {
  const left = names.find((name) => (DATA_FILE.test(name) && name !== FIRST_MANIFEST) || name === CLOSED_FILE)
  if (left !== undefined)
    throw new CorruptError(`${directory}: ${left} is there, and CURRENT, which every store has, is not: put it back`)
}

/** The name in CURRENT. A process that opens the store puts another one there: what does not fit is read twice. */
async function currentManifest(directory: string, isSecondLook = false): Promise<string> {
  const content = await unlessGone(readFile(join(directory, CURRENT), 'latin1'))
  if (content === GONE) throw new CorruptError(`${directory}: CURRENT is gone`)
  const name = content.slice(0, -1)
  if (content.endsWith('\n') && MANIFEST_NAME.test(name) && (await namesIn(directory)).includes(name)) return name
  if (!isSecondLook) return await currentManifest(directory, true)
  throw new CorruptError(`${directory}: CURRENT names no MANIFEST that is there: ${JSON.stringify(content)}`)
}

/** `closedBytes`: where the file ended when it was closed; 0 when nobody knows. */
function damageOf({ broken, isDamaged, endBytes }: LogCheck, closedBytes: number): string | undefined {
  if (endBytes < closedBytes)
    return `it was closed with ${closedBytes} bytes, and has whole records up to byte ${endBytes}`
  return broken !== undefined && isDamaged ? `byte ${broken.atBytes}: ${broken.why}, and records follow it` : undefined
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory)).sort()
}

const GONE = Symbol('gone')

async function unlessGone<T>(reading: Promise<T>): Promise<T | typeof GONE> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return GONE
    throw error
  }
}

function messageOfDamage(error: unknown): { readonly damage: string } {
  if (error instanceof CorruptError) return { damage: error.message }
  throw error
}
