/** Whole looms for tests: in memory, closed when the test is over, with what they log at hand. */
import { onTestFinished } from 'vitest'
import type { Logger } from '../../src/base/log.js'
import type { WorkflowHandle } from '../../src/client/handle.js'
import type { LoomOptions } from '../../src/client/loom-options.js'
import { openLoom, type Loom } from '../../src/loom.js'
import type { EventAttributes, EventType, HistoryEvent } from '../../src/protocol/event.js'
import { memory, memoryStore } from '../../src/storage/memory.js'
import type { MemoryStore } from '../../src/storage/memory-store.js'
import { shardId } from '../../src/storage/medium.js'

export const SHARD_COUNT = 4

/** Settings and definitions as given; a store of its own unless a medium is. */
export async function open(options: Partial<LoomOptions> = {}): Promise<Loom> {
  const loom = await openLoom({ medium: memory(), shardCount: SHARD_COUNT, ...options })
  onTestFinished(() => loom.close({ graceMs: 0 }))
  return loom
}

/** Looms that find what the ones before them left. */
export function reopenable(): { open(options?: Partial<LoomOptions>): Promise<Loom>; readonly store: MemoryStore } {
  const store = memoryStore()
  return { store, open: (options) => open({ medium: memory({ store }), ...options }) }
}

export async function eventsOf(handle: WorkflowHandle): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = []
  for await (const event of handle.history()) events.push(event)
  return events
}

export async function typesOf(handle: WorkflowHandle): Promise<EventType[]> {
  return (await eventsOf(handle)).map(({ eventType }) => eventType)
}

export async function attributesOf<T extends EventType>(
  handle: WorkflowHandle,
  eventType: T,
): Promise<EventAttributes[T][]> {
  const found = (await eventsOf(handle)).filter((event) => event.eventType === eventType)
  return found.map(({ attributes }) => attributes as EventAttributes[T])
}

/** Every row of the store, as text. */
export function rowsOf(store: MemoryStore): string[] {
  const all = Array.from({ length: SHARD_COUNT }, (_, index) => {
    const rows = store.shard(shardId('history', index))?.rows({ gte: '\x00', lt: '\xff' }) ?? []
    return rows.map(({ key, value }) => `${index} ${key} ${Buffer.from(value).toString('hex')}`)
  })
  return all.flat()
}

export class Lines implements Logger {
  readonly all: { readonly level: string; readonly fields: Record<string, unknown>; readonly message: string }[] = []

  get messages(): string[] {
    return this.all.map(({ message }) => message)
  }

  debug(fields: object, message: string): void {
    this.#add('debug', fields, message)
  }
  info(fields: object, message: string): void {
    this.#add('info', fields, message)
  }
  warn(fields: object, message: string): void {
    this.#add('warn', fields, message)
  }
  error(fields: object, message: string): void {
    this.#add('error', fields, message)
  }

  #add(level: string, fields: object, message: string): void {
    this.all.push({ level, fields: fields as Record<string, unknown>, message })
  }
}

/** Resolves when `holds` does; the test's own time-out ends it otherwise. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A promise and its resolution. */
export function gate<T = void>(): { readonly promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void
  const promise = new Promise<T>((resolve) => (open = resolve))
  return { promise, open }
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not reject')
}
