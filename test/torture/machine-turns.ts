/**
 * Random turns of the machine, without end: whatever callers, workers and clocks do, in any order, right or wrong. A
 * history must rebuild what is recorded, the changes must make the same progress, and a turn that throws leaves no trace.
 *
 * Seeded numbers and no shrinking, so that a million turns take a minute: test/machine has the property that shrinks.
 */
import { isDeepStrictEqual } from 'node:util'
import { isLoomError } from '../../src/base/errors.js'
import { seededRandom, type Random } from '../../src/base/random.js'
import { activityDue, retryActivity, startActivity } from '../../src/machine/activity-attempt.js'
import {
  cancelActivity,
  completeActivity,
  failActivity,
  loseActivity,
  timeoutActivity,
} from '../../src/machine/activity-end.js'
import { startExecution, terminateExecution } from '../../src/machine/lifecycle.js'
import {
  completeLocalWorkflowTask,
  failLocalWorkflowTask,
  retryStalledWorkflowTask,
} from '../../src/machine/local-workflow-task.js'
import { applyProgress, rebuild, takeTurn, type LiveTurn } from '../../src/machine/machine.js'
import { signalExecution } from '../../src/machine/signal.js'
import { ExecutionState } from '../../src/machine/state.js'
import { fireTimers } from '../../src/machine/timer.js'
import { completeWorkflowTask } from '../../src/machine/workflow-task-answer.js'
import { startWorkflowTask } from '../../src/machine/workflow-task-start.js'
import {
  failWorkflowTask,
  pendingWorkflowTask,
  timeoutWorkflowTask,
  workflowTaskBackoffOver,
} from '../../src/machine/workflow-task.js'
import type { Command } from '../../src/protocol/command.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import { progressOf, recordedOf } from '../crash/recorded.js'

const MAX_TURNS_OF_ONE = 120
const COMPARE_EVERY = 8

/** Returns how many executions lived and died in those turns; throws, naming the seed, when one came out wrong. */
export function runMachineTurns(turns: number, seed: number): { readonly executions: number; readonly closed: number } {
  const random = seededRandom(seed)
  let executions = 0
  let closed = 0
  for (let left = turns; left > 0; executions++) {
    const one = new RandomExecution(random, `SEED=${seed}, execution ${executions}`)
    left -= one.live(Math.min(left, MAX_TURNS_OF_ONE))
    if (one.state.closed !== undefined) closed++
  }
  return { executions, closed }
}

class RandomExecution {
  readonly state: ExecutionState = new ExecutionState()
  readonly #name: string
  readonly #random: Random
  readonly #history: HistoryEvent[] = []
  /** Progress as rows would have it. */
  readonly #rows = new ExecutionState()
  #nowMs = 1_000_000

  constructor(random: Random, name: string) {
    this.#random = random
    this.#name = name
  }

  /** Returns how many turns it took: some more after its close. */
  live(maxTurns: number): number {
    this.#take((turn) => startExecution(turn, STARTED))
    let afterClose = 5
    let turns = 1
    while (turns < maxTurns && (this.state.closed === undefined || afterClose-- > 0)) {
      this.#nowMs += this.#below(2_500) - 500
      this.#take((turn) => this.#act(turn))
      if (++turns % COMPARE_EVERY === 0) this.#compare()
    }
    this.#compare()
    return turns
  }

