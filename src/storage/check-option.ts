/** What the makers of media are given, checked before anything is opened. */
import type { z } from 'zod'
import { LoomError } from '../base/errors.js'

/** Throws LOOM_INVALID_ARGUMENT with the path to what is wrong. */
export function checkOption<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  const path = [what, ...issue.path.map(String)].join('.')
  throw new LoomError('LOOM_INVALID_ARGUMENT', `${path}: ${issue.message}`, { cause: parsed.error })
}
