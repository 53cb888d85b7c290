/**
 * Memos: notes that go with an execution, for people and their tools. Values by key, each a payload of its own.
 *
 * Invariant: what code reads is a copy of what was recorded, so that it is the same in a replay.
 */
import type { Memo } from '../protocol/event.js'
import { BINARY_NULL, type Payload } from '../protocol/payload.js'
import { nameAt } from './activity-settings.js'
import type { DataConverter } from './data-converter.js'
import { invalid } from './options.js'

/** A memo as code has it: by key, what JSON carries. Keys are ids: well-formed Unicode, up to 1,000 bytes of UTF-8. */
export type MemoValues = Readonly<Record<string, unknown>>

/** Never through a codec: history has to see that there is nothing. */
const NOTHING: Payload = Object.freeze({ metadata: BINARY_NULL, data: new Uint8Array(0) })

export const NO_MEMO: MemoValues = Object.freeze({})

/**
 * Undefined: nothing is in it. A value that is undefined is as good as absent. LOOM_INVALID_ARGUMENT, beginning with
 * `path`, for what cannot be carried, or a CodecFailure.
 */
export function encodeMemo(values: unknown, path: string, converter: DataConverter): Memo | undefined {
  if (!isPlainObject(values)) throw invalid(`${path}: not a plain object`)
  let memo: Record<string, Payload> | undefined
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue
    // Whoever copies the object would lose it.
    if (key === '__proto__') throw invalid(`${path}: no key may be called __proto__`)
    memo ??= {}
    memo[nameAt(key, `${path}: a key`)] = value === null ? NOTHING : converter.encode(value, `${path}.${key}`)
  }
  return memo
}

/** Values that nobody shares; a null is one of them. Throws as the converter does. */
export function decodeMemo(memo: Memo | undefined, converter: DataConverter): MemoValues {
  if (memo === undefined) return NO_MEMO
  const values = Object.entries(memo).map(([key, payload]) => [key, decodeValue(payload, `memo.${key}`, converter)])
  return Object.freeze(Object.fromEntries(values) as MemoValues)
}

/** One value of a memo. */
export function decodeValue(payload: Payload, path: string, converter: DataConverter): unknown {
  return payload.metadata['encoding'] === NOTHING.metadata['encoding'] ? null : converter.decode(payload, path)
}

/** A null takes its key away. */
export function mergedMemo(before: MemoValues, changed: MemoValues): MemoValues {
  const after = Object.entries({ ...before, ...changed })
  const kept = after.filter(([key, value]) => value !== null || !Object.hasOwn(changed, key))
  return Object.freeze(Object.fromEntries(kept) as MemoValues)
}

function isPlainObject(values: unknown): values is Readonly<Record<string, unknown>> {
  if (typeof values !== 'object' || values === null) return false
  const prototype: unknown = Object.getPrototypeOf(values)
  return prototype === Object.prototype || prototype === null
}
