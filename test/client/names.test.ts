/** Ids that are made of names, and of nothing. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { isUuid } from '../../src/base/uuid.js'
import { namespaceIdOf } from '../../src/client/namespace-id.js'
import { requestIdSource } from '../../src/client/request-ids.js'
import { DEFAULT_NAMESPACE_ID } from '../../src/protocol/ids.js'

test('a namespace id is the UUID, version 5, of the name under that of the default namespace', () => {
  expect(namespaceIdOf('default')).toBe(DEFAULT_NAMESPACE_ID)
  // python3: uuid.uuid5(uuid.UUID('32049b68-7872-4094-8e63-d0dd59896a83'), 'orders')
  expect(namespaceIdOf('orders')).toBe('acdea5ff-45a2-502d-81e1-68343f9f5fe6')
  expect(isUuid(namespaceIdOf('Größe'))).toBe(true)
})

test('request ids differ within a source and among sources', () => {
  const sources = [1, 2, 3].map((seed) => requestIdSource(seededRandom(seed)))

  const ids = sources.flatMap((next) => Array.from({ length: 100 }, next))

  expect(new Set(ids).size).toBe(300)
})
