/** The memory medium keeps the storage contract. */
import { describe, test } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import { mediumConformance } from '../../src/testing/conformance/conformance.js'

mediumConformance(
  'memory',
  async () => {
    const factory = memory({ store: memoryStore() })
    return { create: () => factory.create({ clock: systemClock, logger: silentLogger }), dispose: async () => {} }
  },
  { describe, test, announced: { shared: true, remoteReads: true, wake: 'push', getSync: true } },
)

mediumConformance(
  'memory, for one loom at a time',
  async () => {
    const factory = memory()
    return { create: () => factory.create({ clock: systemClock, logger: silentLogger }), dispose: async () => {} }
  },
  { describe, test, announced: { shared: false, remoteReads: false, wake: 'none', getSync: true } },
)
