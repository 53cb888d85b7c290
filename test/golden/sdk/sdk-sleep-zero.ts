/** sleep 0; return */
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const sleepZero: SdkProgram = {
  main: workflow({ name: 'sleepZero' }, async (ctx) => {
    await ctx.sleep(0)
    return 'ok'
  }),
}
