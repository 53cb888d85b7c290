/** Which signals may be sent. */
import { LoomError } from '../base/errors.js'
import { nameAt } from '../workflow/activity-settings.js'
import type { Workflow } from '../workflow/definition.js'

/** LOOM_INVALID_ARGUMENT when the definition, where it is known, has no such signal. */
export function checkedSignalName(name: unknown, definition: Workflow | undefined): string {
  if (definition === undefined) return nameAt(name, 'signal')
  if (typeof name === 'string' && Object.hasOwn(definition.signals, name)) return name
  const known = Object.keys(definition.signals).join(', ') || 'none'
  const message = `signal: workflow '${definition.name}' has none named '${String(name)}' (it has: ${known})`
  throw new LoomError('LOOM_INVALID_ARGUMENT', message)
}
