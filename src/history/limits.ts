/**
 * How much one turn may carry: everything that comes from outside is weighed, and found to fit into rows, before it is staged.
 *
 * Invariant: what a turn's causes bring weighs at most `maxTurnBytes`, and its commands as much again, so that one commit
 * holds it (`settings.maxTurnBytes` is kept below half a commit of the medium).
 */
import { isLoomError, LoomError } from '../base/errors.js'
import { BAD_ATTRIBUTES, BadCommandError, OversizedCommandError } from '../machine/errors.js'
import {
  failureBytes,
  MAX_TOLD_FAILURE_BYTES,
  namedBytes,
  payloadsBytes,
  shortenedFailure,
} from '../machine/weights.js'
import type { Command, RecordMarkerCommand, ScheduleActivityTaskCommand } from '../protocol/command.js'
import { MAX_CAUSES, type Failure } from '../protocol/failure.js'
import { headerBytes, type Payload, type Payloads } from '../protocol/payload.js'
import type { Settings } from '../protocol/settings.js'
import type { ToldOutcome } from './attempt-end.js'

type Limits = Pick<Settings, 'maxPayloadBytes' | 'maxTurnBytes'>

/** Rows of a command beside its payloads and ids; counted only where there are many. */
const COMMAND_BYTES = 256
const MANY_COMMANDS = 100

/** Type of the failure that something too big becomes. */
export const TOO_LARGE = 'PayloadsTooLarge'

// ---- one value

/** What they weigh. Throws LOOM_INVALID_ARGUMENT, naming `path`, when all together are too big. */
export function checkPayloads(payloads: Payloads | undefined, limits: Limits, path: string): number {
  const bytes = payloadsBytes(payloads)
  if (!fits(bytes, limits)) throw tooBig(path, bytes, most(limits))
  return bytes
}

/** As `checkPayloads`, with their names. */
export function checkNamed(
  payloads: Readonly<Record<string, Payload>> | undefined,
  limits: Limits,
  path: string,
): number {
  if (payloads === undefined) return 0
  for (const [name, payload] of Object.entries(payloads)) checkPayloads([payload], limits, `${path}.${name}`)
  const bytes = namedBytes(payloads)
  if (bytes > limits.maxTurnBytes) throw tooBig(path, bytes, limits.maxTurnBytes)
  return bytes
}

/** As `checkPayloads`: its details may weigh as much as payloads may, and its texts come on top of that. */
function checkFailure(failure: Failure | undefined, limits: Limits, path: string): number {
  const bytes = fittingFailureBytes(failure, limits)
  if (bytes !== undefined) return bytes
  const ofDetails = detailBytes(failure)
  if (ofDetails > most(limits)) throw tooBig(`${path}.details`, ofDetails, most(limits))
  throw tooBig(path, failureBytes(failure), limits.maxTurnBytes)
}

export function checkText(text: string, limits: Limits, path: string): number {
  if (text.length * 3 <= limits.maxPayloadBytes) return text.length
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.maxPayloadBytes) throw tooBig(path, bytes, limits.maxPayloadBytes)
  return bytes
}

/** Undefined: it is too big, or cannot be written. A small one always fits. */
function fittingFailureBytes(failure: Failure | undefined, limits: Limits): number | undefined {
  const bytes = failureBytes(failure)
  if (bytes <= MAX_TOLD_FAILURE_BYTES && bytes <= limits.maxPayloadBytes) return bytes
  if (bytes > MAX_TOLD_FAILURE_BYTES && bytes > limits.maxTurnBytes) return undefined
  return fits(detailBytes(failure), limits) ? bytes : undefined
}

/** Of its causes, too. */
function detailBytes(failure: Failure | undefined): number {
  let bytes = 0
  let causes = 0
  for (let one = failure; one !== undefined && causes++ <= MAX_CAUSES; one = one.cause) {
    if ('details' in one) bytes += payloadsBytes(one.details)
    else if (one.type === 'timeout') bytes += payloadsBytes(one.lastHeartbeatDetails)
    if (one.encodedAttributes !== undefined) bytes += payloadsBytes([one.encodedAttributes])
  }
  return bytes
}

function fits(bytes: number, { maxPayloadBytes, maxTurnBytes }: Limits): boolean {
  return bytes <= maxPayloadBytes && bytes <= maxTurnBytes
}

function most({ maxPayloadBytes, maxTurnBytes }: Limits): number {
  return Math.min(maxPayloadBytes, maxTurnBytes)
}

function tooBig(path: string, bytes: number, maxBytes: number): LoomError {
  const size = bytes === Infinity ? 'cannot be written' : `${bytes} bytes; at most ${maxBytes} are allowed`
  return new LoomError('LOOM_INVALID_ARGUMENT', `${path}: ${size}`)
}

// ---- the commands of a workflow task

/**
 * What they weigh. Throws an OversizedCommandError for one that is too big, LOOM_INVALID_ARGUMENT when all together are, and
 * a BadCommandError for one that no row can hold: definitions are checked, but what code throws may be anything.
 */
