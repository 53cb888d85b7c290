/**
 * One program from its start to its end, in one of the modes: what it came to, and everything that is recorded of it.
 *
 * Everything happens at moments of the virtual clock that are the same in all modes, and only when the execution is at rest.
 */
import type { EventType, HistoryEvent } from '../../src/protocol/event.js'
import { Attempts } from './attempts.js'
import { definitionsAt, textOf } from './interpreter.js'
import { MortalHost, type Mode } from './mortal-host.js'
import { Outside, WORKFLOW_ID, type Seen } from './outside.js'
import type { Program } from './program.js'
import { linesOf, Names } from './told.js'

const ROUND_MS = 1000
/**
 * Between what is due at whole tenths of a second and what happens in a round, so that attempts that were lost meanwhile run
 * again. It is shorter in each round, so that timers which a round started come behind what happens in others.
 */
const FIRST_PAUSE_MS = 95
const PAUSE_STEP_MS = 5
/** After its own rounds everything that is pending ends, so often; then what still runs is terminated. */
const CLOSING_ROUNDS = 2
const LAST_JUMP_MS = 30_000

export interface Told {
  /** The result, or what it failed with. */
  readonly outcome: string
  /** What was seen round by round, and each run's history. */
  readonly lines: readonly string[]
  /** How often the function was called. */
  readonly callCount: number
  /** Workflow tasks of all runs. */
  readonly taskCount: number
  readonly eventTypes: ReadonlySet<EventType>
  readonly deathCount: number
  /** Errors that were logged and are not the program's own. */
  readonly complaints: readonly string[]
}

export async function live(program: Program, mode: Mode): Promise<Told> {
  const attempts = new Attempts()
  const { all, strict, lenient } = definitionsAt(attempts)
  const host = new MortalHost(mode, all, () => attempts.lost())
  const names = new Names()
  const lines: string[] = []
  const write = (line: string): void => void lines.push(names.put(line))
  const workflow = program.failsOnMistakes ? strict : lenient
  const outside = new Outside({ program, workflow, host, attempts, answered: write })

  await host.open()
  await outside.start()
  await pass(program, host, outside, write)
  await outside.query()
  const runs = await runsOf(host, await outside.look())
  for (const history of runs) lines.push('', ...linesOf(history, names))
  const outcome = await outcomeOf(host, await outside.look())
  const types = runs.flat().map(({ eventType }) => eventType)
  host.end()
  return {
    outcome: names.put(`${runs.length} runs: ${outcome}`),
    lines,
    eventTypes: new Set(types),
    callCount: attempts.callCount,
    taskCount: types.filter((type) => type === 'WorkflowTaskStarted').length,
    deathCount: host.deathCount,
    complaints: host.complaints,
  }
}

/** Round by round, until it is over. */
async function pass(
  { rounds, code }: Program,
  host: MortalHost,
  outside: Outside,
  write: (line: string) => void,
): Promise<void> {
  const startMs = host.clock.nowMs()
  const asksFar = JSON.stringify(code).includes('run afar')
  for (let at = 0; at < rounds.length + CLOSING_ROUNDS; at++) {
    const roundMs = startMs + (at + 1) * ROUND_MS
    await host.advanceTo(roundMs)
    if (asksFar) await outside.poll(await outside.look())
    await host.advanceTo(roundMs + FIRST_PAUSE_MS - at * PAUSE_STEP_MS)
    const seen = await outside.look()
    write(textOfSeen(seen, startMs))
    if (seen.status !== 'Running') return
    const happening = rounds[at]
    if (happening === undefined) await outside.endAll(seen)
    else await outside.happen(happening, seen)
  }
  await host.advanceTo(host.clock.nowMs() + LAST_JUMP_MS)
  const seen = await outside.look()
  if (seen.status === 'Running') await outside.happen({ what: 'terminate' }, seen)
}

/** The histories of the chain. */
async function runsOf({ loom }: MortalHost, { firstExecutionRunId }: Seen): Promise<HistoryEvent[][]> {
  const runs: HistoryEvent[][] = []
  let runId: string | undefined = firstExecutionRunId
  while (runId !== undefined) {
    const history: HistoryEvent[] = []
    for await (const event of loom.handle(WORKFLOW_ID, runId).history()) history.push(event)
    runs.push(history)
    const last: { readonly newExecutionRunId?: string | undefined } = history.at(-1)!.attributes as object
    runId = last.newExecutionRunId
  }
  return runs
}

async function outcomeOf({ loom }: MortalHost, { runId }: Seen): Promise<string> {
  try {
    return JSON.stringify(await loom.handle(WORKFLOW_ID, runId).result())
  } catch (error) {
    return textOf(error)
  }
}

function textOfSeen({ runId, status, memo, pendingActivities, pendingTimers, stalled }: Seen, startMs: number): string {
  const activities = pendingActivities.map((one) => `${one.activityId} ${one.activityType} ${one.state}`)
  const timers = pendingTimers.map(({ timerId, fireAtMs }) => `${timerId} +${fireAtMs - startMs}`)
  const pending = `${activities.join(', ')}; ${timers.join(', ')}`
  return `${runId} ${status} ${JSON.stringify(memo)}: ${pending}; ${stalled?.message ?? ''}`
}
