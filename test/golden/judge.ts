/**
 * One scenario, one verdict.
 */
import { VirtualClock } from '../../src/testing/virtual-clock.js'
import { compare } from './compare.js'
import { recordingsOf } from './differences.js'
import { missingFor } from './needs.js'
import { play, type Played, type System } from './play.js'
import type { Scenario } from './scenario.js'
import { runProgram, SDK_PROGRAMS, type OpenSystemWithCode } from './sdk.js'

export type Verdict =
  | { readonly type: 'passed' }
  /** What differs, line by line. */
  | { readonly type: 'failed'; readonly lines: readonly string[] }
  /** What it needs that does not exist yet. */
  | { readonly type: 'skipped'; readonly missing: readonly string[] }

/** What is judged: opened anew for each scenario. */
export interface Defendant {
  readonly open: (clock: VirtualClock) => Promise<System>
  /** Undefined: it runs no workflow code. */
  readonly openWithCode: OpenSystemWithCode | undefined
}

/** Empty: the scenario can be run. */
export function missingOf(scenario: Scenario, { openWithCode }: Pick<Defendant, 'openWithCode'>): readonly string[] {
  const hasProgram = openWithCode !== undefined && SDK_PROGRAMS.has(scenario.name)
  return hasProgram ? [] : missingFor(scenario)
}

/** Never rejects: what breaks on the way is a failure of that scenario. */
export async function judge(scenario: Scenario, defendant: Defendant): Promise<Verdict> {
  const missing = missingOf(scenario, defendant)
  if (missing.length > 0) return { type: 'skipped', missing }
  let lines: readonly string[] | undefined
  for (const recording of recordingsOf(scenario)) {
    const differing = await perform(recording, defendant).then(
      (played) => compare(recording, played),
      (error: unknown) => [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    )
    if (differing.length === 0) return { type: 'passed' }
    lines ??= differing
  }
  return { type: 'failed', lines: lines! }
}

async function perform(scenario: Scenario, { open, openWithCode }: Defendant): Promise<Played> {
  const clock = new VirtualClock()
  if (scenario.control === 'sdk') {
    const runs = await runProgram(scenario, SDK_PROGRAMS.get(scenario.name)!, openWithCode!, clock)
    return { runs, described: [], mismatches: [] }
  }
  const system = await open(clock)
  try {
    return await play(scenario, system, clock)
  } finally {
    await system.close()
  }
}
