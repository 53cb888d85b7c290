/** Reading what was thrown, which may be anything: a Proxy, something whose getters throw. Nothing here throws. */
import { types } from 'node:util'
import { isFailure } from './failures.js'

/** Any property of it: what was thrown may be a Proxy, or have getters that throw. */
export type Thrown = object

export function isErrorLike(thrown: unknown): thrown is Thrown {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error || isFailure(thrown)
  } catch {
    return false
  }
}

export function field(of: unknown, key: string): unknown {
  try {
    return (of as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

export function textOf(thrown: unknown): string {
  try {
    return typeof thrown === 'string' ? thrown : String(thrown)
  } catch {
    return 'something was thrown that has no text'
  }
}
