/**
 * Start: one run more of a workflow id, or the one that is there already, as the policies and the request id say.
 *
 * A start must know that its id is free. The filter of open ids spares the read only for a request id that nobody can have
 * sent before.
 */
import { isLoomError, LoomError } from '../../base/errors.js'
import { uuidKey } from '../../base/uuid.js'
import { startExecution, terminateExecution } from '../../machine/lifecycle.js'
import { chainAttributes } from '../../machine/next-run.js'
import { ExecutionState } from '../../machine/state.js'
import type { EventAttributes } from '../../protocol/event.js'
import { headerBytes, JSON_PLAIN } from '../../protocol/payload.js'
import type {
  SignalWithStartWorkflowRequest,
  StartWorkflowRequest,
  StartWorkflowResponse,
  WorkflowIdConflictPolicy,
} from '../../protocol/start-requests.js'
import { ringHash } from '../../shard/ring.js'
import { RunClosed } from '../closed-slot.js'
import type { HistoryContext } from '../context.js'
import { attributesProblem, memoProblem } from '../../machine/properties.js'
import { namedBytes, payloadsBytes } from '../../machine/weights.js'
import { checkNamed, checkPayloads } from '../limits.js'
import { AlreadyStartedError } from '../errors.js'
import { Execution } from '../execution.js'
import { namespaceKey } from '../rows.js'
import type { CurrentRun } from '../rows.js'
import { signalRun } from './signal-workflow.js'

const REPLAY_RULES = 1
/** How often a start that met a run on its way in or out looks again. */
const MAX_LOOKS = 10

/** A start, and what the execution is to be signalled, whether it is started or open. */
interface Start extends StartWorkflowRequest {
  readonly signal?: EventAttributes['WorkflowExecutionSignaled']
}

export function startWorkflow(context: HistoryContext, request: Start): Promise<StartWorkflowResponse> {
  checkPolicies(request)
  // Refused here; what holds is worked out when the run begins.
  chainAttributes(request, context.clock.nowMs())
  checkBrought(request, context)
  const hash = ringHash(request.namespaceId, request.workflowId)
  return isSurelyFree(context, request, hash)
    ? create(context, request, hash)
    : lookUntilStarted(context, request, hash)
}

export function signalWithStartWorkflow(
  context: HistoryContext,
  request: SignalWithStartWorkflowRequest,
): Promise<StartWorkflowResponse> {
  const { signalName, signalInput, identity, requestId, header } = request
  return startWorkflow(context, { ...request, signal: { signalName, input: signalInput, identity, requestId, header } })
}

/** No run of the id is open, and no closed one matters: the common start makes no read and no promise more than it must. */
function isSurelyFree(context: HistoryContext, request: Start, hash: number): boolean {
  if (!request.isFreshRequestId || !looksAtOpenRunsOnly(request)) return false
  if (context.cache.current(request.namespaceId, request.workflowId) !== undefined) return false
  return context.openIds.isSurelyNotOpen(hash, request.workflowId.length)
}

async function lookUntilStarted(context: HistoryContext, request: Start, hash: number): Promise<StartWorkflowResponse> {
  for (let look = 0; look < MAX_LOOKS; look++) {
    const answer = await lookAndStart(context, request, hash)
    if (answer !== undefined) return answer
  }
  throw new LoomError('LOOM_EXHAUSTED', `${request.workflowId}: its runs come and go faster than this start can look`)
}

/** Undefined: something was on its way in or out; look again. */
function lookAndStart(
  context: HistoryContext,
  request: Start,
  hash: number,
): Promise<StartWorkflowResponse | undefined> {
  const current = context.cache.current(request.namespaceId, request.workflowId)
  if (current !== undefined) return meetCached(context, request, hash, current)
  const isFresh = request.isFreshRequestId && looksAtOpenRunsOnly(request)
  if (isFresh && context.openIds.isSurelyNotOpen(hash, request.workflowId.length)) return create(context, request, hash)
  return readAndStart(context, request, hash)
}

async function readAndStart(
  context: HistoryContext,
  request: Start,
  hash: number,
): Promise<StartWorkflowResponse | undefined> {
  const { namespaceId, workflowId } = request
  const row = await context.readCurrentRun(namespaceId, workflowId, hash)
  // Another start may have come in while this one read.
  if (context.cache.current(namespaceId, workflowId) !== undefined) return undefined
  if (row === undefined) return create(context, request, hash)
  if (row.requestId === request.requestId)
    return { runId: row.runId, started: true, closed: slotOfRun(context, request, hash, row) }
  if (row.status !== 'Running') {
    checkReuse(request, row)
    return create(context, request, hash)
  }
  const runKey = uuidKey(row.runId)
  return meetOpen(
    context,
    request,
    hash,
    await context.findRun({ namespaceId, workflowId, runId: row.runId, runKey }, hash),
  )
}

