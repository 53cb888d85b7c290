/**
 * The storage contract as tests: what every adapter is held to, ours and strangers'.
 *
 * It knows no test framework: it is handed the two functions that it needs, and asserts with node:assert.
 */
import { COMMITS } from './commits.js'
import { FENCING } from './fencing.js'
import { INBOXES } from './inboxes.js'
import { MEMBERSHIP } from './membership.js'
import { OPENING } from './opening.js'
import { Rig, type Announced, type ConformanceStore } from './rig.js'
import { ROWS } from './rows.js'
import { SNAPSHOTS } from './snapshots.js'
import { WHOLE_SCANS } from './whole-scans.js'

export type { Announced, ConformanceStore } from './rig.js'

/** Of vitest, jest, node:test or whatever has the like. */
export interface TestFramework {
  test(title: string, run: () => Promise<void>): unknown
  /** Groups the tests, where the framework can. */
  describe?(title: string, declare: () => void): unknown
}

const CHAPTERS = {
  'opening and closing': OPENING,
  fencing: FENCING,
  commits: COMMITS,
  rows: ROWS,
  'scans of many shards': WHOLE_SCANS,
  snapshots: SNAPSHOTS,
  inboxes: INBOXES,
  'membership and wakes': MEMBERSHIP,
}

/**
 * Declares one test for each behaviour that applies to what the medium announces. `openStore` is called for each of
 * them, and gives a store that is empty and its own.
 *
 * @example
 * ```ts
 * import { test, describe } from 'node:test'
 * mediumConformance('mine', async () => ({ create: () => mine().create(environment), dispose: async () => {} }), {
 *   test,
 *   describe,
 *   announced: { shared: true, remoteReads: true, wake: 'none', getSync: false },
 * })
 * ```
 */
export function mediumConformance(
  name: string,
  openStore: () => Promise<ConformanceStore>,
  framework: TestFramework & { readonly announced: Announced },
): void {
  const { announced, describe = (_: string, declare: () => void) => declare() } = framework
  for (const [chapter, behaviours] of Object.entries(CHAPTERS)) {
    describe(`${name}: ${chapter}`, () => {
      for (const { title, appliesTo, run } of behaviours) {
        if (appliesTo?.(announced) === false) continue
        framework.test(title, async () => {
          const rig = new Rig(await openStore(), announced)
          try {
            await run(rig)
          } finally {
            await rig.dispose()
          }
        })
      }
    })
  }
}
