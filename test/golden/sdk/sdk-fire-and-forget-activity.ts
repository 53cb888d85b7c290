/** start activity; return at once */
import { activity, workflow } from '../../../src/workflow/define.js'
import type { SdkProgram } from './program.js'

const echo = activity(
  { name: 'echo', startToClose: '20 s', retry: { initialInterval: '0.1 s', maximumAttempts: 3 } },
  (text: string) => text,
)

export const fireAndForget: SdkProgram = {
  main: workflow({ name: 'fireAndForget' }, (ctx) => {
    void ctx.run(echo, 'never awaited')
    return 'done'
  }),
  others: [echo],
}