async function meetCached(
  context: HistoryContext,
  request: Start,
  hash: number,
  current: Execution,
): Promise<StartWorkflowResponse | undefined> {
  if (current.isOpen) return meetOpen(context, request, hash, current)
  const { started, status } = current.state
  const { requestId } = started!.attributes
  // Taken before the wait: the close is told to the slots that are there when it is durable.
  const closed = context.waiters.slotOf(current)
  // Its close is on its way to the medium: what this start says of it holds only when that is durable.
  await durable(current)
  if (requestId === request.requestId) return { runId: current.runId, started: true, closed }
  checkReuse(request, { runId: current.runId, status, requestId, startTimeMs: started!.eventTimeMs })
  return undefined
}

async function meetOpen(
  context: HistoryContext,
  request: Start,
  hash: number,
  open: Execution,
): Promise<StartWorkflowResponse | undefined> {
  const { requestId } = open.state.started!.attributes
  const slot = context.waiters.slotOf(open)
  if (request.signal !== undefined && conflictPolicy(request) !== 'TerminateExisting') {
    const isSignaled = await signalOpen(context, open, request.signal)
    return isSignaled ? { runId: open.runId, started: requestId === request.requestId, closed: slot } : undefined
  }
  if (requestId === request.requestId) {
    await durable(open)
    return { runId: open.runId, started: true, closed: slot }
  }
  const policy = conflictPolicy(request)
  if (policy === 'TerminateExisting') return await replaceOpen(context, request, hash, open)
  // An answer drawn from staged state waits for it.
  await durable(open)
  if (!open.isOpen) return undefined
  if (policy === 'UseExisting') return { runId: open.runId, started: false, closed: slot }
  throw new AlreadyStartedError(request.workflowId, open.runId, requestId)
}

/** False: it has closed meanwhile. */
async function signalOpen(
  context: HistoryContext,
  open: Execution,
  signal: NonNullable<Start['signal']>,
): Promise<boolean> {
  try {
    await signalRun(context, open, signal, payloadsBytes(signal.input) + headerBytes(signal.header))
    return true
  } catch (error) {
    if (isLoomError(error, 'LOOM_EXECUTION_CLOSED')) return false
    throw error
  }
}

/** An answer drawn from a run waits for all of it, also for what its open workflow task has not staged yet. */
function durable(execution: Execution): Promise<void> {
  return execution.transact(() => {})
}

/** Terminated and started in one commit: both are of one shard, and staged in one turn of the event loop. */
async function replaceOpen(
  context: HistoryContext,
  request: Start,
  hash: number,
  open: Execution,
): Promise<StartWorkflowResponse | undefined> {
  const { text: runId, key } = context.runIds.next(context.clock.nowMs())
  let answer: Promise<StartWorkflowResponse> | undefined
  const details = [{ metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify(`terminated by new runID: ${runId}`)) }]
  const terminated = await open.transactWith(
    (turn) => {
      if (!open.isOpen) return false
      terminateExecution(turn, {
        reason: 'TerminateIfRunning WorkflowIdReusePolicy',
        details,
        identity: request.identity,
      })
      return true
    },
    () => {
      answer = begin(context, request, hash, { runId, runKey: key }, true)
      // One commit has both: when it fails, the caller is told of the terminate, and nobody waits for this.
      answer.catch(() => {})
    },
    bytesOf(request),
  )
  return terminated ? await answer : undefined
}

function create(context: HistoryContext, request: Start, hash: number): Promise<StartWorkflowResponse> {
  const { text, key } = context.runIds.next(context.clock.nowMs())
  return begin(context, request, hash, { runId: text, runKey: key }, false)
}

