/**
 * How much one turn may carry: everything that comes from outside is weighed, and found to fit into rows, before it is staged.
 *
 * Invariant: what a turn's causes bring weighs at most `maxTurnBytes`, and its commands as much again, so that one commit
 * holds it (`settings.maxTurnBytes` is kept below half a commit of the medium).
 */
import { LoomError } from '../base/errors.js'
import { BadCommandError } from '../machine/errors.js'
import {
  failureBytes,
  MAX_TOLD_FAILURE_BYTES,
  namedBytes,
  payloadsBytes,
  shortenedFailure,
} from '../machine/weights.js'
import type { Command, CommandType, RecordMarkerCommand, ScheduleActivityTaskCommand } from '../protocol/command.js'
import type { WorkflowTaskFailedCause } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import { headerBytes, type Payload, type Payloads } from '../protocol/payload.js'
import type { ActivityOutcome } from '../protocol/local-workers.js'
import type { Settings } from '../protocol/settings.js'

type Limits = Pick<Settings, 'maxPayloadBytes' | 'maxTurnBytes'>

/** Rows of a command beside its payloads and ids; counted only where there are many. */
const COMMAND_BYTES = 256
const MANY_COMMANDS = 100

/** Type of the failure that something too big becomes. */
export const TOO_LARGE = 'PayloadsTooLarge'

const BAD_ATTRIBUTES: Readonly<Record<CommandType, WorkflowTaskFailedCause>> = {
  ScheduleActivityTask: 'BadScheduleActivityAttributes',
  RequestCancelActivityTask: 'BadRequestCancelActivityAttributes',
  StartTimer: 'BadStartTimerAttributes',
  CancelTimer: 'BadCancelTimerAttributes',
  RecordMarker: 'BadRecordMarkerAttributes',
  UpsertWorkflowSearchAttributes: 'BadSearchAttributes',
  ModifyWorkflowProperties: 'BadModifyWorkflowPropertiesAttributes',
  CompleteWorkflowExecution: 'BadCompleteWorkflowExecutionAttributes',
  FailWorkflowExecution: 'BadFailWorkflowExecutionAttributes',
  CancelWorkflowExecution: 'BadCancelWorkflowExecutionAttributes',
  ContinueAsNewWorkflowExecution: 'BadContinueAsNewAttributes',
}

// ---- one value

/** What they weigh. Throws LOOM_INVALID_ARGUMENT, naming `path`, when one of them is too big, or all together. */
export function checkPayloads(payloads: Payloads | undefined, limits: Limits, path: string): number {
  if (payloads === undefined) return 0
  checkEach(payloads, limits, path)
  const bytes = payloadsBytes(payloads)
  if (bytes > limits.maxTurnBytes) throw tooBig(path, bytes, limits.maxTurnBytes)
  return bytes
}

/** As `checkPayloads`, with their names. */
export function checkNamed(
  payloads: Readonly<Record<string, Payload>> | undefined,
  limits: Limits,
  path: string,
): number {
  if (payloads === undefined) return 0
  for (const [name, payload] of Object.entries(payloads)) checkEach([payload], limits, `${path}.${name}`)
  const bytes = namedBytes(payloads)
  if (bytes > limits.maxTurnBytes) throw tooBig(path, bytes, limits.maxTurnBytes)
  return bytes
}

/** As `checkPayloads`. Failures without details are small: they weigh nothing up to some size. */
export function checkFailure(failure: Failure | undefined, limits: Limits, path: string): number {
  const bytes = failureBytes(failure)
  if (bytes <= MAX_TOLD_FAILURE_BYTES && bytes <= limits.maxPayloadBytes) return 0
  for (let one = failure; bytes !== Infinity && one !== undefined; one = one.cause) {
    if ('details' in one) checkEach(one.details, limits, `${path}.details`)
    else if (one.type === 'timeout') checkEach(one.lastHeartbeatDetails, limits, `${path}.lastHeartbeatDetails`)
    if (one.encodedAttributes !== undefined) checkEach([one.encodedAttributes], limits, `${path}.encodedAttributes`)
  }
  if (bytes <= MAX_TOLD_FAILURE_BYTES) return 0
  if (bytes > limits.maxTurnBytes) throw tooBig(path, bytes, limits.maxTurnBytes)
  return bytes
}

export function checkText(text: string, limits: Limits, path: string): number {
  if (text.length * 3 <= limits.maxPayloadBytes) return text.length
  const bytes = Buffer.byteLength(text)
  if (bytes > limits.maxPayloadBytes) throw tooBig(path, bytes, limits.maxPayloadBytes)
  return bytes
}

