/** Level stores in directories of their own, and other processes that meet them, for tests. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { level, type LevelOptions } from '../../src/storage/level.js'
import type { Medium } from '../../src/storage/medium.js'

export interface LevelStoreAt {
  readonly directory: string
  create(options?: LevelOptions): Medium
  dispose(): Promise<void>
}

export async function openLevelStore(): Promise<LevelStoreAt> {
  const directory = await mkdtemp(join(tmpdir(), 'shardloom-level-'))
  return {
    directory,
    create: (options) => level(directory, options).create({ clock: systemClock, logger: silentLogger }),
    dispose: () => rm(directory, { recursive: true, force: true }),
  }
}

const CHILD = fileURLToPath(new URL('level-child.ts', import.meta.url))

/** Another process on that directory: see level-child.ts. */
export function spawnOn(
  directory: string,
  mode: 'open' | 'write',
  options: ChildOptions = {},
): ChildProcessByStdio<null, Readable, null> {
  return spawn(process.execPath, ['--import', 'tsx', CHILD, mode, directory, String(options.sync ?? true)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
  })
}

export interface ChildOptions {
  readonly sync?: boolean
  readonly env?: Readonly<Record<string, string>>
}

/** What another process met when it opened the store: 'opened', or a code. */
export async function openElsewhere(directory: string): Promise<string> {
  let said = ''
  for await (const chunk of spawnOn(directory, 'open').stdout) said += String(chunk)
  return said.trim()
}
