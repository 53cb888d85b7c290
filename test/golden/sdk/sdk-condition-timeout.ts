/** wait(never, 0.5 s) */
import { workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

export const conditionTimeout: SdkProgram = {
  main: workflow({ name: 'conditionTimeout' }, (ctx) => ctx.condition(() => false, '0.5 s')),
}
