/** What the crash tests' loads and their model agree on. */
import type { SettingsInput } from '../../src/protocol/settings.js'

export const SHARD_COUNT = 16
export const DRIVER_COUNT = 48

/** Its tasks are for a worker that polls. */
export const REMOTE_QUEUE = 'remote'

/** So that executions leave the cache, and code is replayed, all the time. */
export const SMALL_CACHES: SettingsInput = { executionCacheCount: 24, codeCacheCount: 12 }

/** Set in the environment of a load, it tells commits as durable before they are: for seeing that this is noticed. */
export const NO_SYNC = 'SHARDLOOM_NO_SYNC'
