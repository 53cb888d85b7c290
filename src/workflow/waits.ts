/**
 * The waits of an execution that are commands: activities and timers, each known by a number that both its command
 * and its completion carry; and the commands of the open task.
 *
 * Invariant: what has settled or was called off is no longer pending, so a completion that comes late finds nothing.
 * A wait that is called off in the task that began it leaves no command at all, and one whose end is recorded in the task
 * that calls it off is not cancelled: there is nothing left to cancel.
 */
import { FewMap } from '../base/few-map.js'
import type { Command } from '../protocol/command.js'
import type { EventAttributes, HistoryEvent } from '../protocol/event.js'
import type { Failure } from '../protocol/failure.js'
import type { Header, Payloads } from '../protocol/payload.js'
import type { ActivityCancellationType, ActivitySettings } from './activity-settings.js'
import type { DataConverter, PayloadHome } from './data-converter.js'
import type { Activity } from './definition.js'
import { errorOf } from './failure-codec.js'
import { commonOf } from './failure-payloads.js'
import type { CancelledFailure } from './failures.js'
import { decodeParsed } from './schema.js'
import { asCancellation, type Cancellable, type Scope } from './scope.js'
import { rejectQuietly } from './settle.js'

/** One activity or timer that workflow code waits for. */
export class Wait implements Cancellable {
  readonly #waits: Waits
  /** Undefined: a timer. */
  readonly activityType: string | undefined
  readonly scope: Scope | undefined
  seq = 0
  /** Which task of the execution issued its last command, and where in that task's list it stands. */
  task = 0
  commandAt = 0
  isPending = true
  /** An activity that was asked to stop, and is waited for until it has. */
  isStopping = false
  /** Undefined: 'TryCancel'. */
  cancellationType: ActivityCancellationType | undefined
  /** Of an activity, once its task is recorded. */
  scheduledEventId = 0
  /** Of an activity that is no step. */
  definition: Activity | undefined
  /** Called when nobody waits for it any more. */
  onEnded: (() => void) | undefined
  /** Undefined where a callback was given: then nobody holds a promise. */
  readonly promise: Promise<unknown> | undefined
  resolve!: (value: unknown) => void
  reject!: (reason: unknown) => void

  constructor(waits: Waits, scope: Scope | undefined, activityType?: string, onFired?: () => void) {
    this.#waits = waits
    this.activityType = activityType
    this.scope = scope
    if (onFired === undefined) {
      this.promise = new Promise<unknown>((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
      })
      scope?.add(this)
    } else {
      this.resolve = onFired
      this.reject = onFired
    }
  }

  cancel(reason: CancelledFailure): void {
    if (this.#waits.cancel(this)) rejectQuietly(this, reason)
  }
}

const STEP = { output: undefined, labels: { result: 'result of a step' } }

/** Nothing yet: most executions have one command in a task, and an array that is pushed to has room for 17. */
const NONE = Object.freeze<never[]>([]) as never[]

export class Waits {
  readonly #home: PayloadHome
  /** Pending timers by number. */
  #timers: FewMap<number, Wait> | undefined = undefined
  /** Pending activities by the id of their scheduled event. */
  #activities: FewMap<number, Wait> | undefined = undefined
  /** Activities whose scheduled events are not known yet, in the order of their commands, from `#issuedFrom` on. */
  #issued: Wait[] = NONE
  #issuedFrom = 0
  #pendingCount = 0
  /** Of the open task; undefined where nothing is left to be done. */
  #commands: (Command | undefined)[] = NONE
  #droppedCount = 0
  /** What the open task cancels. */
  #cancelled: Wait[] = NONE
  #task = 1
  #lastSeq = 0
  #isSealed = false

  constructor(home: PayloadHome) {
    this.#home = home
  }

  get isEmpty(): boolean {
    return this.#pendingCount === 0
  }

  schedule(
    activityType: string,
    settings: ActivitySettings,
    input: Payloads | undefined,
    definition: Activity | undefined,
    scope: Scope | undefined,
    header: Header | undefined,
  ): Wait {
    const wait = this.#begin(new Wait(this, scope, activityType))
    wait.definition = definition
    wait.cancellationType = settings.cancellationType
    if (this.#issued === NONE) this.#issued = [wait]
    else this.#issued.push(wait)
    this.#push({
      type: 'ScheduleActivityTask',
      activityId: String(wait.seq),
      activityType,
      taskQueue: settings.taskQueue,
      input,
      scheduleToCloseTimeoutMs: settings.scheduleToCloseTimeoutMs,
      startToCloseTimeoutMs: settings.startToCloseTimeoutMs,
      scheduleToStartTimeoutMs: settings.scheduleToStartTimeoutMs,
      heartbeatTimeoutMs: settings.heartbeatTimeoutMs,
      retryPolicy: settings.retryPolicy,
      header,
    })
    return wait
  }

