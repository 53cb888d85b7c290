/** wait(signal go, 60 s); return */
import { z } from 'zod'
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const conditionMet: SdkProgram = {
  main: workflow({ name: 'conditionMet', signals: { go: z.undefined() } }, async (ctx) => {
    let hasCome = false
    ctx.onSignal('go', () => {
      hasCome = true
    })
    return ctx.condition(() => hasCome, '60 s')
  }),
  signals: ['go'],
}
