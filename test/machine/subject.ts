/**
 * One execution under test, driven by turns. After every turn its history must rebuild what is recorded, and the changes
 * it wrote down, carried over as plain data, must make the same progress.
 */
import { expect } from 'vitest'
import type { LoomError } from '../../src/base/errors.js'
import { startActivity } from '../../src/machine/activity-attempt.js'
import { completeActivity } from '../../src/machine/activity-end.js'
import { requestCancelExecution } from '../../src/machine/cancel-request.js'
import { startExecution } from '../../src/machine/lifecycle.js'
import { completeLocalWorkflowTask, failLocalWorkflowTask } from '../../src/machine/local-workflow-task.js'
import { applyProgress, type LiveTurn, rebuild, takeTurn } from '../../src/machine/machine.js'
import { signalExecution } from '../../src/machine/signal.js'
import { ExecutionState } from '../../src/machine/state.js'
import type { TurnRules } from '../../src/machine/turn.js'
import {
  bufferedEventBytes,
  pendingActivityBytes,
  pendingTimerBytes,
  progressBytes,
  requestIdBytes,
} from '../../src/machine/weights.js'
import { DEFAULT_SETTINGS } from '../../src/protocol/settings.js'
import type { Stall } from '../../src/machine/transition.js'
import type { WorkflowTaskId } from '../../src/machine/workflow-task.js'
import { completeWorkflowTask } from '../../src/machine/workflow-task-answer.js'
import { startWorkflowTask } from '../../src/machine/workflow-task-start.js'
import type { Command, ScheduleActivityTaskCommand } from '../../src/protocol/command.js'
import { JSON_PLAIN } from '../../src/protocol/payload.js'
import type { EventAttributes, EventOf, EventType, HistoryEvent } from '../../src/protocol/event.js'

import type { StickyAttributes } from '../../src/protocol/worker-tasks.js'

type Started = EventAttributes['WorkflowExecutionStarted']

/** Of a host with the usual settings, which knows every search attribute. */
export const RULES: TurnRules = { ...DEFAULT_SETTINGS, searchAttributeProblem: () => undefined }

export class Subject {
  readonly state: ExecutionState
  readonly history: HistoryEvent[] = []
  /** Progress as the rows would have it. */
  readonly #rows = new ExecutionState()
  nowMs = 0
  rules: TurnRules = RULES
  /** The last turn that was kept. */
  lastTurn: LiveTurn | undefined

  constructor(state: ExecutionState = new ExecutionState()) {
    this.state = state
  }