function checkEach(payloads: Payloads | undefined, { maxPayloadBytes }: Limits, path: string): void {
  if (payloads === undefined) return
  for (let at = 0; at < payloads.length; at++) {
    const { length } = payloads[at]!.data
    if (length > maxPayloadBytes) throw tooBig(`${path}: a payload`, length, maxPayloadBytes)
  }
}

function tooBig(path: string, bytes: number, maxBytes: number): LoomError {
  const size = bytes === Infinity ? 'cannot be written' : `${bytes} bytes; at most ${maxBytes} are allowed`
  return new LoomError('LOOM_INVALID_ARGUMENT', `${path}: ${size}`)
}

// ---- the commands of a workflow task

/**
 * What they weigh. Throws LOOM_INVALID_ARGUMENT when it is too much, and a BadCommandError for a command that no row can
 * hold: definitions are checked, but what code throws may be anything.
 */
export function checkCommandsFit(commands: readonly Command[], limits: Limits, workflowId: string): number {
  let bytes = 0
  for (let at = 0; at < commands.length; at++) {
    const command = commands[at]!
    switch (command.type) {
      case 'ScheduleActivityTask':
        checkActivityTexts(command)
        bytes += checkPayloads(command.input, limits, 'input of an activity') + headerBytes(command.header)
        break
      case 'StartTimer':
      case 'CancelTimer':
        if (typeof command.timerId !== 'string') throw notText(command)
        break
      case 'CompleteWorkflowExecution':
        bytes += checkPayloads(command.result, limits, 'result of the workflow')
        break
      case 'FailWorkflowExecution':
        if (failureBytes(command.failure) === Infinity) throw notText(command)
        bytes += checkFailure(command.failure, limits, 'failure of the workflow')
        break
      case 'CancelWorkflowExecution':
        bytes += checkPayloads(command.details, limits, 'details of the cancellation')
        break
      case 'RecordMarker':
        bytes += checkMarker(command, limits)
        break
      case 'UpsertWorkflowSearchAttributes':
        bytes += checkNamed(command.searchAttributes, limits, 'search attribute')
        break
      case 'ModifyWorkflowProperties':
        bytes += checkNamed(command.upsertedMemo, limits, 'memo')
        break
      case 'ContinueAsNewWorkflowExecution':
        // Written twice: where this run ends, and where the next begins.
        bytes += 2 * checkPayloads(command.input, limits, 'input of the next run')
        bytes += 2 * checkNamed(command.memo, limits, 'memo of the next run')
        bytes += 2 * checkNamed(command.searchAttributes, limits, 'search attributes of the next run')
        break
      case 'RequestCancelActivityTask':
        break
    }
  }
  if (commands.length > MANY_COMMANDS) bytes += commands.length * (COMMAND_BYTES + Buffer.byteLength(workflowId))
  if (bytes > limits.maxTurnBytes) throw tooBig('the commands of one workflow task', bytes, limits.maxTurnBytes)
  return bytes
}

function checkMarker(command: RecordMarkerCommand, limits: Limits): number {
  const { markerName, details, failure } = command
  if (typeof markerName !== 'string' || failureBytes(failure) === Infinity) throw notText(command)
  let bytes = markerName.length + checkFailure(failure, limits, 'failure of a marker')
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

// ---- the end of an attempt in this process

/** The outcome, or what can be recorded of one that is too big: nobody is there to be refused, and running it again would not help. */
export function fittingOutcome(outcome: ActivityOutcome, limits: Limits): ActivityOutcome {
  try {
    if (outcome.type === 'completed') checkPayloads(outcome.result, limits, 'result of the activity')
    else if (outcome.type === 'failed') {
      checkFailure(outcome.failure, limits, 'failure')
      checkPayloads(outcome.heartbeatDetails, limits, 'details of a heartbeat')
    } else checkPayloads(outcome.details, limits, 'details')
    return outcome
  } catch (error) {
    if (outcome.type === 'canceled') return { type: 'canceled', details: undefined }
    if (outcome.type === 'failed') return { type: 'failed', failure: shortenedFailure(outcome.failure) }
    const message = error instanceof Error ? error.message : String(error)
    return { type: 'failed', failure: { type: 'application', message, applicationType: TOO_LARGE, nonRetryable: true } }
  }
}

/** What an outcome that fits brings into its turn. */
export function outcomeBytes(outcome: ActivityOutcome): number {
  if (outcome.type === 'completed') return payloadsBytes(outcome.result)
  if (outcome.type === 'canceled') return payloadsBytes(outcome.details)
  return failureBytes(outcome.failure) + payloadsBytes(outcome.heartbeatDetails)
}
