/**
 * The run after a run: tried again by the retry policy, started by the schedule, or asked for by the code. All of them
 * are one chain, with one first run id.
 *
 * Invariant: the event that closes a run names the next one, and both are of one commit.
 */
import { MAX_DURATION_MS } from '../base/duration.js'
import { LoomError } from '../base/errors.js'
import type { ContinueAsNewWorkflowExecutionCommand } from '../protocol/command.js'
import type { ChainInitiator, EventAttributes, HistoryEvent } from '../protocol/event.js'
import type { Failure, RetryState } from '../protocol/failure.js'
import type { Payloads } from '../protocol/payload.js'
import type { RetryPolicy } from '../protocol/retry-policy.js'
import { nextCronMs, parseCron } from './cron.js'
import { BadCommandError } from './errors.js'
import { attributesProblem, memoProblem } from './properties.js'
import { askedIntervalMs, filledPolicy, isRetryable, policyIntervalMs, policyProblem } from './retry-policy.js'
import type { Turn } from './turn.js'
import { keptFailure } from './weights.js'

type Started = EventAttributes['WorkflowExecutionStarted']

/** How a run ended that was not continued by its own code. */
export interface RunEnd {
  /** Undefined: it completed. */
  readonly failure: Failure | undefined
  readonly result: Payloads | undefined
}

/** By the event that closed a run: the one that follows it. Undefined: it was the last of its chain, or is open. */
export function nextRunIdOf(closed: HistoryEvent | undefined): string | undefined {
  const attributes = closed?.attributes
  return attributes !== undefined && 'newExecutionRunId' in attributes ? attributes.newExecutionRunId : undefined
}

export interface AfterEnd {
  readonly retryState: RetryState
  /** Undefined: the chain ends here. */
  readonly newExecutionRunId: string | undefined
}

const LAST_OF_ALL: AfterEnd = { retryState: 'RetryPolicyNotSet', newExecutionRunId: undefined }

/** Has the next run made, if there is to be one: retries go before the schedule. */
export function followRun(turn: Turn, end: RunEnd): AfterEnd {
  const { retryPolicy, cronSchedule } = turn.state.started!.attributes
  if (retryPolicy === undefined && cronSchedule === undefined) return LAST_OF_ALL
  const { retryState, backoffMs } = retryAfter(turn, retryPolicy, end.failure)
  if (end.failure !== undefined && retryState === 'InProgress') {
    return { retryState, newExecutionRunId: startAgain(turn, 'Retry', backoffMs, end) }
  }
  const cronMs = cronSchedule === undefined ? undefined : cronBackoffMs(turn, cronSchedule)
  const newExecutionRunId = cronMs === undefined ? undefined : startAgain(turn, 'CronSchedule', cronMs, end)
  return { retryState, newExecutionRunId }
}

function retryAfter(
  turn: Turn,
  policy: RetryPolicy | undefined,
  failure: Failure | undefined,
): { readonly retryState: RetryState; readonly backoffMs: number } {
  const backoffMs = 0
  if (policy === undefined) return { retryState: 'RetryPolicyNotSet', backoffMs }
  const { attempt } = turn.state.started!.attributes
  const isFinal = failure?.type === 'canceled' || failure?.type === 'terminated'
  if (isFinal || !isRetryable(failure, policy)) return { retryState: 'NonRetryableFailure', backoffMs }
  if (policy.maximumAttempts > 0 && attempt >= policy.maximumAttempts)
    return { retryState: 'MaximumAttemptsReached', backoffMs }
  const waitMs = Math.min(askedIntervalMs(failure) ?? policyIntervalMs(policy, attempt), policy.maximumIntervalMs)
  if (isTooLate(turn, waitMs)) return { retryState: 'Timeout', backoffMs }
  return { retryState: 'InProgress', backoffMs: waitMs }
}

/** Would a run that begins its work then be over time at once? */
function isTooLate(turn: Turn, backoffMs: number): boolean {
  const { workflowExecutionExpirationTimeMs: expiresAtMs } = turn.state.started!.attributes
  return expiresAtMs !== undefined && turn.eventTimeMs + backoffMs >= expiresAtMs
}

/** Counted from when this run was to begin its work: what it took does not move those after it. */
function cronBackoffMs(turn: Turn, cronSchedule: string): number | undefined {
  const { eventTimeMs, attributes } = turn.state.started!
  const sinceMs = eventTimeMs + (attributes.firstWorkflowTaskBackoffMs ?? 0)
  const waitMs = cronWaitMs(cronSchedule, sinceMs, turn.eventTimeMs)
  return waitMs === undefined || isTooLate(turn, waitMs) ? undefined : waitMs
}

/** Until the next time of a schedule; undefined when it has none. */
export function cronWaitMs(cronSchedule: string, sinceMs: number, nowMs: number): number | undefined {
  const schedule = parseCron(cronSchedule)
  const nextMs = schedule && nextCronMs(schedule, sinceMs, nowMs)
  return nextMs === undefined ? undefined : nextMs - nowMs
}

function startAgain(turn: Turn, initiator: ChainInitiator, backoffMs: number, { failure, result }: RunEnd): string {
  const { attributes } = turn.state.started!
  return addRun(turn, {
    ...attributes,
    initiator,
    attempt: initiator === 'Retry' ? attributes.attempt + 1 : 1,
    firstWorkflowTaskBackoffMs: backoffMs,
    continuedFailure: keptFailure(failure),
    lastCompletionResult: result ?? attributes.lastCompletionResult,
  })
}

