/** The level medium keeps the storage contract. */
import { describe, test } from 'vitest'
import { mediumConformance } from '../../src/testing/conformance/conformance.js'
import { openLevelStore } from './level-store-at.js'

mediumConformance('level', openLevelStore, {
  describe,
  test,
  announced: { shared: false, remoteReads: false, wake: 'none', getSync: true },
})
