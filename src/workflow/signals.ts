/**
 * Signals on their way to the code: for each name a mailbox of what nobody has taken yet, and those who wait.
 *
 * Invariant: a message is taken once, in order of arrival; it is decoded and parsed by the one who takes it, so one
 * that does not fit its schema is an error there and is never dropped. A name is consumed in one style.
 */
import { LoomError } from '../base/errors.js'
import type { Payloads } from '../protocol/payload.js'
import type { PayloadHome } from './data-converter.js'
import type { SignalSchemas } from './definition.js'
import type { CancelledFailure } from './failures.js'
import { decodeParsed } from './schema.js'
import type { Cancellable, Scope } from './scope.js'
import { neverSettles, rejectedQuietly, rejectQuietly } from './settle.js'
import type { Wait, Waits } from './waits.js'

type Style = 'handler' | 'wait'
type Handler = (payload: never) => unknown

/** All that belongs to one name. */
interface Mailbox {
  readonly name: string
  /** How errors name it. */
  readonly label: string
  style: Style | undefined
  /** Arrived, and taken by nobody yet. */
  readonly kept: (Payloads | undefined)[]
  readonly waiters: Waiter[]
  handler: Handler | undefined
}

/** Who does something in a window of its own, before the next cause. */
interface Debtor extends PayloadHome {
  owe(fn: () => void): void
}

class Waiter implements Cancellable {
  readonly #signals: Signals
  readonly mailbox: Mailbox
  readonly scope: Scope | undefined
  /** Everybody of its scope who waits for the name waits on this one. */
  readonly isShared: boolean
  readonly wrap: ((payload: unknown) => unknown) | undefined
  readonly promise: Promise<unknown>
  resolve!: (payload: unknown) => void
  reject!: (reason: unknown) => void
  timeLimit: Wait | undefined

  constructor(signals: Signals, mailbox: Mailbox, scope: Scope | undefined, isShared: boolean, wrap?: Waiter['wrap']) {
    this.#signals = signals
    this.mailbox = mailbox
    this.scope = scope
    this.isShared = isShared
    this.wrap = wrap
    this.promise = new Promise<unknown>((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    scope?.add(this)
  }

  cancel(reason: CancelledFailure): void {
    this.#signals.withdraw(this)
    rejectQuietly(this, reason)
  }
}

export class Signals {
  readonly #schemas: SignalSchemas
  readonly #waits: Waits
  readonly #debtor: Debtor
  /** Made when the first name is used: most executions know no signals. */
  #mailboxes: Map<string, Mailbox> | undefined
  #waiterCount = 0
  #handlerCount = 0

  constructor(schemas: SignalSchemas, waits: Waits, debtor: Debtor) {
    this.#schemas = schemas
    this.#waits = waits
    this.#debtor = debtor
  }

  /** Could a signal make the code go on? */
  get isListening(): boolean {
    return this.#waiterCount > 0 || this.#handlerCount > 0
  }

  /** The next message; with a time limit undefined when it is up. */
  wait(name: string, timeoutMs: number | undefined, scope: Scope | undefined): Promise<unknown> {
    const mailbox = this.#consumed(name, 'wait')
    if (mailbox.kept.length > 0) return this.#takeKept(mailbox)
    const isShared = timeoutMs === undefined
    const known = isShared ? mailbox.waiters.find((waiter) => waiter.isShared && waiter.scope === scope) : undefined
    if (known !== undefined) return known.promise
    const waiter = this.#enlist(new Waiter(this, mailbox, scope, isShared))
    if (timeoutMs !== undefined) {
      waiter.timeLimit = this.#waits.startTimeLimit(timeoutMs, () => {
        this.withdraw(waiter)
        waiter.resolve(undefined)
      })
    }
    return waiter.promise
  }

  /** The next message for one reader of several, wrapped as an iterator's answer. */
  read(name: string, scope: Scope | undefined): Promise<unknown> {
    const mailbox = this.#consumed(name, 'wait')
    const wrap = (value: unknown): unknown => ({ value, done: false })
    if (mailbox.kept.length > 0) return this.#takeKept(mailbox, wrap)
    return this.#enlist(new Waiter(this, mailbox, scope, false, wrap)).promise
  }

