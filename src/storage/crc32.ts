/**
 * CRC-32 (that of zip and PNG), native where Node has it: from 20.15 and 22.2 on.
 *
 * Invariant: `crc32(b, crc32(a))` is the CRC of a followed by b.
 */
import * as zlib from 'node:zlib'

type Crc32 = (bytes: Uint8Array, seed?: number) => number

const table = new Uint32Array(256).map((_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** For a Node without its own. */
export function tableCrc32(bytes: Uint8Array, seed = 0): number {
  let crc = ~seed
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** An unsigned 32-bit number; `seed` is the CRC of what came before. */
export const crc32: Crc32 = (zlib as { readonly crc32?: Crc32 }).crc32 ?? tableCrc32
