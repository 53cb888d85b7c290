/** scope{activity TRY_CANCEL}; on go cancel the scope; return */
import { cancellingProgram } from './blocks.js'

export const activityTryCancel = cancellingProgram('actTryCancel', 'TryCancel')
