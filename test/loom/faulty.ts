/** A medium whose calls can be made to fail. */
import { LoomError } from '../../src/base/errors.js'
import { MediumBrokenError } from '../../src/storage/errors.js'
import type { MediumFactory } from '../../src/storage/medium.js'
import { memory, memoryStore } from '../../src/storage/memory.js'

export interface Faulty {
  readonly medium: MediumFactory
  /** What fails next. 'answer': a commit that is written, but nobody hears of it. */
  fails: 'commit' | 'answer' | 'read' | undefined
}

/** A memory medium whose next commit, or next read, fails: after the commit it stays broken, as level does. */
export function faulty(): Faulty {
  const store = memoryStore()
  const rig: Faulty = {
    fails: undefined,
    medium: {
      create: (environment) => {
        const medium = memory({ store }).create(environment)
        const commit = medium.commit.bind(medium)
        const scan = medium.scan.bind(medium)
        let isBroken = false
        medium.commit = async (batch) => {
          if (rig.fails === 'commit' || rig.fails === 'answer') {
            if (rig.fails === 'answer') await commit(batch)
            rig.fails = undefined
            isBroken = true
          }
          if (isBroken) throw new MediumBrokenError('made up')
          return await commit(batch)
        }
        medium.scan = async (...range) => {
          if (rig.fails !== 'read') return await scan(...range)
          rig.fails = undefined
          throw new LoomError('LOOM_UNAVAILABLE', 'made up')
        }
        return medium
      },
    },
  }
  return rig
}
