/** patched(p1); sleep; patched(p1) */
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const patched: SdkProgram = {
  main: workflow({ name: 'patchedTrue' }, async (ctx) => {
    const before = ctx.patched('p1')
    await ctx.sleep('0.1 s')
    return [before, ctx.patched('p1')]
  }),
}