export function checkCommandsFit(commands: readonly Command[], limits: Limits, workflowId: string): number {
  let bytes = 0
  for (let at = 0; at < commands.length; at++) {
    try {
      bytes += commandBytes(commands[at]!, limits)
    } catch (error) {
      if (!isLoomError(error, 'LOOM_INVALID_ARGUMENT')) throw error
      throw new OversizedCommandError(commands[at]!, at, error.message)
    }
  }
  if (commands.length > MANY_COMMANDS) bytes += commands.length * (COMMAND_BYTES + Buffer.byteLength(workflowId))
  if (bytes > limits.maxTurnBytes) throw tooBig('the commands of one workflow task', bytes, limits.maxTurnBytes)
  return bytes
}

function commandBytes(command: Command, limits: Limits): number {
  switch (command.type) {
    case 'ScheduleActivityTask':
      checkActivityTexts(command)
      return checkPayloads(command.input, limits, 'input of an activity') + headerBytes(command.header)
    case 'StartTimer':
    case 'CancelTimer':
      if (typeof command.timerId !== 'string') throw notText(command)
      return 0
    case 'CompleteWorkflowExecution':
      return checkPayloads(command.result, limits, 'result of the workflow')
    case 'FailWorkflowExecution':
      if (failureBytes(command.failure) === Infinity) throw notText(command)
      return bigBytes(checkFailure(command.failure, limits, 'failure of the workflow'))
    case 'CancelWorkflowExecution':
      return checkPayloads(command.details, limits, 'details of the cancellation')
    case 'RecordMarker':
      return markerBytes(command, limits)
    case 'UpsertWorkflowSearchAttributes':
      return checkNamed(command.searchAttributes, limits, 'search attribute')
    case 'ModifyWorkflowProperties':
      return checkNamed(command.upsertedMemo, limits, 'memo')
    case 'ContinueAsNewWorkflowExecution':
      return (
        checkPayloads(command.input, limits, 'input of the next run') +
        checkNamed(command.memo, limits, 'memo of the next run') +
        checkNamed(command.searchAttributes, limits, 'search attributes of the next run')
      )
    case 'RequestCancelActivityTask':
      return 0
  }
}

/** A failure that any task may end with. */
function bigBytes(bytes: number): number {
  return bytes <= MAX_TOLD_FAILURE_BYTES ? 0 : bytes
}

function markerBytes(command: RecordMarkerCommand, limits: Limits): number {
  const { markerName, details, failure } = command
  if (typeof markerName !== 'string' || failureBytes(failure) === Infinity) throw notText(command)
  let bytes = markerName.length + bigBytes(checkFailure(failure, limits, 'failure of a marker'))
  if (details === undefined) return bytes
  for (const name in details) bytes += name.length + checkPayloads(details[name], limits, `details of marker ${name}`)
  return bytes
}

function checkActivityTexts(command: ScheduleActivityTaskCommand): void {
  const { activityId, activityType, taskQueue, retryPolicy } = command
  if (typeof activityId !== 'string' || typeof activityType !== 'string') throw notText(command)
  if (taskQueue !== undefined && typeof taskQueue !== 'string') throw notText(command)
  const types = retryPolicy?.nonRetryableErrorTypes
  if (types === undefined) return
  for (let at = 0; at < types.length; at++) if (typeof types[at] !== 'string') throw notText(command)
}

function notText(command: Command): BadCommandError {
  return new BadCommandError(command, BAD_ATTRIBUTES[command.type], 'something else is where text belongs')
}

// ---- the end of an attempt

/** What it brings into its turn, in one walk. Undefined: it is too big, or cannot be written; `cutOutcome` can. */
export function outcomeBytes(outcome: ToldOutcome, limits: Limits): number | undefined {
  if (outcome.type === 'failed') {
    const bytes = fittingFailureBytes(outcome.failure, limits)
    if (outcome.heartbeatDetails === undefined || bytes === undefined) return bytes
    const ofDetails = payloadsBytes(outcome.heartbeatDetails)
    return fits(ofDetails, limits) && bytes + ofDetails <= limits.maxTurnBytes ? bytes + ofDetails : undefined
  }
  const bytes = payloadsBytes(outcome.type === 'completed' ? outcome.result : outcome.details)
  return fits(bytes, limits) ? bytes : undefined
}

/** What can be recorded of an outcome that is too big: running it again would not help, and the attempt is over. */
export function cutOutcome(outcome: ToldOutcome, limits: Limits): ToldOutcome {
  if (outcome.type === 'canceled') return { type: 'canceled', details: undefined }
  if (outcome.type === 'completed') {
    const failure = tooLargeFailure('result of the activity', payloadsBytes(outcome.result), limits)
    return { type: 'failed', failure }
  }
  const { failure } = outcome
  const isFitting = fittingFailureBytes(failure, limits) !== undefined
  return { type: 'failed', failure: isFitting ? failure : shortenedFailure(failure!) }
}

/** That payloads were too big is no reason to try again. */
export function tooLargeFailure(path: string, bytes: number, limits: Limits): Failure {
  const { message } = tooBig(path, bytes, most(limits))
  return { type: 'application', message, applicationType: TOO_LARGE, nonRetryable: true }
}
