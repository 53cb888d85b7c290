/**
 * A closed level store as it is on disk, read without an engine: every run, rebuilt from its history, and every row that
 * stands for something pending.
 *
 * `problems` names whatever does not fit together; a store that an engine left behind, killed or not, has none.
 */
import { isDeepStrictEqual } from 'node:util'
import { readTextKey, u8 } from '../../src/base/bytes.js'
import { systemClock } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/log.js'
import { uuidText } from '../../src/base/uuid.js'
import { loadRun, readEvents, type LoadedRun } from '../../src/history/loader.js'
import { decodeCurrentRun, decodeTask, progressBounds, ROW_KINDS, type CurrentRun } from '../../src/history/rows.js'
import { isEndBuffered } from '../../src/machine/buffer.js'
import { rebuild } from '../../src/machine/machine.js'
import type { ExecutionState } from '../../src/machine/state.js'
import type { HistoryEvent } from '../../src/protocol/event.js'
import { shardOf } from '../../src/shard/ring.js'
import { readHead, TASK_KINDS } from '../../src/shard/shard.js'
import { level } from '../../src/storage/level.js'
import { shardId, type Claimed, type Key, type Medium, type Row, type ShardId } from '../../src/storage/medium.js'
import { recordedOf } from './recorded.js'
import { REMOTE_QUEUE } from './shape.js'

export interface StoredRun {
  readonly workflowId: string
  readonly runId: string
  readonly events: readonly HistoryEvent[]
  readonly state: ExecutionState
}

export interface Stored {
  /** By run id. */
  readonly runs: ReadonlyMap<string, StoredRun>
  /** By workflow id. */
  readonly current: ReadonlyMap<string, CurrentRun>
  /** Rows of attempts, timers, backlog, buffered events and dead letters: what waits. */
  readonly taskRowCount: number
  readonly problems: readonly string[]
}

type PlacedRow = Row & { readonly shard: ShardId }

/** Opens the store as another owner would; nothing is changed in it but the epoch. */
export async function readStore(folder: string, shardCount: number): Promise<Stored> {
  const medium = level(folder).create({ clock: systemClock, logger: silentLogger })
  await medium.open({ host: 'reader', incarnation: 'reader' }, { spaces: { history: shardCount }, leaseMs: 5000 })
  try {
    const shards = Array.from({ length: shardCount }, (_, index) => shardId('history', index))
    const { claimed } = await medium.claim(shards)
    return await new Reading(medium, shardCount).read(claimed)
  } finally {
    await medium.close()
  }
}

class Reading {
  readonly #medium: Medium
  readonly #shardCount: number
  readonly #problems: string[] = []
  readonly #runs = new Map<string, StoredRun>()
  readonly #current = new Map<string, CurrentRun>()
  /** By shard and key. */
  readonly #tasks = new Map<string, PlacedRow>()
  readonly #named = new Set<string>()

  constructor(medium: Medium, shardCount: number) {
    this.#medium = medium
    this.#shardCount = shardCount
  }

