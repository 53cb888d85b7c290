/**
 * What `import ... from 'shardloom'` gives.
 */
export { ERROR_CODES, isLoomError, LoomError, type ErrorCode } from './base/errors.js'