  startTimer(delayMs: number, scope: Scope | undefined): Wait {
    return this.#startTimer(new Wait(this, scope), delayMs)
  }

  /** A timer that belongs to another wait, which calls it off itself when it settles first. */
  startTimeLimit(delayMs: number, onFired: () => void): Wait {
    return this.#startTimer(new Wait(this, undefined, undefined, onFired), delayMs)
  }

  /** Nobody waits for it any more. */
  callOff(wait: Wait): void {
    if (!wait.isPending) return
    this.#end(wait)
    if (this.#isSealed) return
    if (wait.task === this.#task) return this.#dropCommand(wait)
    this.#askToStop(wait)
  }

  /** As its activity's cancellation type says. False: its end is still to come, and settles it. */
  cancel(wait: Wait): boolean {
    if (wait.isStopping) return !wait.isPending
    const { cancellationType } = wait
    const isCommandOut = wait.isPending && wait.task !== this.#task && !this.#isSealed
    if (!isCommandOut || cancellationType === undefined || cancellationType === 'TryCancel') {
      this.callOff(wait)
      return true
    }
    if (cancellationType === 'Abandon') {
      // A step goes on, and needs its function.
      wait.onEnded = undefined
      this.#end(wait)
      return true
    }
    wait.isStopping = true
    this.#askToStop(wait)
    return false
  }

  /** Those of the function's own ctx, as they were started. */
  cancelUnscoped(reason: CancelledFailure): void {
    const found: Wait[] = []
    const look = (wait: Wait): void => {
      if (wait.isPending && wait.scope === undefined && wait.promise !== undefined) found.push(wait)
    }
    this.#timers?.forEach(look)
    this.#activities?.forEach(look)
    for (let at = this.#issuedFrom; at < this.#issued.length; at++) look(this.#issued[at]!)
    for (const wait of found.sort((a, b) => a.seq - b.seq)) wait.cancel(reason)
  }

  /** An end that the code will not see, since it has ended itself, or called off what ended. */
  missed({ eventType, attributes }: HistoryEvent): void {
    switch (eventType) {
      case 'TimerFired':
        return this.#timerMissed(Number(attributes.timerId))
      case 'ActivityTaskCompleted':
      case 'ActivityTaskFailed':
      case 'ActivityTaskTimedOut':
      case 'ActivityTaskCanceled':
        return this.#activityMissed(attributes.scheduledEventId)
      default:
        return
    }
  }

  timerFired(timerId: string): void {
    const seq = Number(timerId)
    const wait = this.#timers?.get(seq)
    if (wait === undefined) return this.#timerMissed(seq)
    this.#end(wait)
    wait.resolve(undefined)
  }

  activityCompleted({ scheduledEventId, result }: EventAttributes['ActivityTaskCompleted']): void {
    const wait = this.#activityEnded(scheduledEventId)
    if (wait === undefined) return
    const { output, labels } = wait.definition ?? STEP
    let value: unknown
    try {
      value = decodeParsed(output, result, labels.result, this.#home.converter)
    } catch (error) {
      return this.#home.stopsBy(error) ? undefined : rejectQuietly(wait, error)
    }
    wait.resolve(value)
  }

  activityFailed(attributes: EventAttributes['ActivityTaskFailed'] | EventAttributes['ActivityTaskTimedOut']): void {
    const wait = this.#activityEnded(attributes.scheduledEventId)
    if (wait === undefined) return
    const { scheduledEventId, startedEventId, retryState, failure: cause } = attributes
    const activityType = wait.activityType!
    const ids = { activityId: String(wait.seq), activityType, scheduledEventId, startedEventId, retryState }
    this.#rejectBy(wait, (converter) => {
      const why = cause === undefined ? 'it does not say why' : commonOf(cause, converter).message
      const failure: Failure = { type: 'activity', message: `activity '${activityType}' failed: ${why}`, ...ids }
      return errorOf(cause === undefined ? failure : { ...failure, cause }, converter)
    })
  }

  activityCanceled({ scheduledEventId, details }: EventAttributes['ActivityTaskCanceled']): void {
    const wait = this.#activityEnded(scheduledEventId)
    if (wait === undefined) return
    const message = `activity '${wait.activityType}' was cancelled`
    const failure: Failure =
      details === undefined ? { type: 'canceled', message } : { type: 'canceled', message, details }
    this.#rejectBy(wait, (converter) => asCancellation(errorOf(failure, converter)))
  }

  /** An activity's command became this event: its completion will name the event, not the activity. In their order. */
  activityRecorded(eventId: number, activityId: string): void {
    const seq = Number(activityId)
    const issued = this.#issued
    while (this.#issuedFrom < issued.length && issued[this.#issuedFrom]!.seq <= seq) {
      const wait = issued[this.#issuedFrom++]!
      if (wait.seq !== seq) continue
      wait.scheduledEventId = eventId
      if (wait.isPending) (this.#activities ??= new FewMap()).set(eventId, wait)
    }
    if (this.#issuedFrom < issued.length) return
    this.#issued = NONE
    this.#issuedFrom = 0
  }

  /** A command that nothing waits for. */
  ask(command: Command): void {
    this.#push(command)
  }

  /** What the open task amounts to; the next one begins. */
  takeCommands(): Command[] {
    const commands = this.#commands
    this.#commands = NONE
    this.#cancelled = NONE
    this.#task++
    if (this.#droppedCount === 0) return commands as Command[]
    this.#droppedCount = 0
    return commands.filter((command) => command !== undefined)
  }

  /** `last` is the last command that counts: what other branches ask for afterwards is dropped. */
  seal(last: Command): void {
    this.#push(last)
    this.#isSealed = true
  }

  clear(): void {
    this.#timers = undefined
    this.#activities = undefined
    this.#issued = NONE
    this.#commands = NONE
    this.#cancelled = NONE
  }

  #timerMissed(seq: number): void {
    for (const wait of this.#cancelled) {
      if (wait.activityType === undefined && wait.seq === seq) return this.#dropCommand(wait)
    }
  }

  /** Unless a codec fails: then the code is not told, and waits until it does not. */
  #rejectBy(wait: Wait, errorWith: (converter: DataConverter) => Error): void {
    let error: unknown
    try {
      error = errorWith(this.#home.converter)
    } catch (failed) {
      error = failed
    }
    if (!this.#home.stopsBy(error)) rejectQuietly(wait, error)
  }

  /** Whoever waits for it; undefined: nobody does any more. */
  #activityEnded(scheduledEventId: number): Wait | undefined {
    const wait = this.#activities?.get(scheduledEventId)
    // There is nothing left to be stopped.
    if (wait === undefined || wait.isStopping) this.#activityMissed(scheduledEventId)
    if (wait !== undefined) this.#end(wait)
    return wait
  }

  #activityMissed(scheduledEventId: number): void {
    for (const wait of this.#cancelled) {
      if (wait.activityType !== undefined && wait.scheduledEventId === scheduledEventId) return this.#dropCommand(wait)
    }
  }

  #askToStop(wait: Wait): void {
    wait.task = this.#task
    wait.commandAt = this.#commands.length
    if (this.#cancelled === NONE) this.#cancelled = [wait]
    else this.#cancelled.push(wait)
    if (wait.activityType === undefined) {
      this.#push({ type: 'CancelTimer', timerId: String(wait.seq) })
    } else {
      this.#push({ type: 'RequestCancelActivityTask', scheduledEventId: wait.scheduledEventId })
    }
  }

  #dropCommand({ commandAt }: Wait): void {
    this.#commands[commandAt] = undefined
    this.#droppedCount++
  }

  #startTimer(wait: Wait, delayMs: number): Wait {
    this.#begin(wait)
    this.#timers ??= new FewMap()
    this.#timers.set(wait.seq, wait)
    this.#push({ type: 'StartTimer', timerId: String(wait.seq), startToFireTimeoutMs: delayMs })
    return wait
  }

  #begin(wait: Wait): Wait {
    wait.seq = ++this.#lastSeq
    wait.task = this.#task
    wait.commandAt = this.#commands.length
    this.#pendingCount++
    return wait
  }

  #push(command: Command): void {
    if (this.#isSealed) return
    if (this.#commands === NONE) this.#commands = [command]
    else this.#commands.push(command)
  }

  #end(wait: Wait): void {
    wait.isPending = false
    this.#pendingCount--
    if (wait.activityType === undefined) this.#timers?.delete(wait.seq)
    else if (wait.scheduledEventId !== 0) this.#activities?.delete(wait.scheduledEventId)
    wait.scope?.remove(wait)
    wait.onEnded?.()
  }
}