function begin(
  context: HistoryContext,
  request: Start,
  hash: number,
  run: { readonly runId: string; readonly runKey: string },
  isAlongside: boolean,
): Promise<StartWorkflowResponse> {
  const { namespaceId, workflowId } = request
  const ref = { namespaceId, namespaceKey: namespaceKey(namespaceId), workflowId, ...run, hash }
  const execution = new Execution(context.host, context.shardOfHash(hash), ref, new ExecutionState())
  const closed = (execution.closedSlot = new RunClosed())
  const started = execution.begin(
    (turn) =>
      startExecution(
        turn,
        {
          workflowType: request.workflowType,
          workflowId,
          taskQueue: request.taskQueue,
          input: request.input,
          workflowExecutionTimeoutMs: request.workflowExecutionTimeoutMs,
          workflowRunTimeoutMs: request.workflowRunTimeoutMs,
          workflowTaskTimeoutMs: request.workflowTaskTimeoutMs,
          originalExecutionRunId: run.runId,
          firstExecutionRunId: run.runId,
          attempt: 1,
          identity: request.identity,
          requestId: request.requestId,
          replayRules: REPLAY_RULES,
          memo: request.memo,
          header: request.header,
          searchAttributes: request.searchAttributes,
          ...chainAttributes(request, turn.nowMs),
        },
        request.signal,
      ),
    { runId: run.runId, started: true, closed },
    bytesOf(request),
    isAlongside,
  )
  if (execution.goneBy !== undefined) return started
  context.openIds.add(hash, workflowId.length)
  context.cache.add(execution)
  return started
}

function bytesOf({ input, memo, searchAttributes, header, signal }: Start): number {
  const named = namedBytes(memo) + namedBytes(searchAttributes)
  return payloadsBytes(input) + named + headerBytes(header) + payloadsBytes(signal?.input)
}

/** Each by itself, and all that the first turn brings. */
function checkBrought(request: Start, { settings, host }: HistoryContext): void {
  const { input, memo, searchAttributes, signal } = request
  checkPayloads(input, settings, 'input')
  checkNamed(memo, settings, 'memo')
  checkPayloads(signal?.input, settings, 'signalInput')
  const bytes = bytesOf(request)
  const problem =
    memoProblem(memo, host.rules) ??
    attributesProblem(searchAttributes, host.rules) ??
    (bytes > settings.maxTurnBytes
      ? `input, memo, search attributes and signalInput: ${bytes} bytes together; at most ${settings.maxTurnBytes} are allowed`
      : undefined)
  if (problem !== undefined) throw new LoomError('LOOM_INVALID_ARGUMENT', problem)
}

// ---- policies

function checkPolicies({ workflowIdReusePolicy, workflowIdConflictPolicy, signal }: Start): void {
  if (workflowIdConflictPolicy === undefined) return
  if (workflowIdConflictPolicy === 'Fail' && signal !== undefined) {
    throw new LoomError('LOOM_INVALID_ARGUMENT', 'workflowIdConflictPolicy: Fail makes no sense with a signal')
  }
  if (workflowIdReusePolicy === 'TerminateIfRunning') {
    throw new LoomError(
      'LOOM_INVALID_ARGUMENT',
      'workflowIdConflictPolicy: not together with workflowIdReusePolicy TerminateIfRunning',
    )
  }
  if (workflowIdConflictPolicy === 'TerminateExisting' && workflowIdReusePolicy === 'RejectDuplicate') {
    throw new LoomError(
      'LOOM_INVALID_ARGUMENT',
      'workflowIdConflictPolicy: TerminateExisting contradicts workflowIdReusePolicy RejectDuplicate',
    )
  }
}

function conflictPolicy(request: Start): WorkflowIdConflictPolicy {
  if (request.workflowIdReusePolicy === 'TerminateIfRunning') return 'TerminateExisting'
  return request.workflowIdConflictPolicy ?? (request.signal === undefined ? 'Fail' : 'UseExisting')
}

function looksAtOpenRunsOnly({ workflowIdReusePolicy }: Start): boolean {
  return workflowIdReusePolicy === 'AllowDuplicate' || workflowIdReusePolicy === 'TerminateIfRunning'
}

/** May the id of a closed run be used again? */
function checkReuse(request: Start, closed: CurrentRun): void {
  const { workflowIdReusePolicy: policy, workflowId } = request
  const isRefused =
    policy === 'RejectDuplicate' || (policy === 'AllowDuplicateFailedOnly' && closed.status === 'Completed')
  if (isRefused) throw new AlreadyStartedError(workflowId, closed.runId, closed.requestId, closed.status)
}

/** Of a run that may be in memory or not. */
function slotOfRun(
  context: HistoryContext,
  request: Start,
  hash: number,
  { runId }: CurrentRun,
): StartWorkflowResponse['closed'] {
  const { namespaceId, workflowId } = request
  const ref = { namespaceId, workflowId, runId, runKey: uuidKey(runId) }
  return { wait: async () => await context.runClosed(await context.findRun(ref, hash)) }
}
