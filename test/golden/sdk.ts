/**
 * Scenarios that an SDK drove: for those, a program of ours in sdk/ does what `program` and `steps` say, with workflow
 * code on a local worker. One without a program is skipped as `sdk`.
 */
import type { Definition } from '../../src/workflow/definition.js'
import type { ExecutionTarget } from '../../src/protocol/ids.js'
import type { HistoryService } from '../../src/protocol/services.js'
import type { VirtualClock } from '../../src/testing/virtual-clock.js'
import type { PlayedRun } from './normalise.js'
import type { System } from './play.js'
import { advanceThrough, answered, nextRunOf, readRun } from './reading.js'
import type { Scenario } from './scenario.js'
import type { SdkProgram } from './sdk/program.js'
import { activityTryCancel } from './sdk/sdk-activity-try-cancel.js'
import { activityWaitCancel } from './sdk/sdk-activity-wait-cancel.js'
import { applicationFailure } from './sdk/sdk-application-failure.js'
import { cancelHandled } from './sdk/sdk-cancel-handled.js'
import { conditionMet } from './sdk/sdk-condition-met.js'
import { conditionTimeout } from './sdk/sdk-condition-timeout.js'
import { continueAsNewMemo } from './sdk/sdk-continue-as-new-memo.js'
import { deprecatePatch } from './sdk/sdk-deprecate-patch.js'
import { fireAndForget } from './sdk/sdk-fire-and-forget-activity.js'
import { patched } from './sdk/sdk-patched.js'
import { scopeTimeout } from './sdk/sdk-scope-timeout.js'
import { sleepZero } from './sdk/sdk-sleep-zero.js'
import { encodePayload, encodePayloadMap } from './words.js'

/** Opens a system whose worker has these definitions, on this task queue. */
export type OpenSystemWithCode = (
  clock: VirtualClock,
  taskQueue: string,
  definitions: readonly Definition[],
) => Promise<System>

const TASK_QUEUE = 'sdk-tq'
/** Longer than anything that a recorded program waits for to its end. */
const LONGEST_RUN_MS = 30_000

/** By the scenario's name. */
export const SDK_PROGRAMS: ReadonlyMap<string, SdkProgram> = new Map(
  Object.entries({
    'sdk-activity-try-cancel': activityTryCancel,
    'sdk-activity-wait-cancel': activityWaitCancel,
    'sdk-application-failure': applicationFailure,
    'sdk-cancel-handled': cancelHandled,
    'sdk-condition-met': conditionMet,
    'sdk-condition-timeout': conditionTimeout,
    'sdk-continue-as-new-memo': continueAsNewMemo,
    'sdk-deprecate-patch': deprecatePatch,
    'sdk-fire-and-forget-activity': fireAndForget,
    'sdk-patched': patched,
    'sdk-scope-timeout': scopeTimeout,
    'sdk-sleep-zero': sleepZero,
  }),
)

export async function runProgram(
  { name }: Scenario,
  { main, input, memo, others = [], signals = [], isCancelled = false }: SdkProgram,
  open: OpenSystemWithCode,
  clock: VirtualClock,
): Promise<readonly PlayedRun[]> {
  const { history, namespaceId, close } = await open(clock, TASK_QUEUE, [main, ...others])
  const target = { namespaceId, workflowId: name }
  const sender = { identity: 'golden', input: undefined }
  try {
    const start = {
      ...{ ...target, ...sender, workflowType: main.name, taskQueue: TASK_QUEUE },
      ...{ input: input === undefined ? undefined : [encodePayload(input)], memo: memo && encodePayloadMap(memo) },
      ...{ workflowExecutionTimeoutMs: 0, workflowRunTimeoutMs: 0, workflowTaskTimeoutMs: 0 },
      ...{ workflowIdReusePolicy: 'AllowDuplicate' as const, requestId: 'golden-1', isFreshRequestId: true },
    }
    const { runId } = await answered(clock, history.startWorkflow(start))
    for (const signalName of signals) {
      await answered(clock, history.signalWorkflow({ ...target, ...sender, signalName, requestId: '' }))
    }
    if (isCancelled) {
      const request = { ...target, identity: 'golden', reason: '', requestId: '' }
      await answered(clock, history.requestCancelWorkflow(request))
    }
    await advanceThrough(clock, clock.nowMs() + LONGEST_RUN_MS)
    return await readChain(clock, history, { ...target, runId })
  } finally {
    await close()
  }
}

async function readChain(
  clock: VirtualClock,
  history: HistoryService,
  first: ExecutionTarget & { readonly runId: string },
): Promise<readonly PlayedRun[]> {
  const runs: PlayedRun[] = []
  for (let runId: string | undefined = first.runId; runId !== undefined; runId = nextRunOf(runs.at(-1)!))
    runs.push(await readRun(clock, history, { ...first, runId }))
  return runs
}
