/** The main function of a workflow: how it is called, and what its end means for the execution. */
import type { Command } from '../protocol/command.js'
import type { EventAttributes } from '../protocol/event.js'
import type { Payloads } from '../protocol/payload.js'
import type { ErrorClass, Workflow } from './definition.js'
import { cancelDetailsOf, failureOf } from './failure-codec.js'
import { isFailure } from './failures.js'
import type { Problem } from './host.js'
import { decodeParsed, encodeChecked } from './schema.js'
import { mistake } from './verdict.js'

/** Calls it. One of the two is called once, when it has settled; an input that does not fit counts as thrown. */
export function callMain(
  { fn, input, name }: Workflow,
  ctx: object,
  payloads: Payloads | undefined,
  returned: (value: unknown) => void,
  threw: (error: unknown) => void,
): void {
  try {
    const parsed = decodeParsed(input, payloads, `input of workflow '${name}'`)
    const result = (fn as (ctx: object, input: unknown) => unknown)(ctx, parsed)
    Promise.resolve(result).then(returned, threw)
  } catch (error) {
    threw(error)
  }
}

/** The closing command for what it returned. A result that does not fit counts as thrown. */
export function endByReturn(definition: Workflow, value: unknown, maxBytes: number): Command | Problem {
  try {
    const result = encodeChecked(definition.output, value, `result of workflow '${definition.name}'`, maxBytes)
    return { type: 'CompleteWorkflowExecution', result }
  } catch (error) {
    return endByThrow(definition, error, maxBytes)
  }
}

/** As `endByThrow`, for code that was asked to cancel: the cancellation that it lets through is its answer. */
export function endCancelled(definition: Workflow, error: unknown, maxBytes: number): Command | Problem {
  if (!isFailure(error, 'canceled')) return endByThrow(definition, error, maxBytes)
  return { type: 'CancelWorkflowExecution', details: cancelDetailsOf(error, maxBytes) }
}

/** The closing command that goes on with that input. What the start said of time-outs, retries and schedule goes on to hold. */
export function endAsNew(
  { input: schema, name }: Workflow,
  { retryPolicy, cronSchedule }: EventAttributes['WorkflowExecutionStarted'],
  input: unknown,
  maxBytes: number,
): Command {
  const payloads = encodeChecked(schema, input, `input of workflow '${name}'`, maxBytes)
  return { type: 'ContinueAsNewWorkflowExecution', input: payloads, retryPolicy, cronSchedule }
}

/** A Failure, or what `failOn` names, fails the execution; anything else is a mistake in the code. */
export function endByThrow(definition: Workflow, error: unknown, maxBytes: number): Command | Problem {
  if (isMistake(definition, error)) return mistake(error)
  return { type: 'FailWorkflowExecution', failure: failureOf(error, undefined, maxBytes) }
}

export function isMistake({ failOn }: Workflow, error: unknown): boolean {
  return !isFailure(error) && failOn !== 'any' && !failOn.some((errorClass) => isInstance(error, errorClass))
}

/** A class may say itself what its instances are, and a Proxy what it is one of: both are the user's code. */
function isInstance(error: unknown, errorClass: ErrorClass): boolean {
  try {
    return error instanceof errorClass
  } catch {
    return false
  }
}
