/** upsertMemo{up:n}; continueAsNew(n-1); return memo */
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const continueAsNewMemo: SdkProgram = {
  main: workflow({ name: 'canMemo' }, async (ctx, input: unknown) => {
    const n = Number(input)
    if (n === 0) return ctx.memo
    ctx.upsertMemo({ up: n })
    return await ctx.continueAsNew(n - 1)
  }),
  input: 1,
  memo: { m: 1 },
}
