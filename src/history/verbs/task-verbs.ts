/** What a worker that polls answers: the plain-data verbs. Each checks its token against the state before it changes anything. */
import { isLoomError, type LoomError } from '../../base/errors.js'
import { OversizedCommandError } from '../../machine/errors.js'
import type { LiveTurn } from '../../machine/machine.js'
import { completeWorkflowTask } from '../../machine/workflow-task-answer.js'
import { failWorkflowTask } from '../../machine/workflow-task.js'
import { failureBytes, keptFailure } from '../../machine/weights.js'
import { setSticky } from '../../machine/sticky.js'
import { startWorkflowTask } from '../../machine/workflow-task-start.js'
import type { WorkflowTaskProgress } from '../../machine/transition.js'
import type { Command } from '../../protocol/command.js'
import type { ExecutionTarget } from '../../protocol/ids.js'
import type {
  RespondWorkflowTaskCompletedRequest,
  RespondWorkflowTaskFailedRequest,
  WorkflowTask,
} from '../../protocol/worker-tasks.js'
import type { Settings } from '../../protocol/settings.js'
import type { HistoryContext } from '../context.js'
import type { Dispatcher } from '../dispatcher.js'
import { checkCommandsFit } from '../limits.js'
import { find } from './find.js'

export async function respondWorkflowTaskCompleted(
  context: HistoryContext,
  dispatcher: Dispatcher,
  request: RespondWorkflowTaskCompletedRequest,
  newRequestId: () => string,
): Promise<{ readonly newTask: WorkflowTask | undefined }> {
  const { settings } = context
  const { bytes, tooBig } = weighed(request.commands, settings, request.token.workflowId)
  const execution = await find(context, request.token)
  const { sizeBytes } = execution
  const { problem, held } = await execution.transact((turn) => {
    const { token, commands, identity, sdk, forceCreateNewWorkflowTask, stickyAttributes } = request
    const problem = completeWorkflowTask(turn, {
      token,
      commands,
      identity,
      sdk,
      forceCreateNewWorkflowTask,
      stickyAttributes,
      historySizeBytes: sizeBytes,
      tooBig,
    })
    const held = request.returnNewWorkflowTask ? takeNext(turn, identity, newRequestId(), sizeBytes) : undefined
    return { problem, held }
  }, bytes)
  if (problem !== undefined) throw problem
  context.remoteQueries.taskCompleted(execution, request.queryResults)
  const isDelta = request.stickyAttributes !== undefined
  return { newTask: held === undefined ? undefined : await dispatcher.workflowTask(execution, held, isDelta) }
}

/** Nothing is refused before the token is looked at: an answer that comes too late does no harm. */
function weighed(
  commands: readonly Command[],
  settings: Settings,
  workflowId: string,
): { readonly bytes: number; readonly tooBig?: LoomError } {
  try {
    return { bytes: checkCommandsFit(commands, settings, workflowId) }
  } catch (error) {
    if (error instanceof OversizedCommandError || isLoomError(error, 'LOOM_INVALID_ARGUMENT'))
      return { bytes: 0, tooBig: error }
    throw error
  }
}

/** The task that this answer made is started at once, for the one who answered. */
function takeNext(
  turn: LiveTurn,
  identity: string,
  requestId: string,
  historySizeBytes: number,
): WorkflowTaskProgress | undefined {
  const task = turn.takeWorkflowTask()
  if (task === undefined) return undefined
  return startWorkflowTask(turn, { scheduledEventId: task.scheduledEventId, identity, requestId, historySizeBytes })
}

export async function resetStickyTaskQueue(context: HistoryContext, target: ExecutionTarget): Promise<void> {
  const execution = await find(context, target)
  await execution.transact((turn) => setSticky(turn, undefined))
}

export async function respondWorkflowTaskFailed(
  context: HistoryContext,
  request: RespondWorkflowTaskFailedRequest,
): Promise<void> {
  const { token, cause, identity } = request
  // Of one that is too big what matters most is recorded: the task is over all the same.
  const failure = keptFailure(request.failure)
  const execution = await find(context, token)
  await execution.transact((turn) => failWorkflowTask(turn, { token, cause, failure, identity }), failureBytes(failure))
}
