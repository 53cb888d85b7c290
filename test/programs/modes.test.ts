/**
 * Random programs over all of ctx, each run undisturbed, with every execution out of memory after each of its tasks, and with
 * the host dead after every commit: the result is the same, and so is the history but for attempts. Also its times are: no
 * time passes while a host is dead.
 *
 * `PROGRAMS=20000 SEED=7 npx vitest run test/programs` looks further.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { live, type Told } from './life.js'
import { program } from './program.js'

const PROGRAMS = Number(process.env['PROGRAMS'] ?? 2000)

/** What programs get to, so that none of it is lost from them unseen. */
const REACHED = [
  ...['ActivityTaskCancelRequested', 'ActivityTaskCanceled', 'ActivityTaskCompleted', 'ActivityTaskFailed'],
  ...['ActivityTaskScheduled', 'ActivityTaskStarted', 'ActivityTaskTimedOut', 'MarkerRecorded'],
  ...['TimerCanceled', 'TimerFired', 'TimerStarted', 'UpsertWorkflowSearchAttributes'],
  ...['WorkflowExecutionCancelRequested', 'WorkflowExecutionCanceled', 'WorkflowExecutionCompleted'],
  ...['WorkflowExecutionContinuedAsNew', 'WorkflowExecutionFailed', 'WorkflowExecutionSignaled'],
  ...['WorkflowExecutionStarted', 'WorkflowExecutionTerminated', 'WorkflowExecutionTimedOut'],
  ...['WorkflowPropertiesModified', 'WorkflowTaskCompleted', 'WorkflowTaskFailed', 'WorkflowTaskScheduled'],
  'WorkflowTaskStarted',
]

test('a program comes to the same, whatever is lost on the way', { timeout: 600_000 }, async () => {
  const reached = new Set<string>()
  let deaths = 0
  const check = fc.asyncProperty(program, async (one) => {
    const plainly = await live(one, 'plainly')
    const evicted = await live(one, 'evicted')
    const crashed = await live(one, 'crashed')

    expect(comparable(evicted)).toEqual(comparable(plainly))
    expect(comparable(crashed)).toEqual(comparable(plainly))
    expect([plainly, evicted, crashed].flatMap(({ complaints }) => complaints)).toEqual([])
    // Each task was a replay; so are answers to queries, and the steps of code that has left.
    expect(evicted.callCount).toBeGreaterThanOrEqual(evicted.taskCount)
    for (const eventType of plainly.eventTypes) reached.add(eventType)
    deaths += crashed.deathCount
  })

  await fc.assert(check, { numRuns: PROGRAMS })

  if (PROGRAMS < 2000) return
  expect([...reached].sort()).toEqual(expect.arrayContaining(REACHED))
  expect(deaths).toBeGreaterThan(5 * PROGRAMS)
})

function comparable({ outcome, lines }: Told): object {
  return { outcome, lines }
}
