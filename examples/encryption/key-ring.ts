/**
 * Keys by id, and the one that new payloads get. A codec asks it and cannot wait: what has to be fetched (from a KMS, a vault)
 * is fetched by the application, before it opens its loom and whenever it rotates.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'

// docs: begin
const KEY_BYTES = 32

export class KeyRing {
  readonly #keys = new Map<string, KeyObject>()
  #currentId = ''

  /** `key`: 32 bytes, of chance. An id stands for one key for ever. */
  add(id: string, key: Uint8Array): this {
    if (id === '' || key.length !== KEY_BYTES) throw new Error(`key '${id}': an id and ${KEY_BYTES} bytes are wanted`)
    if (this.#keys.has(id)) throw new Error(`there is a key '${id}' already`)
    this.#keys.set(id, createSecretKey(key))
    return this
  }

  /** New payloads get this one from now on. The others stay, to read what they wrote. */
  use(id: string): this {
    this.key(id)
    this.#currentId = id
    return this
  }

  get currentId(): string {
    if (this.#currentId === '') throw new Error('no key is in use')
    return this.#currentId
  }

  key(id: string): KeyObject {
    const key = this.#keys.get(id)
    if (key === undefined) throw new Error(`there is no key '${id}' here`)
    return key
  }
}
// docs: end
