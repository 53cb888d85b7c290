/** Progress of the items of an execution, as plain data for rows: attempts, stalls, the events that wait. */
import type { TimeoutType } from '../protocol/failure.js'
import type { ActivityProgress, Stall, WorkflowTaskProgress } from '../machine/transition.js'
import { CorruptError } from '../storage/errors.js'
import { decodeFailure, decodePayloads, encodeFailure, encodePayloads } from './value-codec.js'

const PHASES: readonly ActivityProgress['phase'][] = ['scheduled', 'backoff', 'started']
const DUE_TYPES: readonly (TimeoutType | 'Retry' | undefined)[] = [
  undefined,
  'StartToClose',
  'ScheduleToStart',
  'ScheduleToClose',
  'Heartbeat',
  'Retry',
]

export function encodeActivityProgress(value: ActivityProgress): unknown[] {
  return [
    PHASES.indexOf(value.phase),
    value.attempt,
    value.stamp,
    value.scheduledAtMs,
    value.startedAtMs,
    value.identity,
    value.requestId,
    value.incarnation,
    encodeFailure(value.lastFailure),
    encodePayloads(value.heartbeatDetails),
    value.dueAtMs,
    DUE_TYPES.indexOf(value.dueType),
    value.cancelRequested,
  ]
}

export function decodeActivityProgress(fields: readonly unknown[]): ActivityProgress {
  const phase = PHASES[fields[0] as number]
  if (phase === undefined) throw new CorruptError(`activity progress: unknown phase ${String(fields[0])}`)
  return {
    phase,
    attempt: fields[1] as number,
    stamp: fields[2] as number,
    scheduledAtMs: fields[3] as number,
    startedAtMs: fields[4] as number,
    identity: fields[5] as string,
    requestId: fields[6] as string,
    incarnation: fields[7] as string,
    lastFailure: decodeFailure(fields[8]),
    heartbeatDetails: decodePayloads(fields[9]),
    dueAtMs: fields[10] as number,
    dueType: DUE_TYPES[fields[11] as number],
    cancelRequested: fields[12] as boolean,
  }
}

export function encodeWorkflowTaskProgress(value: WorkflowTaskProgress): unknown[] {
  return [
    value.attempt,
    value.scheduledEventId,
    value.scheduledAtMs,
    value.startedEventId,
    value.startedAtMs,
    value.identity,
    value.requestId,
    value.stamp,
    value.dueAtMs,
    value.isBackingOff,
  ]
}

export function decodeWorkflowTaskProgress(fields: readonly unknown[]): WorkflowTaskProgress {
  return {
    attempt: fields[0] as number,
    scheduledEventId: fields[1] as number,
    scheduledAtMs: fields[2] as number,
    startedEventId: fields[3] as number,
    startedAtMs: fields[4] as number,
    identity: fields[5] as string,
    requestId: fields[6] as string,
    stamp: fields[7] as number,
    dueAtMs: fields[8] as number,
    isBackingOff: fields[9] as boolean,
  }
}

export function encodeStall(value: Stall): unknown[] {
  const { eventId, reason, message, hint, fingerprint, sinceMs, retryAtMs, stackTrace, encodedAttributes } = value
  const stall = [eventId, reason, message, hint, fingerprint, sinceMs, retryAtMs, stackTrace ?? null]
  return encodedAttributes === undefined ? stall : [...stall, encodePayloads([encodedAttributes])]
}

export function decodeStall(fields: readonly unknown[]): Stall {
  const [encodedAttributes] = decodePayloads(fields[8]) ?? []
  return {
    eventId: fields[0] as number,
    reason: fields[1] as Stall['reason'],
    message: fields[2] as string,
    hint: fields[3] as string,
    fingerprint: fields[4] as string,
    sinceMs: fields[5] as number,
    retryAtMs: fields[6] as number,
    ...(typeof fields[7] === 'string' && { stackTrace: fields[7] }),
    ...(encodedAttributes && { encodedAttributes }),
  }
}
