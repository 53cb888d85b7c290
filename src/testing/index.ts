/**
 * What `import ... from 'shardloom/testing'` gives: tools for the tests of users and of adapters.
 */
export { seededRandom, type Random } from '../base/random.js'
