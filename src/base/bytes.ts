/**
 * Keys that compare bytewise, as latin1 strings: one character a byte.
 *
 * Invariant: for two numbers of one width, or two texts, `a < b` exactly when their keys compare so. Each
 * builder has its inverse beside it.
 */

const { fromCharCode } = String

export function u8(n: number): string {
  return fromCharCode(n)
}

export function u32(n: number): string {
  return fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255)
}

/** Up to 2^48 - 1: instants in ms until the year 10889, and task ids. */
export function u48(n: number): string {
  const high = Math.floor(n / 4294967296)
  const low = n >>> 0
  return fromCharCode(high >>> 8, high & 255, low >>> 24, (low >>> 16) & 255, (low >>> 8) & 255, low & 255)
}

export function readU8(key: string, at: number): number {
  return key.charCodeAt(at)
}

function readU24(key: string, at: number): number {
  return (key.charCodeAt(at) << 16) | (key.charCodeAt(at + 1) << 8) | key.charCodeAt(at + 2)
}

export function readU32(key: string, at: number): number {
  return (key.charCodeAt(at) * 16777216 + readU24(key, at + 1)) >>> 0
}

export function readU48(key: string, at: number): number {
  return ((key.charCodeAt(at) << 8) | key.charCodeAt(at + 1)) * 4294967296 + readU32(key, at + 2)
}

const NOT_ASCII = /[^\x00-\x7f]/

/** The UTF-8 bytes of a text, one character a byte. Well-formed text only: lone surrogates would collide. */
export function textKey(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').latin1Slice() : text
}

export function readTextKey(key: string): string {
  return NOT_ASCII.test(key) ? Buffer.from(key, 'latin1').utf8Slice() : key
}

/** The least key above every key that begins with `prefix`. */
export function afterPrefix(prefix: string): string {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const byte = prefix.charCodeAt(at)
    if (byte < 255) return prefix.slice(0, at) + fromCharCode(byte + 1)
  }
  throw new RangeError('no key is above a prefix of all 0xff')
}
