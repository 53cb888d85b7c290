/** From the name of a namespace to its id: what is hashed and stored. docs/decisions/0004-namespace-ids.md says why. */
import { createHash } from 'node:crypto'
import { uuidKey, uuidText } from '../base/uuid.js'
import { DEFAULT_NAMESPACE, DEFAULT_NAMESPACE_ID } from '../protocol/ids.js'

/** `default` has a fixed id; any other the UUID, version 5, of its name under that id. */
export function namespaceIdOf(name: string): string {
  if (name === DEFAULT_NAMESPACE) return DEFAULT_NAMESPACE_ID
  const hash = createHash('sha1')
    .update(Buffer.from(uuidKey(DEFAULT_NAMESPACE_ID), 'latin1'))
    .update(name, 'utf8')
  const id = hash.digest().subarray(0, 16)
  id[6] = 0x50 | (id[6]! & 0x0f)
  id[8] = 0x80 | (id[8]! & 0x3f)
  return uuidText(id.toString('latin1'))
}
