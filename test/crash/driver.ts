/**
 * One caller of a loom: uses one workflow id again and again, in every way a caller may, and says what it was told.
 *
 * It knows nothing of what a process before it did: it meets whatever run is there.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isLoomError } from '../../src/base/errors.js'
import type { Random } from '../../src/base/random.js'
import { WorkflowFailedError } from '../../src/client/errors.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import type { StartSettings } from '../../src/client/start-options.js'
import type { Loom } from '../../src/loom.js'
import { TERMINATED_BY_LOAD, type Ack } from './acks.js'
import type { PipelineInput, Programs } from './programs.js'
import { REMOTE_QUEUE } from './shape.js'

export interface DriverParts {
  readonly loom: Loom
  readonly known: Programs
  readonly acknowledge: (ack: Ack) => void
  readonly random: Random
  /** Unique among all drivers of all processes. */
  readonly name: string
  readonly workflowId: string
}

const KINDS = ['pipeline', 'fanOut', 'collector', 'hasty', 'parked', 'errand'] as const
type Kind = (typeof KINDS)[number]

const POLICIES = ['Fail', 'UseExisting', 'TerminateExisting'] as const

interface Met {
  readonly kind: Kind
  readonly handle: WorkflowHandle & { readonly runId: string }
}

export class Driver {
  readonly #parts: DriverParts
  #starts = 0
  #signals = 0

  constructor(parts: DriverParts) {
    this.#parts = parts
  }

  async driveForEver(): Promise<never> {
    for (;;) {
      const met = await this.#start()
      // Its policy may have refused it: somebody is there already.
      await this.#deal(met ?? (await this.#meet()), false)
    }
  }

  /** Ends what is open. */
  async drain(): Promise<void> {
    const met = await this.#meet()
    if (met !== undefined) await this.#deal(met, true)
  }

  // ---- finding a run

  async #start(): Promise<Met | undefined> {
    const { loom, workflowId, name, acknowledge } = this.#parts
    const kind = this.#oneOf(KINDS)
    const requestId = this.#below(2) === 0 ? `${name}.${this.#starts++}` : undefined
    const workflowIdConflictPolicy = this.#oneOf(POLICIES)
    const options = { workflowId, workflowIdConflictPolicy, requestId, input: this.#inputOf(kind), ...where(kind) }
    try {
      const handle = await loom.start(kind, options)
      const isOurs = workflowIdConflictPolicy !== 'UseExisting'
      acknowledge({ ack: 'started', workflowId, runId: handle.runId, isOurs })
      return isOurs ? { kind, handle } : await this.#meet()
    } catch (error) {
      if (!isLoomError(error, 'LOOM_ALREADY_EXISTS')) throw error
      return undefined
    }
  }

  /** Undefined: there is none, or it has ended. */
  async #meet(): Promise<Met | undefined> {
    const { loom, workflowId } = this.#parts
    try {
      const { runId, workflowType, status } = await loom.handle(workflowId).describe()
      if (status !== 'Running') return undefined
      return { kind: workflowType as Kind, handle: loom.handle(workflowId, runId) as Met['handle'] }
    } catch (error) {
      if (!isLoomError(error, 'LOOM_NOT_FOUND')) throw error
      return undefined
    }
  }

  #inputOf(kind: Kind): PipelineInput | undefined {
    if (kind !== 'pipeline' && kind !== 'fanOut') return undefined
    const values = Array.from({ length: 1 + this.#below(5) }, () => this.#below(50))
    const failures = this.#below(3) === 0 ? 1 + this.#below(2) : 0
    // Some are slow, so that a kill finds them running.
    return { values, failures, ms: this.#below(6) === 0 ? 40 + this.#below(100) : this.#below(6) }
  }

  // ---- dealing with it

  async #deal(met: Met | undefined, mustEnd: boolean): Promise<void> {
    if (met === undefined) return
    try {
      await this.#dealWith(met, mustEnd)
    } catch (error) {
      // It has ended meanwhile, as it may.
      if (!isLoomError(error, 'LOOM_EXECUTION_CLOSED') && !isLoomError(error, 'LOOM_NOT_FOUND')) throw error
      await this.#resultOfEnded(met)
    }
  }

  /** Another caller may have deleted it. */
  async #resultOfEnded(met: Met): Promise<void> {
    try {
      await this.#result(met)
    } catch (error) {
      if (!isLoomError(error, 'LOOM_NOT_FOUND')) throw error
    }
  }

  async #dealWith(met: Met, mustEnd: boolean): Promise<void> {
    if (!mustEnd && this.#below(10) === 0) return await this.#delete(met)
    if (met.kind === 'parked') return await this.#terminate(met)
    if (!mustEnd && this.#below(5) === 0) {
      await pause(this.#below(30))
      return await this.#terminate(met)
    }
    if (takesMany(met.kind)) await this.#sendSome(met)
    if (met.kind === 'hasty' && this.#below(2) === 0) await this.#send(met, false, undefined)
    // Left alone, for the next start to find.
    if (!mustEnd && !takesMany(met.kind) && this.#below(6) === 0) return
    await this.#result(met)
  }

  /** One after the other, then some at once, then the last. */
  async #sendSome(met: Met): Promise<void> {
    let after: string | undefined
    for (let left = this.#below(4); left > 0; left--) after = await this.#send(met, false, after)
    await Promise.all(Array.from({ length: this.#below(4) }, () => this.#send(met, false, after)))
    await this.#send(met, true, after)
  }

  async #send({ handle }: Met, isLast: boolean, after: string | undefined): Promise<string> {
    const id = `${this.#parts.name}.${this.#signals++}`
    const signal = { id, isLast }
    const requestId = this.#below(2) === 0 ? id : undefined
    await (handle as WorkflowHandle<Programs['collector']>).signal('item', signal, { requestId })
    this.#parts.acknowledge({ ack: 'signaled', runId: handle.runId, id, after })
    return id
  }

  async #terminate({ handle }: Met): Promise<void> {
    await handle.terminate(TERMINATED_BY_LOAD)
    this.#parts.acknowledge({ ack: 'terminated', runId: handle.runId, reason: TERMINATED_BY_LOAD })
  }

  /** Open as it is, or after its end. */
  async #delete(met: Met): Promise<void> {
    const { runId } = met.handle
    if (this.#below(2) === 0 && !takesMany(met.kind) && met.kind !== 'parked') await this.#result(met)
    this.#parts.acknowledge({ ack: 'deleting', runId })
    await met.handle.delete()
    this.#parts.acknowledge({ ack: 'deleted', runId })
  }

  async #result({ handle }: Met): Promise<void> {
    const { acknowledge } = this.#parts
    const { runId } = handle
    try {
      const value = await handle.result()
      acknowledge({ ack: 'ended', runId, status: 'Completed', value: value ?? null })
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error
      acknowledge({ ack: 'ended', runId, status: error.status, value: error.cause.message })
    }
  }

  #below(n: number): number {
    return Math.floor(this.#parts.random.fraction() * n)
  }

  #oneOf<T>(all: readonly T[]): T {
    return all[this.#below(all.length)]!
  }
}

function takesMany(kind: Kind): boolean {
  return kind === 'collector' || kind === 'errand'
}

/** Errands are for workers that poll, and may forget a task. */
function where(kind: Kind): Pick<StartSettings, 'taskQueue' | 'workflowTaskTimeout'> {
  return kind === 'errand' ? { taskQueue: REMOTE_QUEUE, workflowTaskTimeout: 300 } : {}
}
