/** deprecatePatch(p1); sleep */
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const deprecatePatch: SdkProgram = {
  main: workflow({ name: 'deprecated' }, async (ctx) => {
    ctx.deprecatePatch('p1')
    await ctx.sleep('0.1 s')
    return 'd'
  }),
}
