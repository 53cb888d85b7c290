/** throw ApplicationFailure("boom", type Boom, nonRetryable, details) */
import { workflow } from '../../../src/workflow/define.js'
import { ApplicationFailure } from '../../../src/workflow/failures.js'
import type { SdkProgram } from './program.js'

export const applicationFailure: SdkProgram = {
  main: workflow({ name: 'appFailure' }, () => {
    throw ApplicationFailure.nonRetryable('boom', { type: 'Boom', details: [1, 'x'] })
  }),
}
