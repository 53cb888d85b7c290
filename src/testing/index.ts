/**
 * What `import … from 'shardloom/testing'` gives: for tests of programs on shardloom, and for authors of storage adapters.
 */
export { seededRandom } from '../base/random.js'
export { VirtualClock } from './virtual-clock.js'
export {
  mediumConformance,
  type Announced,
  type ConformanceStore,
  type TestFramework,
} from './conformance/conformance.js'
