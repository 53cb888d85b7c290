/** What code may know of its execution: from its first event, and what it has written down since. */
import type { EventOf, Memo, SearchAttributes } from '../protocol/event.js'
import type { ExecutionRef } from '../protocol/ids.js'
import type { Header } from '../protocol/payload.js'
import type { WorkflowInfo } from './context.js'
import type { PayloadHome } from './data-converter.js'
import { errorOf } from './failure-codec.js'
import type { FailureError } from './failures.js'
import { decodeHeaders, type Headers } from './headers.js'
import { decodeMemo, encodeMemo, mergedMemo, NO_MEMO, type MemoValues } from './memo.js'
import { decodeParsed } from './schema.js'
import {
  decodeSearchAttributes,
  encodeSearchAttributes,
  mergedSearchAttributes,
  type SearchAttributeChanges,
  type SearchAttributeValues,
} from './search-attributes.js'

export class Facts {
  readonly #execution: ExecutionRef
  #started: EventOf<'WorkflowExecutionStarted'> | undefined
  readonly #home: PayloadHome
  /** As it was when it was last asked for; undefined: something has changed since. */
  #info: WorkflowInfo | undefined
  /** Undefined: that of the start, which nobody has asked for yet. */
  #memo: MemoValues | undefined
  #searchAttributes: SearchAttributeValues | undefined

  constructor(execution: ExecutionRef, home: PayloadHome) {
    this.#execution = execution
    this.#home = home
  }

  /** Before anything else is asked. */
  begin(started: EventOf<'WorkflowExecutionStarted'>): void {
    this.#started = started
  }

  get started(): EventOf<'WorkflowExecutionStarted'> {
    return this.#started!
  }

  get header(): Header | undefined {
    return this.started.attributes.header
  }

  get headers(): Headers {
    return decodeHeaders(this.header)
  }

  get info(): WorkflowInfo {
    return (this.#info ??= this.#infoNow())
  }

  get memo(): MemoValues {
    return (this.#memo ??= this.#memoOfStart())
  }

  /** What is to be recorded of it; undefined: nothing. Throws LOOM_INVALID_ARGUMENT for what cannot be carried. */
  changeMemo(changes: MemoValues): Memo | undefined {
    const { converter, isReplaying } = this.#home
    const plain = encodeMemo(changes, 'upsertMemo', converter.dry)
    if (plain === undefined) return undefined
    this.#memo = mergedMemo(this.memo, decodeMemo(plain, converter.dry))
    this.#info = undefined
    return isReplaying ? plain : this.#unlessStopped(() => encodeMemo(changes, 'upsertMemo', converter))
  }

  get searchAttributes(): SearchAttributeValues {
    return (this.#searchAttributes ??= decodeSearchAttributes(this.started.attributes.searchAttributes))
  }

  /** As `changeMemo`. */
  changeSearchAttributes(changes: SearchAttributeChanges): SearchAttributes | undefined {
    const encoded = encodeSearchAttributes(changes, 'upsertSearchAttributes')
    if (encoded !== undefined) this.searchAttributesChanged(encoded)
    return encoded
  }

  searchAttributesChanged(changes: SearchAttributes): void {
    this.#searchAttributes = mergedSearchAttributes(this.searchAttributes, changes)
    this.#info = undefined
  }

  #memoOfStart(): MemoValues {
    const { memo } = this.started.attributes
    return memo === undefined ? NO_MEMO : (this.#unlessStopped(() => decodeMemo(memo, this.#home.converter)) ?? NO_MEMO)
  }

  get #lastResult(): unknown {
    const { lastCompletionResult } = this.started.attributes
    if (lastCompletionResult === undefined) return undefined
    const path = 'ctx.info.lastResult'
    return this.#unlessStopped(() => decodeParsed(undefined, lastCompletionResult, path, this.#home.converter))
  }

  get #lastFailure(): FailureError | undefined {
    const { continuedFailure } = this.started.attributes
    if (continuedFailure === undefined) return undefined
    return this.#unlessStopped(() => errorOf(continuedFailure, this.#home.converter))
  }

  /** Undefined when a codec has failed: then the run has stopped, and what its code sees does not matter any more. */
  #unlessStopped<T>(act: () => T): T | undefined {
    try {
      return act()
    } catch (error) {
      if (!this.#home.stopsBy(error)) throw error
      return undefined
    }
  }

  #infoNow(): WorkflowInfo {
    const { workflowId, runId, namespaceId } = this.#execution
    const { eventTimeMs, attributes } = this.started
    const { workflowType, taskQueue, attempt, firstExecutionRunId, originalExecutionRunId } = attributes
    const { continuedExecutionRunId, cronSchedule } = attributes
    // Not read before it is asked for: that may fail.
    let memo = this.#memo
    const memoOfStart = (): MemoValues => this.#memoOfStart()
    const lastResult = (): unknown => this.#lastResult
    const lastFailure = (): FailureError | undefined => this.#lastFailure
    return Object.freeze({
      workflowId,
      runId,
      namespaceId,
      workflowType,
      taskQueue,
      attempt,
      startedAtMs: eventTimeMs,
      firstExecutionRunId,
      originalExecutionRunId,
      continuedExecutionRunId,
      cronSchedule,
      searchAttributes: this.searchAttributes,
      get memo() {
        return (memo ??= memoOfStart())
      },
      get lastResult() {
        return lastResult()
      },
      get lastFailure() {
        return lastFailure()
      },
    })
  }
}
