/**
 * Payloads as AES-256-GCM: each with a nonce of its own, and the id of its key beside it.
 *
 * Invariant: what is decoded is what was encoded under that key id, or nothing at all.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Payload, PayloadCodec } from '../../src/index.js' // 'shardloom'
import type { KeyRing } from './key-ring.js'

// docs: begin
const ENCODING = 'binary/encrypted'
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export class AesCodec implements PayloadCodec {
  readonly #ring: KeyRing
  readonly #readsClear: boolean

  /** `readsClear`: are payloads read that are not encrypted? For a store from before there was encryption. */
  constructor(ring: KeyRing, readsClear = false) {
    this.#ring = ring
    this.#readsClear = readsClear
  }

  encode(payloads: readonly Payload[]): Payload[] {
    const keyId = this.#ring.currentId
    return payloads.map((payload) => this.#encrypted(payload, keyId))
  }

  decode(payloads: readonly Payload[]): Payload[] {
    return payloads.map((payload) => this.#decrypted(payload))
  }

  #encrypted(payload: Payload, keyId: string): Payload {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#ring.key(keyId), nonce, { authTagLength: TAG_BYTES })
    cipher.setAAD(boundTo(keyId))
    const hidden = [cipher.update(toBytes(payload)), cipher.final()]
    return {
      metadata: { encoding: ENCODING, 'encryption-key-id': keyId },
      data: Buffer.concat([nonce, ...hidden, cipher.getAuthTag()]),
    }
  }

  #decrypted(payload: Payload): Payload {
    const { encoding, 'encryption-key-id': keyId = '' } = payload.metadata
    if (encoding !== ENCODING) {
      if (this.#readsClear) return payload
      throw new Error(`'${encoding}' is not encrypted`)
    }
    const bytes = Buffer.from(payload.data)
    if (bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short to be encrypted')
    const decipher = createDecipheriv(CIPHER, this.#ring.key(keyId), bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAAD(boundTo(keyId))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    // It throws when a bit is not as it was, or the key is another one of that id.
    return fromBytes(Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]))
  }
}

/** What is not hidden cannot be changed either. */
function boundTo(keyId: string): Buffer {
  return Buffer.from(JSON.stringify([ENCODING, CIPHER, keyId]))
}

/** Metadata says what the value is: it is hidden as well. */
function toBytes({ metadata, data }: Payload): Buffer {
  const header = Buffer.from(JSON.stringify(metadata))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  return Buffer.concat([length, header, data])
}

function fromBytes(bytes: Buffer): Payload {
  const end = 4 + bytes.readUInt32BE(0)
  const metadata = JSON.parse(bytes.toString('utf8', 4, end)) as Payload['metadata']
  return { metadata, data: bytes.subarray(end) }
}
// docs: end
