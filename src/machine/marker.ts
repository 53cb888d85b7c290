/** Markers and search attributes: written down by commands; nothing of the execution depends on them. */
import type { RecordMarkerCommand, UpsertWorkflowSearchAttributesCommand } from '../protocol/command.js'
import { BadCommandError } from './errors.js'
import type { Turn } from './turn.js'

/** The search attributes that there are. Further ones come with visibility, where they are registered. */
const KNOWN_ATTRIBUTES: ReadonlySet<string> = new Set(['TemporalChangeVersion'])

export function recordMarker(turn: Turn, command: RecordMarkerCommand, workflowTaskCompletedEventId: number): void {
  const { markerName, details, failure } = command
  if (markerName === '') {
    const detail = 'MarkerName is not set on RecordMarkerCommand.'
    throw new BadCommandError(command, 'BadRecordMarkerAttributes', detail)
  }
  turn.append('MarkerRecorded', { markerName, details, workflowTaskCompletedEventId, failure })
}

export function upsertSearchAttributes(
  turn: Turn,
  command: UpsertWorkflowSearchAttributesCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { searchAttributes } = command
  const names = Object.keys(searchAttributes)
  if (names.length === 0) {
    const detail = 'IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.'
    throw new BadCommandError(command, 'BadSearchAttributes', detail)
  }
  const unknown = names.find((name) => !KNOWN_ATTRIBUTES.has(name))
  if (unknown !== undefined)
    throw new BadCommandError(command, 'BadSearchAttributes', `no search attribute ${unknown} is registered`)
  turn.append('UpsertWorkflowSearchAttributes', { workflowTaskCompletedEventId, searchAttributes })
}
