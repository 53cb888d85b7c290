/** The activity of the scenarios that cancel one: blocks until it is told to stop. */
import { z } from 'zod'
import type { ActivityCancellationType } from '../../../src/workflow/activity-settings.js'
import { activity, workflow } from '../../../src/workflow/define.js'
import { isFailure } from '../../../src/workflow/failures.js'
import type { SdkProgram } from './program.js'

/** scope{activity}; on go cancel the scope; return */
export function cancellingProgram(name: string, cancellationType: ActivityCancellationType): SdkProgram {
  const blocks = activity(
    { name: 'blocks', startToClose: '20 s', heartbeatTimeout: '5 s', cancellationType },
    async (_: undefined, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    },
  )
  const main = workflow({ name, signals: { go: z.undefined() } }, async (ctx) => {
    try {
      await ctx.scope(async (c) => {
        const running = c.run(blocks)
        await ctx.signal('go')
        c.cancel()
        await running
      })
      return 'ended'
    } catch (error) {
      if (!isFailure(error, 'canceled')) throw error
      return 'canceled'
    }
  })
  return { main, others: [blocks], signals: ['go'] }
}
