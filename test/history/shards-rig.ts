/** Looms on a medium that fails when it is told to, with their shards at hand. */
import { vi } from 'vitest'
import { LoomError } from '../../src/base/errors.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import type { Loom } from '../../src/loom.js'
import { ShardController } from '../../src/shard/controller.js'
import { MediumBrokenError } from '../../src/storage/errors.js'
import type { MemoryStore } from '../../src/storage/memory-store.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import type { Medium, MediumFactory } from '../../src/storage/medium.js'
import { open } from '../loom/rig.js'

/** A lease is short, so that what was broken is soon opened again. */
export const QUICK = { reopenInitialMs: 1, reopenMaximumMs: 10, leaseMs: 60 } as const

type Kind = 'commit' | 'claim' | 'read'
const KINDS: Readonly<Record<string, Kind>> = {
  commit: 'commit',
  claim: 'claim',
  getMany: 'read',
  getSync: 'read',
  scan: 'read',
}

export class Faults {
  readonly store: MemoryStore = memoryStore()
  /** The next call of this kind breaks the medium, which stays broken until it is made again. */
  breaks: Kind | undefined = undefined
  /** What every read of a run rejects with. */
  unreadable: Error | undefined = undefined
  /** What the next scans of shards reject with. */
  readonly scanErrors: Error[] = []
  /** Reads of runs have their rows, and give them when this is open. */
  slowly: Promise<void> | undefined = undefined
  /** Whether single rows can only be read asynchronously, as they are when this is open. */
  rowsSlowly: Promise<void> | undefined = undefined
  /** Whether shards are claimed in one unit, as in level. */
  isOneUnit = false
  madeCount = 0
  claimCount = 0

  readonly medium: MediumFactory = {
    create: (environment) => {
      this.madeCount++
      const inner = memory({ store: this.store }).create(environment)
      let isBroken = false
      const check = (kind: Kind | undefined): void => {
        if (kind === 'claim') this.claimCount++
        if (kind !== undefined && kind === this.breaks) {
          this.breaks = undefined
          isBroken = true
        }
        if (isBroken && kind !== undefined) throw new MediumBrokenError(`broken in ${kind}`)
      }
      return new Proxy(inner, { get: (_, name) => this.#call(inner, String(name), check) })
    },
  }

  #call(inner: Medium, name: string, check: (kind: Kind | undefined) => void): unknown {
    const member = inner[name as keyof Medium] as unknown
    if (name === 'getSync' && this.rowsSlowly !== undefined) return undefined
    if (typeof member !== 'function') return member
    return (...args: unknown[]): unknown => {
      try {
        check(KINDS[name])
      } catch (error) {
        if (name === 'getSync') throw error
        return Promise.reject(error)
      }
      if (name === 'unitOf' && this.isOneUnit) return 0
      const scanError = name === 'scanAll' ? this.scanErrors.shift() : undefined
      if (scanError !== undefined) throw scanError
      const answer = (member as (...given: unknown[]) => unknown).apply(inner, args)
      if (name === 'getMany' && this.rowsSlowly !== undefined)
        return rowsAfter(answer as Promise<unknown>, this.rowsSlowly)
      return name === 'scan' ? this.#scanned(answer as Promise<unknown>) : answer
    }
  }

  async #scanned(answer: Promise<unknown>): Promise<unknown> {
    if (this.unreadable !== undefined) throw this.unreadable
    const rows = await answer
    await this.slowly
    return rows
  }
}

export interface Opened {
  readonly loom: Loom
  readonly controller: ShardController
  /** A shard is lost as by a mistake of ours: it is claimed again. */
  lose(index: number): void
}

export async function openWithShards(options: Partial<LoomOptions>): Promise<Opened> {
  const spy = vi.spyOn(ShardController.prototype, 'open')
  const loom = await open(options)
  const controller = spy.mock.contexts[0] as ShardController
  spy.mockRestore()
  const lose = (index: number): void => {
    const shard = controller.knownShards().find((one) => one.index === index)!
    controller.failShard(shard, new LoomError('LOOM_UNAVAILABLE', 'lost by the test'))
  }
  return { loom, controller, lose }
}

/** 'never' after a while: for what used to wait for ever. */
export function soon<T>(promise: Promise<T>, ms = 2000): Promise<T | 'never'> {
  return Promise.race([promise, new Promise<'never'>((resolve) => setTimeout(() => resolve('never'), ms))])
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code ?? error
}

async function rowsAfter(answer: Promise<unknown>, slowly: Promise<void>): Promise<unknown> {
  const rows = await answer
  await slowly
  return rows
}
