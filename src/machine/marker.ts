/** Markers: written down by commands; nothing of the execution depends on them. */
import type { RecordMarkerCommand } from '../protocol/command.js'
import { BadCommandError } from './errors.js'
import type { Turn } from './turn.js'

export function recordMarker(turn: Turn, command: RecordMarkerCommand, workflowTaskCompletedEventId: number): void {
  const { markerName, details, failure } = command
  if (markerName === '') {
    const detail = 'MarkerName is not set on RecordMarkerCommand.'
    throw new BadCommandError(command, 'BadRecordMarkerAttributes', detail)
  }
  turn.append('MarkerRecorded', { markerName, details, workflowTaskCompletedEventId, failure })
}
