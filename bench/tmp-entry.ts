/** tmp */
export { openLoom } from '../src/loom.js'
export { level } from '../src/storage/level.js'
export { memory } from '../src/storage/memory.js'
export { activity, workflow } from '../src/workflow/define.js'
