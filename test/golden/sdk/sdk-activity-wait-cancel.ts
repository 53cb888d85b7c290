/** scope{activity WAIT}; on go cancel the scope; return */
import { cancellingProgram } from './blocks.js'

export const activityWaitCancel = cancellingProgram('actWaitCancel', 'WaitCancellationCompleted')