  async read(claimed: readonly Claimed[]): Promise<Stored> {
    await this.#readTasks(claimed)
    const firstRows = new Map<string, PlacedRow>()
    for await (const rows of this.#medium.scanKind(ROW_KINDS.history)) {
      for (const row of rows) {
        const runKey = row.key.slice(1, 17)
        if (!firstRows.has(runKey)) firstRows.set(runKey, row)
      }
    }
    for (const [runKey, row] of firstRows) await this.#readRun(runKey, row)
    await this.#readCurrent()
    for (const place of this.#tasks.keys())
      if (!this.#named.has(place)) this.#problem(`row ${shown(place)} is of no run that waits for it`)
    const taskRowCount = [...this.#tasks.values()].filter(({ key }) => !isRetention(key)).length
    return { runs: this.#runs, current: this.#current, taskRowCount, problems: this.#problems }
  }

  /** What is pending, against the counts of the heads. */
  async #readTasks(claimed: readonly Claimed[]): Promise<void> {
    const counts = new Map<string, number>()
    const bounds = { gte: u8(TASK_KINDS.attempt), lt: u8(TASK_KINDS.retention + 1) }
    for await (const rows of this.#medium.scanAll('claimed', bounds)) {
      for (const row of rows) {
        this.#tasks.set(placeOf(row.shard, row.key), row)
        const counted = `${row.shard}/${row.key.charCodeAt(0)}`
        counts.set(counted, (counts.get(counted) ?? 0) + 1)
      }
    }
    for (const { heads } of claimed) {
      for (const [shard, head] of heads) {
        readHead(head, shard).pending.forEach((wanted, kind) => {
          const found = counts.get(`${shard}/${kind}`) ?? 0
          if (found !== wanted) this.#problem(`shard ${shard} counts ${wanted} rows of kind ${kind}, has ${found}`)
        })
      }
    }
  }

  async #readRun(runKey: string, { shard, hash }: PlacedRow): Promise<void> {
    const runId = uuidText(runKey)
    const address = { workflowId: '?', runId, runKey, shardId: shard, hash }
    try {
      const loaded = await loadRun(this.#medium, address, () => undefined)
      const events: HistoryEvent[] = []
      if (loaded === undefined) return this.#takeRest(runId, runKey)
      for await (const page of readEvents(this.#medium, address, () => undefined)) events.push(...page)
      const workflowId = loaded.state.started!.attributes.workflowId
      this.#runs.set(runId, { workflowId, runId, events, state: loaded.state })
      this.#checkEvents(`run ${runId} of ${workflowId}`, events, loaded.state)
      this.#checkItems(`run ${runId} of ${workflowId}`, runKey, shard, loaded)
      if (loaded.state.closed === undefined) return
      const { gte, lt } = progressBounds(runKey)
      const left = await this.#medium.scan(shard, hash, { gte, lt, limit: 10 })
      if (left.length > 0)
        this.#problem(`run ${runId} of ${workflowId} has closed and left ${left.length} progress rows`)
    } catch (error) {
      this.#problem(`run ${runId} cannot be read back: ${String(error)}`)
    }
  }

  #checkEvents(name: string, events: readonly HistoryEvent[], state: ExecutionState): void {
    events.forEach(({ eventId, eventTimeMs }, at) => {
      if (eventId !== at + 1) this.#problem(`${name}: event ${eventId} stands at place ${at + 1}`)
      // An event that waited for the end of a remote worker's task keeps the time of its arrival.
      const mayStepBack = state.started?.attributes.taskQueue === REMOTE_QUEUE
      if (at > 0 && eventTimeMs < events[at - 1]!.eventTimeMs && !mayStepBack)
        this.#problem(`${name}: time steps back at event ${eventId}`)
    })
    if (!isDeepStrictEqual(recordedOf(rebuild(events)), recordedOf(state)))
      this.#problem(`${name}: its history does not rebuild what was read back`)
    const closings = events.filter(({ eventType }) => CLOSING.has(eventType))
    if (closings.length > 1 || (closings.length === 1 && closings[0] !== events.at(-1)))
      this.#problem(`${name}: it goes on after its close`)
  }

  /** It is being deleted: the row that says so is the only other one of it. */
  #takeRest(runId: string, runKey: string): void {
    const rest = [...this.#tasks.values()].filter(({ value }) => decodeTask(value, 'task').ref.runKey === runKey)
    if (rest.length !== 1 || !isRetention(rest[0]!.key))
      this.#problem(`run ${runId} is being deleted, and ${rest.length} rows say so`)
    for (const { shard, key } of rest) this.#named.add(placeOf(shard, key))
  }

  /** Each pending thing has its rows, and nothing else has. */
  #checkItems(name: string, runKey: string, shard: ShardId, { state, items, bufferedKeys }: LoadedRun): void {
    for (const [item, { keys }] of items)
      for (const key of keys) this.#take(`${name}: item ${item}`, runKey, shard, key)
    for (const key of bufferedKeys) this.#take(`${name}: buffered event`, runKey, shard, key)
    if (state.closed !== undefined) return
    // What has ended, and waits in the buffer to be recorded, needs no row of its own.
    const waits = (id: number): boolean => !isEndBuffered(state, id)
    for (const id of [...(state.activities?.keys() ?? [])].filter(waits))
      if ((items.get(id)?.keys.length ?? 0) === 0) this.#problem(`${name}: activity ${id} has no row`)
    for (const { startedEventId, fireAtMs } of state.timers?.values() ?? [])
      if (waits(startedEventId) && items.get(startedEventId)?.keys.length !== 1)
        this.#problem(`${name}: timer ${startedEventId}, due at ${fireAtMs}, has not one row`)
    if ((state.workflowTask ?? state.workflowTaskProgress) !== undefined && (items.get(0)?.keys.length ?? 0) === 0)
      this.#problem(`${name}: its workflow task has no row`)
  }

  #take(name: string, runKey: string, shard: ShardId, key: Key): void {
    const place = placeOf(shard, key)
    const row = this.#tasks.get(place)
    if (row === undefined) return this.#problem(`${name}: row ${shown(place)} is missing`)
    if (this.#named.has(place)) this.#problem(`${name}: row ${shown(place)} is of another, too`)
    this.#named.add(place)
    if (decodeTask(row.value, name).ref.runKey !== runKey)
      this.#problem(`${name}: row ${shown(place)} names another run`)
  }

  async #readCurrent(): Promise<void> {
    for await (const rows of this.#medium.scanKind(ROW_KINDS.currentRun)) {
      for (const row of rows) {
        const namespaceId = uuidText(row.key.slice(1, 17))
        const workflowId = readTextKey(row.key.slice(17))
        const current = decodeCurrentRun(row.value, workflowId)
        this.#current.set(workflowId, current)
        const run = this.#runs.get(current.runId)
        if (run?.workflowId !== workflowId)
          this.#problem(`${workflowId}: its current run ${current.runId} has no history`)
        else if (run.state.status !== current.status)
          this.#problem(`${workflowId}: its row says ${current.status}, its history ${run.state.status}`)
        if (row.shard !== shardId('history', shardOf(namespaceId, workflowId, this.#shardCount)))
          this.#problem(`${workflowId}: its rows are in shard ${row.shard}`)
      }
    }
    for (const { workflowId, runId, state } of this.#runs.values()) {
      const current = this.#current.get(workflowId)?.runId
      if (state.closed === undefined && current !== runId)
        this.#problem(`${workflowId}: run ${runId} is open, not current`)
      // The run that was may have been deleted, and took the row with it.
      if (current !== undefined && current < runId)
        this.#problem(`${workflowId}: its newest run ${runId} is not current`)
    }
  }

  #problem(text: string): void {
    this.#problems.push(text)
  }
}

const CLOSING: ReadonlySet<string> = new Set([
  'WorkflowExecutionCompleted',
  'WorkflowExecutionFailed',
  'WorkflowExecutionTerminated',
])

function isRetention(key: Key): boolean {
  return key.charCodeAt(0) === TASK_KINDS.retention
}

function placeOf(shard: ShardId, key: Key): string {
  return `${shard}/${key}`
}

function shown(place: string): string {
  const at = place.indexOf('/') + 1
  return place.slice(0, at) + Buffer.from(place.slice(at), 'latin1').toString('hex')
}
