/** `ctx.scope`, `ctx.shield` and `ctx.timeout`: a part of the code that is cancelled by itself, never, or when its time is up. */
import { Deferred } from '../base/deferred.js'
import { started } from './race.js'
import { cancellation, Scope } from './scope.js'
import type { Waits } from './waits.js'

/** Runs `fn`, whose ctx is on `scope`. What it gives or throws is told as it is: a mistake in it is the code's. */
export function scoped<Ctx>(
  scope: Scope,
  fn: (ctx: Ctx) => unknown,
  ctx: Ctx,
  end: () => void = () => scope.end(),
): Promise<unknown> {
  const outcome = new Deferred<unknown>()
  Promise.resolve(started(fn, ctx)).then(
    (value) => {
      end()
      outcome.resolve(value)
    },
    (error: unknown) => {
      end()
      outcome.reject(error)
    },
  )
  return outcome.promise
}

/** Nothing from outside cancels it, but the scope around it is not empty before `fn` has settled. */
export function shielded<Ctx>(
  around: Scope | undefined,
  fn: (ctx: Ctx) => unknown,
  open: (scope: Scope) => Ctx,
): Promise<unknown> {
  const scope = new Scope(undefined)
  if (around === undefined) return scoped(scope, fn, open(scope))
  const shield = { cancel: () => {} }
  around.add(shield)
  return scoped(scope, fn, open(scope), () => {
    scope.end()
    around.remove(shield)
  })
}

/** As `scoped`; `scope` is cancelled after `timeoutMs`, unless `fn` has settled by then. */
export function timed<Ctx>(
  scope: Scope,
  fn: (ctx: Ctx) => unknown,
  ctx: Ctx,
  waits: Waits,
  timeoutMs: number,
): Promise<unknown> {
  const reason = cancellation(`timed out after ${timeoutMs} ms`)
  const limit = waits.startTimeLimit(timeoutMs, () => scope.cancel(reason))
  const isOver = (): void => {
    waits.callOff(limit)
    scope.remove(timeLimit)
  }
  const timeLimit = { cancel: isOver }
  // The first to be cancelled with the scope, by whoever cancels it.
  scope.add(timeLimit)
  const follow = async (own: Ctx): Promise<unknown> => {
    try {
      return await fn(own)
    } finally {
      isOver()
    }
  }
  return scoped(scope, follow, ctx)
}
