/**
 * `ctx.race`: the first branch to settle decides, and what the others started is cancelled.
 *
 * Invariant: losing is silent. Whatever a losing branch rejects with is handled here.
 */
import { Deferred } from '../base/deferred.js'
import { invalid } from './options.js'
import { cancellation, Scope } from './scope.js'
import { rejectQuietly } from './settle.js'

/** Runs each function among `branches` with a ctx on a scope of its own, made by `open`. */
export function race<Ctx>(
  branches: Readonly<Record<string, unknown>>,
  parent: Scope | undefined,
  open: (scope: Scope) => Ctx,
): Promise<unknown> {
  if (typeof branches !== 'object' || branches === null) throw invalid('race: not an object of branches')
  const entries = Object.entries(branches)
  if (entries.length === 0) throw invalid('race: there is no branch')
  const scopes: Scope[] = []
  let isOver = false
  const end = (key: string, own: Scope | undefined): void => {
    isOver = true
    own?.end()
    const reason = cancellation(`lost a race to '${key}'`)
    for (const scope of scopes) if (scope !== own) scope.cancel(reason)
  }
  const outcome = new Deferred<unknown>()
  for (const [key, branch] of entries) {
    const scope = typeof branch === 'function' ? new Scope(parent) : undefined
    if (scope !== undefined) scopes.push(scope)
    const promise = scope === undefined ? branch : started(branch as (ctx: Ctx) => unknown, open(scope))
    Promise.resolve(promise).then(
      (value) => {
        if (isOver) return
        end(key, scope)
        outcome.resolve({ key, value })
      },
      (error: unknown) => {
        if (isOver) return
        end(key, scope)
        rejectQuietly(outcome, error)
      },
    )
  }
  return outcome.promise
}

/** Calls it; what it throws at once is a rejection like any other. */
export function started<Ctx>(branch: (ctx: Ctx) => unknown, ctx: Ctx): unknown {
  try {
    return branch(ctx)
  } catch (error) {
    return Promise.reject(error)
  }
}
