/** Options that users write: what is no object, or has a name that nothing reads, is refused and not ignored. */
import { LoomError } from '../base/errors.js'

/** LOOM_INVALID_ARGUMENT, beginning with `path`, unless `options` is an object with names of `known` only. */
export function checkOptions(options: unknown, known: ReadonlySet<string>, path: string): void {
  if (typeof options !== 'object' || options === null) throw invalid(`${path}: not an object of options`)
  for (const name in options) {
    if (!known.has(name)) throw invalid(`${path}: unknown option '${name}' (there are: ${[...known].join(', ')})`)
  }
}

export function invalid(message: string): LoomError {
  return new LoomError('LOOM_INVALID_ARGUMENT', message)
}