function addRun(turn: Turn, attributes: Started): string {
  const runId = turn.newRunId()
  const { firstWorkflowTaskBackoffMs } = attributes
  turn.addTask({
    type: 'StartNextRun',
    runId,
    attributes: {
      ...attributes,
      originalExecutionRunId: runId,
      firstWorkflowTaskBackoffMs: firstWorkflowTaskBackoffMs || undefined,
    },
  })
  return runId
}

/** The run goes on under another run id. What the command leaves out stays as it is, save for policy, schedule, memo and search attributes. */
export function continueAsNew(
  turn: Turn,
  command: ContinueAsNewWorkflowExecutionCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { attributes } = turn.state.started!
  const workflowType = command.workflowType || attributes.workflowType
  const taskQueue = command.taskQueue || attributes.taskQueue
  const { input, memo, searchAttributes } = command
  const workflowRunTimeoutMs = durationOf(command, 'WorkflowRunTimeout', command.workflowRunTimeoutMs)
  const workflowTaskTimeoutMs = durationOf(command, 'WorkflowTaskTimeout', command.workflowTaskTimeoutMs)
  const retryPolicy = command.retryPolicy && policyOf(command, command.retryPolicy)
  const cronSchedule = command.cronSchedule || undefined
  if (cronSchedule !== undefined && parseCron(cronSchedule) === undefined) throw bad(command, 'invalid CronSchedule.')
  const problem = memoProblem(memo, turn.rules) ?? attributesProblem(searchAttributes, turn.rules)
  if (problem !== undefined) throw bad(command, problem)
  const next: Started = {
    ...attributes,
    workflowType,
    taskQueue,
    input,
    workflowRunTimeoutMs: workflowRunTimeoutMs || attributes.workflowRunTimeoutMs,
    workflowTaskTimeoutMs: workflowTaskTimeoutMs || attributes.workflowTaskTimeoutMs,
    retryPolicy,
    cronSchedule,
    attempt: 1,
    initiator: 'Workflow',
    firstWorkflowTaskBackoffMs: durationOf(command, 'BackoffStartInterval', command.backoffStartIntervalMs),
    continuedFailure: undefined,
    memo,
    header: command.header,
    searchAttributes,
  }
  turn.append('WorkflowExecutionContinuedAsNew', {
    newExecutionRunId: addRun(turn, next),
    workflowType,
    taskQueue,
    input,
    workflowRunTimeoutMs: next.workflowRunTimeoutMs,
    workflowTaskTimeoutMs: next.workflowTaskTimeoutMs,
    workflowTaskCompletedEventId,
    memo,
    header: command.header,
    searchAttributes,
  })
}

function policyOf(command: ContinueAsNewWorkflowExecutionCommand, asked: Partial<RetryPolicy>): RetryPolicy {
  const policy = filledPolicy(asked)
  const problem = policyProblem(policy)
  if (problem !== undefined) throw bad(command, problem)
  return policy
}

function durationOf(command: ContinueAsNewWorkflowExecutionCommand, name: string, ms: number | undefined): number {
  if (ms === undefined) return 0
  // Written so that NaN is refused too.
  if (ms >= 0 && ms <= MAX_DURATION_MS) return Math.ceil(ms)
  throw bad(command, `An invalid ${name} is set on ContinueAsNewWorkflowExecutionCommand: ${ms} ms`)
}

function bad(command: ContinueAsNewWorkflowExecutionCommand, detail: string): BadCommandError {
  return new BadCommandError(command, 'BadContinueAsNewAttributes', detail)
}

/** What a start may ask for of its chain. Throws LOOM_INVALID_ARGUMENT. */
export interface ChainRequest {
  readonly retryPolicy?: Partial<RetryPolicy> | undefined
  readonly cronSchedule?: string | undefined
  readonly workflowStartDelayMs?: number | undefined
}

export type ChainAttributes = Pick<Started, 'retryPolicy' | 'cronSchedule' | 'firstWorkflowTaskBackoffMs' | 'initiator'>

/** Of a first run, filled in. Undefined when nothing was asked for. */
export function chainAttributes(asked: ChainRequest, nowMs: number): ChainAttributes | undefined {
  const { workflowStartDelayMs = 0 } = asked
  const cronSchedule = asked.cronSchedule || undefined
  if (asked.retryPolicy === undefined && cronSchedule === undefined && workflowStartDelayMs === 0) return undefined
  const retryPolicy = asked.retryPolicy && filledPolicy(asked.retryPolicy)
  const problem = retryPolicy && policyProblem(retryPolicy)
  if (problem !== undefined) throw new LoomError('LOOM_INVALID_ARGUMENT', problem)
  if (cronSchedule === undefined) {
    return {
      retryPolicy,
      cronSchedule,
      firstWorkflowTaskBackoffMs: workflowStartDelayMs || undefined,
      initiator: undefined,
    }
  }
  const message = 'CronSchedule and WorkflowStartDelay may not be used together.'
  if (workflowStartDelayMs > 0) throw new LoomError('LOOM_INVALID_ARGUMENT', message)
  const firstWorkflowTaskBackoffMs = cronWaitMs(cronSchedule, nowMs, nowMs)
  if (firstWorkflowTaskBackoffMs === undefined) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', `invalid CronSchedule: '${cronSchedule.slice(0, 100)}'`)
  }
  return { retryPolicy, cronSchedule, firstWorkflowTaskBackoffMs, initiator: 'CronSchedule' }
}
