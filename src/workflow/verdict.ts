/** Why code cannot go on, in words: each problem says what was seen and what to do about it. */
import type { Command } from '../protocol/command.js'
import type { HistoryEvent } from '../protocol/event.js'
import { BUILT_IN, type DataConverter } from './data-converter.js'
import { failureOf } from './failure-codec.js'
import { ApplicationFailure } from './failures.js'
import type { Problem } from './host.js'
import { patchIn } from './patches.js'
import { CodecFailure } from './payload-codec.js'

/** The function, or one of its branches, threw what is no Failure. */
export function mistake(error: unknown, converter: DataConverter): Problem {
  const failure = failureOf(error, converter)
  return {
    cause: 'WorkflowWorkerUnhandledFailure',
    failure,
    hint:
      `An error that is no Failure left the workflow function${placeOf(error)}. Mend the code: the execution goes on ` +
      'from here. To fail the execution with it, throw an ApplicationFailure or name its class in failOn.',
  }
}

/** The history from which the code would be brought back cannot be read. */
export function damaged(error: unknown): Problem {
  return {
    cause: 'WorkflowWorkerUnhandledFailure',
    failure: failureOf(error, BUILT_IN),
    hint: 'The history of this execution is damaged, so its code cannot go on. Terminate it, or open a copy of the store.',
  }
}

/** A payload cannot be read, or not be written; undefined: it is another error. What the codec says is in clear: it knows what may be told. */
export function unreadable(error: unknown): Problem | undefined {
  if (!(error instanceof CodecFailure)) return undefined
  const stopped = problem(
    error.name,
    error.message,
    'Nothing is wrong with the code, and nothing is lost. Open the loom with the data converter (codecs, keys, converters) that ' +
      'this execution was written with: it goes on from here.',
  )
  return { ...stopped, unreadable: error }
}

export function foreignAwait(workflowId: string): Problem {
  return problem(
    'ForeignAwait',
    `${workflowId} is not finished and waits for nothing of ctx`,
    'The code awaits something that no history holds: I/O, a timer of Node, a first import(), or a promise that nothing ' +
      'settles. Do I/O in an activity or ctx.step, wait by ctx.sleep, import statically.',
  )
}

export function outsideActivation(what: string, workflowId: string): Problem {
  return problem(
    'OutsideActivation',
    `${what} while nothing was being delivered to ${workflowId}`,
    'That code was resumed by something that is not ctx (I/O, a timer of Node, an event), or it runs in a step or an ' +
      'activity. Do I/O in an activity or ctx.step, and use ctx only in the workflow function itself.',
  )
}

export function unhandledRejection(reason: unknown, converter: DataConverter): Problem {
  const { message } = failureOf(reason, BUILT_IN)
  const type = 'UnhandledRejection'
  const error = new ApplicationFailure(`a promise was rejected and nothing handles it: ${message}`, {
    type,
    cause: reason,
  })
  error.stack = ''
  return {
    cause: 'WorkflowWorkerUnhandledFailure',
    failure: failureOf(error, converter),
    hint: `Thrown${placeOf(reason)}. Await every branch, or say that its failure does not matter: branch().catch(() => {}).`,
  }
}

/** Where it was thrown: ` at charge (order.ts:12:9)`, as far as its stack tells. */
function placeOf(thrown: unknown): string {
  const { stackTrace } = failureOf(thrown, BUILT_IN)
  const frame = stackTrace === undefined ? null : /^ {4}(at .{1,300})$/m.exec(stackTrace)
  return frame === null ? '' : ` ${frame[1]}`
}

export function restless(workflowId: string, windows: number): Problem {
  return problem(
    'Restless',
    `conditions of ${workflowId} woke ${windows} times in a row though nothing happened`,
    'A loop waits for a condition that is always true. Wait for something that changes.',
  )
}

export function askedInVain(workflowId: string, times: number): Problem {
  return problem(
    'Restless',
    `code of ${workflowId} asked a cancelled ctx for something ${times} times in a row`,
    'A loop goes on though all that it asks for is refused. Let the CancelledFailure out of the loop; do what must be done ' +
      'after a cancel in ctx.shield.',
  )
}

export function lateUndo(workflowId: string): Problem {
  return problem(
    'LateUndo',
    `a saga of ${workflowId} was given something to undo after it had ended`,
    'A branch that the saga did not wait for went on: its compensation would never be run. Await every branch in the ' +
      "saga's function.",
  )
}

/** `event` is the recorded one, `command` what the code asked for instead; one of them may be missing. */
export function nonDeterminism(
  event: HistoryEvent | undefined,
  command: Command | undefined,
  eventId: number,
): Problem {
  const recorded = event === undefined ? 'nothing more' : eventText(event)
  const asked = command === undefined ? 'nothing more' : commandText(command)
  return {
    cause: 'NonDeterministicError',
    eventId,
    difference: { recorded, asked },
    failure: {
      type: 'application',
      applicationType: 'NonDeterminism',
      message: `event ${eventId}: history has ${recorded}, but the code asked for ${asked}`,
    },
    hint:
      'The code takes another path than it took then. Either it was changed in what it does, or it depends on something ' +
      'that no history holds (the clock, chance, the environment, variables of a module): bring back the old order of ' +
      'ctx calls, or use ctx.now, ctx.random and activities.',
  }
}

function problem(applicationType: string, message: string, hint: string): Problem {
  return { cause: 'WorkflowWorkerUnhandledFailure', failure: { type: 'application', applicationType, message }, hint }
}

/** An event in a few words. */
export function eventText(event: HistoryEvent): string {
  switch (event.eventType) {
    case 'ActivityTaskScheduled':
      return `ActivityTaskScheduled '${event.attributes.activityType}' (id ${event.attributes.activityId})`
    case 'TimerStarted':
      return `TimerStarted (id ${event.attributes.timerId}, ${event.attributes.startToFireTimeoutMs} ms)`
    case 'TimerCanceled':
      return `TimerCanceled (id ${event.attributes.timerId})`
    case 'ActivityTaskCancelRequested':
      return `ActivityTaskCancelRequested (of event ${event.attributes.scheduledEventId})`
    case 'MarkerRecorded': {
      const patch = patchIn(event.attributes)
      return patch === undefined ? `the marker '${event.attributes.markerName}'` : `the patch '${patch.id}'`
    }
    default:
      return event.eventType
  }
}

function commandText(command: Command): string {
  switch (command.type) {
    case 'ScheduleActivityTask':
      return `ScheduleActivityTask '${command.activityType}' (id ${command.activityId})`
    case 'StartTimer':
      return `StartTimer (id ${command.timerId}, ${command.startToFireTimeoutMs} ms)`
    case 'CancelTimer':
      return `CancelTimer (id ${command.timerId})`
    case 'RequestCancelActivityTask':
      return `RequestCancelActivityTask (of event ${command.scheduledEventId})`
    case 'RecordMarker':
      return `the patch ${JSON.stringify(patchIn(command)?.id)}`
    default:
      return command.type
  }
}
