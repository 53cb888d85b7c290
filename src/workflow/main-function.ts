/** The main function of a workflow: how it is called, and what its end means for the execution. */
import type { Command } from '../protocol/command.js'
import type { EventAttributes } from '../protocol/event.js'
import type { Header, Payloads } from '../protocol/payload.js'
import type { ContinueAsNewOptions } from './context.js'
import type { DataConverter, PayloadHome } from './data-converter.js'
import type { ErrorClass, Workflow } from './definition.js'
import { wholeFailureOf } from './failure-codec.js'
import { cancelDetailsOf } from './failure-payloads.js'
import { isFailure, type FailureKind } from './failures.js'
import type { WorkflowInfo } from './context.js'
import type { Facts } from './facts.js'
import { through, type WorkflowExecuteCall, type WorkflowHooks } from './interceptors.js'
import type { Problem } from './host.js'
import { encodeMemo } from './memo.js'
import { CodecFailure } from './payload-codec.js'
import { decodeParsed, encodeChecked } from './schema.js'
import { encodeSearchAttributes } from './search-attributes.js'
import { mistake } from './verdict.js'

/** What the call is made with, beside its input. */
interface MainHome extends PayloadHome {
  readonly info: WorkflowInfo
  readonly facts: Facts
  readonly hooks: WorkflowHooks | undefined
}

/** Calls it. One of the two is called once, when it has settled; an input that does not fit counts as thrown. */
export function callMain(
  { fn, input, name }: Workflow,
  ctx: object,
  payloads: Payloads | undefined,
  home: MainHome,
  returned: (value: unknown) => void,
  threw: (error: unknown) => void,
): void {
  try {
    const { converter, hooks } = home
    const parsed = decodeParsed(input, payloads, `input of workflow '${name}'`, converter)
    const call = (given: unknown): unknown => (fn as (ctx: object, input: unknown) => unknown)(ctx, given)
    const result =
      hooks === undefined
        ? call(parsed)
        : through(hooks.execute, executeCall(home, parsed), (given) => call(given.input))
    Promise.resolve(result).then(returned, threw)
  } catch (error) {
    threw(error)
  }
}

function executeCall({ info, facts, isReplaying }: MainHome, input: unknown): WorkflowExecuteCall {
  return { info, input, headers: facts.headers, isReplaying }
}

/** The closing command for what it returned. A result that does not fit counts as thrown. May throw a CodecFailure, as all of these. */
export function endByReturn(definition: Workflow, value: unknown, home: PayloadHome): Command | Problem {
  try {
    const result = encodeChecked(definition.output, value, `result of workflow '${definition.name}'`, outgoing(home))
    return { type: 'CompleteWorkflowExecution', result }
  } catch (error) {
    return endByThrow(definition, error, home)
  }
}

/** As `endByThrow`, for code that was asked to cancel: the cancellation that it lets through is its answer. */
export function endCancelled(definition: Workflow, error: unknown, home: PayloadHome): Command | Problem {
  if (!means(error, 'canceled')) return endByThrow(definition, error, home)
  return { type: 'CancelWorkflowExecution', details: cancelDetailsOf(error, outgoing(home), true) }
}

/** The closing command that goes on with that input. What the start said of all else goes on to hold. */
export function endAsNew(
  { input: schema, name }: Workflow,
  { retryPolicy, cronSchedule, ...started }: EventAttributes['WorkflowExecutionStarted'],
  next: ContinueAsNewOptions & { readonly input: unknown },
  header: Header | undefined,
  home: PayloadHome,
): Command {
  const payloads = encodeChecked(schema, next.input, `input of workflow '${name}'`, outgoing(home))
  const memo = next.memo === undefined ? started.memo : encodeMemo(next.memo, 'continueAsNew: memo', outgoing(home))
  const searchAttributes =
    next.searchAttributes === undefined
      ? started.searchAttributes
      : encodeSearchAttributes(next.searchAttributes, 'continueAsNew: searchAttributes')
  return {
    type: 'ContinueAsNewWorkflowExecution',
    ...{ input: payloads, retryPolicy, cronSchedule, memo, header, searchAttributes },
  }
}

/** A Failure, or what `failOn` names, fails the execution; anything else is a mistake in the code. */
export function endByThrow(definition: Workflow, error: unknown, home: PayloadHome): Command | Problem {
  if (error instanceof CodecFailure) throw error
  if (isMistake(definition, error)) return mistake(error, home.converter)
  return { type: 'FailWorkflowExecution', failure: wholeFailureOf(error, outgoing(home)) }
}

/** What a replay makes is compared, and sent to nobody. */
function outgoing({ converter, isReplaying }: PayloadHome): DataConverter {
  return isReplaying ? converter.dry : converter
}

export function isMistake({ failOn }: Workflow, error: unknown): boolean {
  return !means(error) && failOn !== 'any' && !failOn.some((errorClass) => isInstance(error, errorClass))
}

/** Is it a Failure, of that kind? What `Promise.any` rejects with is what all that it gathered are. */
function means(error: unknown, kind?: FailureKind): error is object {
  const isOne = (one: unknown): boolean => (kind === undefined ? isFailure(one) : isFailure(one, kind))
  if (isOne(error)) return true
  const errors = gathered(error)
  return errors.length > 0 && errors.every(isOne)
}

function gathered(error: unknown): readonly unknown[] {
  try {
    return error instanceof AggregateError ? error.errors : []
  } catch {
    return []
  }
}

/** A class may say itself what its instances are, and a Proxy what it is one of: both are the user's code. */
function isInstance(error: unknown, errorClass: ErrorClass): boolean {
  try {
    return error instanceof errorClass
  } catch {
    return false
  }
}
