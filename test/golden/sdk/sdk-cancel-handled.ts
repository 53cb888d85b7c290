/** try sleep 60 s; on cancel: activity (non cancellable), return */
import { activity, workflow } from '../../../src/workflow/define.js'
import { isFailure } from '../../../src/workflow/failures.js'
import type { SdkProgram } from './program.js'

const echo = activity(
  { name: 'echo', startToClose: '20 s', retry: { initialInterval: '0.1 s', maximumAttempts: 3 } },
  (text: string) => text,
)

export const cancelHandled: SdkProgram = {
  main: workflow({ name: 'cancelHandled' }, async (ctx) => {
    try {
      await ctx.sleep('60 s')
    } catch (error) {
      if (!isFailure(error, 'canceled')) throw error
      await ctx.shield((c) => c.run(echo, 'cleanup'))
    }
    return 'cleaned'
  }),
  others: [echo],
  isCancelled: true,
}