  /** Each message goes to `handler` from now on; those that are kept too, in a window each. */
  handle(name: string, handler: Handler): void {
    const mailbox = this.#consumed(name, 'handler')
    if (mailbox.handler === undefined) this.#handlerCount++
    mailbox.handler = handler
    for (const payloads of mailbox.kept.splice(0)) this.#debtor.owe(() => this.#callHandler(mailbox, payloads))
  }

  deliver(name: string, payloads: Payloads | undefined): void {
    const mailbox = this.#mailbox(name)
    if (mailbox.handler !== undefined) return this.#callHandler(mailbox, payloads)
    const waiter = mailbox.waiters[0]
    if (waiter === undefined) return void mailbox.kept.push(payloads)
    this.withdraw(waiter)
    let payload: unknown
    try {
      payload = this.#parsed(mailbox, payloads)
    } catch (error) {
      return this.#debtor.stopsBy(error) ? undefined : rejectQuietly(waiter, error)
    }
    waiter.resolve(waiter.wrap === undefined ? payload : waiter.wrap(payload))
  }

  /** Those who wait on the function's own ctx, name by name. */
  cancelUnscoped(reason: CancelledFailure): void {
    for (const { waiters } of this.#mailboxes?.values() ?? []) {
      for (const waiter of waiters.slice()) if (waiter.scope === undefined) waiter.cancel(reason)
    }
  }

  withdraw(waiter: Waiter): void {
    const { waiters } = waiter.mailbox
    const at = waiters.indexOf(waiter)
    if (at < 0) return
    waiters.splice(at, 1)
    this.#waiterCount--
    waiter.scope?.remove(waiter)
    if (waiter.timeLimit !== undefined) this.#waits.callOff(waiter.timeLimit)
  }

  clear(): void {
    this.#mailboxes = undefined
  }

  #enlist(waiter: Waiter): Waiter {
    waiter.mailbox.waiters.push(waiter)
    this.#waiterCount++
    return waiter
  }

  #takeKept(mailbox: Mailbox, wrap?: (payload: unknown) => unknown): Promise<unknown> {
    try {
      const payload = this.#parsed(mailbox, mailbox.kept.shift())
      return Promise.resolve(wrap === undefined ? payload : wrap(payload))
    } catch (error) {
      return this.#debtor.stopsBy(error) ? neverSettles() : rejectedQuietly(error)
    }
  }

  #callHandler(mailbox: Mailbox, payloads: Payloads | undefined): void {
    try {
      // A promise that it returns and that rejects is one left alone: nobody else will look at it.
      void mailbox.handler!(this.#parsed(mailbox, payloads) as never)
    } catch (error) {
      if (!this.#debtor.stopsBy(error)) void Promise.reject(error)
    }
  }

  #parsed(mailbox: Mailbox, payloads: Payloads | undefined): unknown {
    return decodeParsed(this.#schemas[mailbox.name], payloads, mailbox.label, this.#debtor.converter)
  }

  #consumed(name: string, style: Style): Mailbox {
    if (!Object.hasOwn(this.#schemas, name)) {
      const known = Object.keys(this.#schemas).join(', ') || 'none'
      throw new LoomError('LOOM_INVALID_ARGUMENT', `signal '${name}' is not declared; the workflow declares: ${known}`)
    }
    const mailbox = this.#mailbox(name)
    mailbox.style ??= style
    if (mailbox.style !== style) {
      const taken = mailbox.style === 'handler' ? 'by a handler (onSignal)' : 'by waiting (signal or signals)'
      throw new LoomError(
        'LOOM_INVALID_ARGUMENT',
        `signal '${name}' is consumed ${taken} already; one style for a name`,
      )
    }
    return mailbox
  }

  #mailbox(name: string): Mailbox {
    this.#mailboxes ??= new Map()
    let mailbox = this.#mailboxes.get(name)
    if (mailbox === undefined) {
      mailbox = { name, label: `signal '${name}'`, style: undefined, kept: [], waiters: [], handler: undefined }
      this.#mailboxes.set(name, mailbox)
    }
    return mailbox
  }
}
