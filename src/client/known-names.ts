/** Options by their names: one that does not exist is a slip of the pen, and must not be ignored. */
import { LoomError } from '../base/errors.js'

/** A name that differs by more than this from all that are known is another word, not a slip. */
const MAX_SLIPS = 3

/** Throws LOOM_INVALID_ARGUMENT unless `given` is an object with none but `known` names; `path` is what it is called there. */
export function checkNames(given: unknown, known: readonly string[], path: string): void {
  if (typeof given !== 'object' || given === null) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: not an object but ${given === null ? 'null' : typeof given}`)
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const nearest = nearestName(name, known)
    const hint = nearest === undefined ? `(there are: ${known.join(', ')})` : `; did you mean '${nearest}'?`
    throw new LoomError(
      'LOOM_INVALID_ARGUMENT',
      `${path}: there is no '${name.slice(0, 60)}'${hint.replace(/^\(/, ' (')}`,
    )
  }
}

function nearestName(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let fewest = MAX_SLIPS + 1
  for (const one of known) {
    if (Math.abs(one.length - name.length) >= fewest) continue
    const slips = slipsBetween(name.toLowerCase(), one.toLowerCase())
    if (slips < fewest) [nearest, fewest] = [one, slips]
  }
  return nearest
}

/** Letters to add, drop or change to make one of the other. */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(changed, above[j]! + 1, row[j - 1]! + 1))
    }
    above = row
  }
  return above[b.length]!
}
