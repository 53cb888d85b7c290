/**
 * The one place where the runner meets what it tests: a host on the memory medium, under the clock it is given.
 */
import { LoomError } from '../../src/base/errors.js'
import { silentLogger } from '../../src/base/log.js'
import { seededRandom } from '../../src/base/random.js'
import { UuidV7Source } from '../../src/base/uuid.js'
import { History, type HistoryParts } from '../../src/history/history.js'
import { Matching } from '../../src/matching/matching.js'
import { DEFAULT_NAMESPACE_ID } from '../../src/protocol/ids.js'
import type { LocalWorkflowWorker } from '../../src/protocol/local-workers.js'
import type { SearchAttributeTypes } from '../../src/protocol/search-attributes.js'
import { DEFAULT_SETTINGS as settings } from '../../src/protocol/settings.js'
import { openLoom } from '../../src/loom.js'
import { ShardController } from '../../src/shard/controller.js'
import { memory } from '../../src/storage/memory.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { System } from './play.js'
import type { OpenSystemWithCode } from './sdk.js'

/** Tasks wait for polls: there is no worker in this process. */
const nobody: LocalWorkflowWorker = {
  accepts: () => false,
  fingerprint: () => '',
  wake: () => {},
  query: () => Promise.reject(new Error('nobody is asked')),
  evicted: () => {},
}
const noSlots: HistoryParts['activityWorker'] = {
  reserve: () => false,
  release: () => {},
  run: () => {},
  cancel: () => {},
  isRunning: () => false,
}

/** That the recorded server had registered. */
const SEARCH_ATTRIBUTES: SearchAttributeTypes = new Map([
  ['GoldKeyword', 'Keyword'],
  ['GoldInt', 'Int'],
])

/** A new one for each scenario. */
export async function openSystem(clock: VirtualClock): Promise<System> {
  const random = seededRandom(1)
  const ids = new UuidV7Source(random)
  const newId = (): string => ids.next(clock.nowMs()).text
  const controller: ShardController = new ShardController({
    mediumFactory: memory(),
    shardCount: 4,
    host: 'golden',
    newIncarnation: newId,
    clock,
    random,
    logger: silentLogger,
    ...settings,
    afterRound: (fn) => clock.soon(fn),
    onOpened: (medium, shards) => history.opened(medium, shards),
    onLost: (shard, error) => history.lost(shard, error),
    onFailed: (error) => history.failed(error),
  })
  const history: History = new History({
    clock,
    random,
    logger: silentLogger,
    settings,
    searchAttributes: SEARCH_ATTRIBUTES,
    identity: 'golden',
    sdk: '',
    controller,
    matching: (starter) => new Matching({ clock, logger: silentLogger, settings, starter, newRequestId: newId }),
    workflowWorker: nobody,
    activityWorker: noSlots,
    newRequestId: newId,
  })
  await controller.open()
  const close = async (): Promise<void> => {
    history.close(new LoomError('LOOM_CLOSED', 'over'))
    await controller.close()
  }
  return { history: history.verbs, namespaceId: DEFAULT_NAMESPACE_ID, close }
}

/** A whole loom, whose worker runs the program's code. */
export const openSystemWithCode: OpenSystemWithCode = async (clock, taskQueue, definitions) => {
  const loom = await openLoom({
    ...{ medium: memory(), shardCount: 4, clock, random: seededRandom(1), identity: 'golden' },
    ...{ definitions, workers: [{ taskQueue }] },
  })
  return { history: loom.service, namespaceId: DEFAULT_NAMESPACE_ID, close: () => loom.close() }
}
