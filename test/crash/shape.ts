/** What the crash tests' loads and their model agree on. */
import type { SettingsInput } from '../../src/protocol/settings.js'

export const SHARD_COUNT = 16
export const DRIVER_COUNT = 48

/** Its tasks are for a worker that polls. */
export const REMOTE_QUEUE = 'remote'

/** So that executions leave the cache, and code is replayed, all the time; and that one flush is many commits, at times. */
export function settingsOf(generation: number): SettingsInput {
  const caches = { executionCacheCount: 24, codeCacheCount: 12, maxDeletedRows: 3, retentionSweepMs: 20 }
  return generation % 2 === 0 ? { ...caches, maxTurnBytes: 3000 } : caches
}

/** Set in the environment of a load, it tells commits as durable before they are: for seeing that this is noticed. */
export const NO_SYNC = 'SHARDLOOM_NO_SYNC'
