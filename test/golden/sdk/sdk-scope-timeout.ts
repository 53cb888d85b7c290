/** withTimeout(0.3 s){sleep 60 s} */
import { workflow } from '../../../src/workflow/define.js'
import { isFailure } from '../../../src/workflow/failures.js'
import type { SdkProgram } from './program.js'

export const scopeTimeout: SdkProgram = {
  main: workflow({ name: 'scopeTimeout' }, async (ctx) => {
    try {
      await ctx.timeout('0.3 s', (c) => c.sleep('60 s'))
      return 'in time'
    } catch (error) {
      if (!isFailure(error, 'canceled')) throw error
      return 'timed out'
    }
  }),
}
