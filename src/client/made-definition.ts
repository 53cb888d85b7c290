/**
 * Is something a definition, as `activity` and `workflow` make them? Told by its form, since another copy of this package
 * may have made it.
 */
import { idSchema } from '../protocol/ids.js'
import type { Activity, Workflow } from '../workflow/definition.js'
import type { Schema } from '../workflow/schema.js'

/** Those that have passed and cannot change any more: a start looks at its definition each time. */
const passed = new WeakSet<object>()

export function isWorkflow(value: unknown): value is Workflow {
  return isMade(value, 'workflow')
}

export function isActivity(value: unknown): value is Activity {
  return isMade(value, 'activity')
}

function isMade(value: unknown, kind: 'workflow' | 'activity'): boolean {
  if (typeof value !== 'object' || value === null) return false
  const definition = value as Partial<Workflow> & Partial<Activity>
  if ((definition.kind as unknown) !== kind) return false
  if (passed.has(value)) return true
  const { name, fn, input, output } = definition
  const isSound =
    idSchema.safeParse(name).success &&
    typeof fn === 'function' &&
    isSchemaOrNone(input) &&
    isSchemaOrNone(output) &&
    (kind === 'workflow' ? hasWorkflowParts(definition) : hasActivityParts(definition))
  if (isSound && Object.isFrozen(value)) passed.add(value)
  return isSound
}

function hasWorkflowParts({ signals, taskQueue, failOn }: Partial<Workflow>): boolean {
  return (
    typeof signals === 'object' &&
    signals !== null &&
    Object.values(signals).every((schema) => schema !== undefined && isSchemaOrNone(schema)) &&
    (taskQueue === undefined || idSchema.safeParse(taskQueue).success) &&
    (failOn === 'any' || Array.isArray(failOn))
  )
}

function hasActivityParts({ settings, labels }: Partial<Activity>): boolean {
  return typeof settings === 'object' && settings !== null && typeof labels === 'object' && labels !== null
}

function isSchemaOrNone(schema: unknown): boolean {
  if (schema === undefined) return true
  const { '~standard': standard } = (schema ?? {}) as Partial<Schema>
  return typeof standard?.validate === 'function'
}