  #take(act: (turn: LiveTurn) => void): void {
    const { nextEventId } = this.state
    try {
      const turn = takeTurn(this.state, this.#nowMs, act)
      this.#history.push(...turn.events)
      for (const change of turn.changes) applyProgress(this.#rows, structuredClone(change))
    } catch (error) {
      if (!isLoomError(error)) throw new Error(`${this.#name}: a turn threw`, { cause: error })
      if (this.state.nextEventId !== nextEventId) throw new Error(`${this.#name}: a refused turn left events`)
      this.#compare()
    }
  }

  #compare(): void {
    this.#history.forEach(({ eventId }, at) => {
      if (eventId !== at + 1) throw new Error(`${this.#name}: event ${eventId} stands at place ${at + 1}`)
    })
    if (!isDeepStrictEqual(recordedOf(rebuild(this.#history)), recordedOf(this.state)))
      throw new Error(`${this.#name}: its history of ${this.#history.length} events does not rebuild it`)
    if (!isDeepStrictEqual(progressOf(this.#rows), progressOf(this.state)))
      throw new Error(`${this.#name}: its changes do not make its progress`)
  }

  // ---- what happens

  #act(turn: LiveTurn): void {
    const dice = this.#below(100)
    if (dice < 1) return terminateExecution(turn, { reason: 'enough', details: undefined, identity: 'client' })
    if (dice < 12) return void signalExecution(turn, { ...SIGNAL, requestId: this.#below(3) === 0 ? 'r1' : '' })
    if (dice < 52) return this.#actOnActivity(turn)
    if (dice < 60) return void fireTimers(turn, this.#dueTimers())
    this.#actOnWorkflowTask(turn)
  }

  #actOnWorkflowTask(turn: LiveTurn): void {
    const { state } = turn
    const token = state.workflowTaskProgress ?? { scheduledEventId: 2, startedEventId: 3, attempt: 1, stamp: 0 }
    const run = { beginTimeMs: turn.nowMs, identity: 'host', sdk: 'sdk', historySizeBytes: 100 }
    const isTakeable =
      pendingWorkflowTask(state)?.state === 'Scheduled' && state.workflowTaskProgress?.isBackingOff !== true
    switch (this.#below(8)) {
      case 0: {
        const { scheduledEventId } = state.workflowTaskProgress ?? state.workflowTask ?? token
        return void startWorkflowTask(turn, { ...run, scheduledEventId, requestId: `p${this.#below(3)}` })
      }
      case 1: {
        const answer = { ...run, token, commands: this.#commands(), forceCreateNewWorkflowTask: this.#below(9) === 0 }
        return void completeWorkflowTask(turn, answer)
      }
      case 2: {
        const cause = 'WorkflowWorkerUnhandledFailure'
        return failWorkflowTask(turn, { token, cause, failure: undefined, identity: 'worker' })
      }
      case 3:
        return void (timeoutWorkflowTask(turn, token) || workflowTaskBackoffOver(turn, token))
      case 4:
        return void retryStalledWorkflowTask(turn)
      case 5:
        if (isTakeable && this.#below(4) === 0) failLocalWorkflowTask(turn, { ...run, ...STALL })
        return
      default:
        if (isTakeable) completeLocalWorkflowTask(turn, { ...run, commands: this.#commands() })
    }
  }

  #actOnActivity(turn: LiveTurn): void {
    const { activities, activityProgress } = turn.state
    const scheduledEventId = this.#oneOf([...(activities?.keys() ?? [])]) ?? 5
    const info = activities?.get(scheduledEventId)
    const progress = activityProgress?.get(scheduledEventId)
    const id = { scheduledEventId, attempt: progress?.attempt ?? 1, stamp: progress?.stamp ?? 0 }
    const identity = 'worker'
    switch (this.#below(8)) {
      case 0:
        return completeActivity(turn, id, { result: undefined, identity })
      case 1: {
        const failure = { type: 'application', message: 'no', nonRetryable: this.#below(5) === 0 } as const
        return failActivity(turn, id, { failure, identity })
      }
      case 2:
        return cancelActivity(turn, id, { details: undefined, identity })
      case 3:
        return void loseActivity(turn, id)
      case 4: {
        const due = info && activityDue(info, progress)
        return void (retryActivity(turn, id) || timeoutActivity(turn, { ...id, dueAtMs: due?.dueAtMs ?? 0 }))
      }
      default: {
        const incarnation = this.#below(2) === 0 ? 'host1' : ''
        return void startActivity(turn, scheduledEventId, { ...id, identity, requestId: '', incarnation })
      }
    }
  }

  #dueTimers(): { readonly timerId: string; readonly startedEventId: number }[] {
    return [...(this.state.timers?.values() ?? [])].filter(({ fireAtMs }) => fireAtMs <= this.#nowMs)
  }

  #commands(): Command[] {
    const commands = Array.from({ length: this.#below(4) }, () => this.#command())
    return this.#below(20) === 0 ? [...commands, { type: 'CompleteWorkflowExecution' }] : commands
  }

  #command(): Command {
    const { activities, timers } = this.state
    switch (this.#below(7)) {
      case 0:
        return { type: 'CancelTimer', timerId: this.#oneOf([...(timers?.keys() ?? [])]) ?? 't0' }
      case 1: {
        const scheduledEventId = this.#oneOf([...(activities?.keys() ?? [])]) ?? 4
        return { type: 'RequestCancelActivityTask', scheduledEventId }
      }
      case 2:
      case 3:
        return { type: 'StartTimer', timerId: `t${this.#below(40)}`, startToFireTimeoutMs: this.#below(3_000) - 1 }
      default:
        return {
          type: 'ScheduleActivityTask',
          activityId: `a${this.#below(60)}`,
          activityType: 'act',
          startToCloseTimeoutMs: 1_000 * (1 + this.#below(5)),
          scheduleToCloseTimeoutMs: this.#below(3) === 0 ? 6_000 : 0,
          retryPolicy: { maximumAttempts: this.#below(4) },
        }
    }
  }

  #oneOf<T>(all: readonly T[]): T | undefined {
    return all[this.#below(all.length)]
  }

  #below(n: number): number {
    return Math.floor(this.#random.fraction() * n)
  }
}

const SIGNAL = { signalName: 's', input: undefined, identity: 'client' }

const STARTED: Parameters<typeof startExecution>[1] = {
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

const STALL = {
  cause: 'NonDeterministicError',
  failure: { type: 'application', message: 'boom' },
  stall: {
    eventId: 1,
    reason: 'NonDeterministicError',
    message: 'boom',
    hint: 'mend it',
    fingerprint: 'f',
    sinceMs: 0,
    retryAtMs: 600_000,
  },
} as const