  turn(act: (turn: LiveTurn) => void): LiveTurn {
    const turn = takeTurn(this.state, this.nowMs, act, { newRunId: () => 'next-run', rules: this.rules })
    this.lastTurn = turn
    this.history.push(...turn.events)
    for (const change of turn.changes) applyProgress(this.#rows, structuredClone(change))
    expect(recordedOf(rebuild(this.history))).toEqual(recordedOf(this.state))
    expect(progressOf(this.#rows)).toEqual(progressOf(this.state))
    expect(this.state.heldBytes).toBe(weighed(this.state))
    return turn
  }

  get types(): EventType[] {
    return this.history.map((event) => event.eventType)
  }

  /** The last event, which has to be of that type. */
  last<T extends EventType>(eventType: T): EventOf<T> {
    const event = this.history.at(-1)
    expect(event?.eventType).toBe(eventType)
    return event as unknown as EventOf<T>
  }

  start(attributes: Partial<Started> = {}): LiveTurn {
    return this.turn((turn) => startExecution(turn, { ...STARTED, ...attributes }))
  }

  signal(signalName: string, requestId = ''): LiveTurn {
    return this.turn((turn) => signalExecution(turn, { signalName, input: undefined, identity: 'client', requestId }))
  }

  requestCancel(reason = '', firstExecutionRunId?: string): LiveTurn {
    const request = { reason, identity: 'client', requestId: 'cancel', firstExecutionRunId }
    return this.turn((turn) => requestCancelExecution(turn, request))
  }

  /** A worker polls and takes the workflow task. */
  poll(requestId = 'poll'): WorkflowTaskId {
    const { workflowTaskProgress, workflowTask } = this.state
    const scheduledEventId = (workflowTaskProgress ?? workflowTask)!.scheduledEventId
    let id: WorkflowTaskId | undefined
    this.turn((turn) => {
      id = startWorkflowTask(turn, { scheduledEventId, identity: 'worker', requestId, historySizeBytes: 100 })
    })
    expect(id).toBeDefined()
    return id!
  }

  /** It answers. Returns what it is told: undefined when all is well. */
  answer(
    token: WorkflowTaskId,
    commands: readonly Command[] = [],
    forceCreateNewWorkflowTask = false,
    stickyAttributes?: StickyAttributes,
    tooBig?: LoomError,
  ): string | undefined {
    let error: Error | undefined
    this.turn((turn) => {
      const answer = {
        token,
        commands,
        identity: 'worker',
        sdk: 'sdk',
        historySizeBytes: 100,
        forceCreateNewWorkflowTask,
        tooBig,
        stickyAttributes,
      }
      error = completeWorkflowTask(turn, answer)
    })
    return error?.message
  }

  /** A worker of this host has run the workflow's code. Returns the types of the events of the commands. */
  run(...commands: Command[]): EventType[] {
    let first = 0
    const turn = this.turn((turn) => {
      const run = { beginTimeMs: this.nowMs, identity: 'host', sdk: 'sdk', historySizeBytes: 100 }
      first = completeLocalWorkflowTask(turn, { ...run, commands })
    })
    return turn.events.slice(first, first + commands.length).map((event) => event.eventType)
  }

  /** The code threw. */
  stall(message: string): LiveTurn {
    const stall: Stall = {
      eventId: this.state.nextEventId,
      reason: 'WorkflowWorkerUnhandledFailure',
      message,
      hint: 'mend it',
      fingerprint: 'f1',
      sinceMs: this.nowMs,
      retryAtMs: this.nowMs + 600_000,
    }
    return this.turn((turn) =>
      failLocalWorkflowTask(turn, {
        beginTimeMs: this.nowMs,
        cause: 'WorkflowWorkerUnhandledFailure',
        failure: { type: 'application', message },
        identity: 'host',
        historySizeBytes: 100,
        stall,
      }),
    )
  }

  /** A worker takes the current attempt. */
  take(scheduledEventId: number, incarnation = ''): boolean {
    const { attempt, stamp } = this.attempt(scheduledEventId)
    let isTaken = false
    this.turn((turn) => {
      const taking = { attempt, stamp, identity: 'worker', requestId: 'take', incarnation }
      isTaken = startActivity(turn, scheduledEventId, taking)
    })
    return isTaken
  }

  /** And it comes to a good end. */
  completed(scheduledEventId: number): LiveTurn {
    const id = this.attempt(scheduledEventId)
    return this.turn((turn) => completeActivity(turn, id, { result: undefined, identity: 'worker' }))
  }

  /** The current attempt, as tokens have it. */
  attempt(scheduledEventId: number): { scheduledEventId: number; attempt: number; stamp: number } {
    const progress = this.state.activityProgress?.get(scheduledEventId)
    return { scheduledEventId, attempt: progress?.attempt ?? 1, stamp: progress?.stamp ?? 0 }
  }
}

export const STARTED: Started = {
  workflowType: 'wf',
  workflowId: 'w1',
  taskQueue: 'tq',
  input: undefined,
  workflowExecutionTimeoutMs: 0,
  workflowRunTimeoutMs: 0,
  workflowTaskTimeoutMs: 0,
  originalExecutionRunId: 'run1',
  firstExecutionRunId: 'run1',
  attempt: 1,
  identity: 'client',
  requestId: 'start',
  replayRules: 1,
}

export const COMPLETE: Command = { type: 'CompleteWorkflowExecution' }

export const CANCEL: Command = { type: 'CancelWorkflowExecution' }

export function schedule(
  activityId: string,
  options: Partial<ScheduleActivityTaskCommand> = { startToCloseTimeoutMs: 10_000 },
): ScheduleActivityTaskCommand {
  return { type: 'ScheduleActivityTask', activityId, activityType: 'act', ...options }
}

export function timer(timerId: string, startToFireTimeoutMs: number): Command {
  return { type: 'StartTimer', timerId, startToFireTimeoutMs }
}

export function cancelTimer(timerId: string): Command {
  return { type: 'CancelTimer', timerId }
}

export function marker(markerName: string): Command {
  return { type: 'RecordMarker', markerName, details: undefined }
}

export function upsertMemo(key: string, text: string): Command {
  return {
    type: 'ModifyWorkflowProperties',
    upsertedMemo: { [key]: { metadata: JSON_PLAIN, data: new Uint8Array(Buffer.from(text)) } },
  }
}

export function upsertAttribute(name: string, text: string): Command {
  const payload = { metadata: JSON_PLAIN, data: new Uint8Array(Buffer.from(text)) }
  return { type: 'UpsertWorkflowSearchAttributes', searchAttributes: { [name]: payload } }
}

export function cancel(scheduledEventId: number): Command {
  return { type: 'RequestCancelActivityTask', scheduledEventId }
}

/** What history amounts to, without the order of maps and whether an empty one was made. */
export function recordedOf(state: ExecutionState): object {
  const { status, nextEventId, lastEventTimeMs, started, closed, workflowTask } = state
  const { previousStartedEventId, completedWorkflowTasks, activities, activityIds, timers, signalRequestIds } = state
  const { cancelRequestedEventId, firstTaskDueAtMs, memo, searchAttributes, signalCount, pendingBytes } = state
  return {
    ...{ status, nextEventId, lastEventTimeMs, started, closed, workflowTask },
    ...{ previousStartedEventId, completedWorkflowTasks, cancelRequestedEventId, firstTaskDueAtMs },
    ...{ memo, searchAttributes, signalCount, pendingBytes },
    activities: new Map(activities),
    activityIds: new Map(activityIds),
    timers: new Map(timers),
    signalRequestIds: signalRequestIds ?? new Set(),
  }
}

export function progressOf(state: ExecutionState): object {
  const { activityProgress, workflowTaskProgress, buffered, stall, progressBytes, bufferedBytes } = state
  const rows = { activityProgress: new Map(activityProgress), workflowTaskProgress, buffered, stall }
  return { ...rows, progressBytes, bufferedBytes }
}

/** Of an execution that has ended. */
export const NO_PROGRESS: object = progressOf(new ExecutionState())

/** What `heldBytes` says, counted from what is there. */
function weighed({ activities, timers, signalRequestIds, activityProgress, buffered }: ExecutionState): number {
  return [
    ...[...(activities?.values() ?? [])].map(({ attributes }) => pendingActivityBytes(attributes)),
    ...[...(timers?.keys() ?? [])].map(pendingTimerBytes),
    ...[...(signalRequestIds ?? [])].map(requestIdBytes),
    ...[...(activityProgress?.values() ?? [])].map(progressBytes),
    ...(buffered ?? []).map(bufferedEventBytes),
  ].reduce((sum, bytes) => sum + bytes, 0)
}
