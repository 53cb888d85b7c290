/**
 * W1 through a bare worker: no user code, no runtime, no client. What is left is the engine itself: turns, rows, commit loop.
 *
 * `npx tsx bench/bare-worker.ts [seconds] [concurrency] [level|memory]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.js'
import { silentLogger } from '../src/base/log.js'
import { LoomError } from '../src/base/errors.js'
import { systemRandom } from '../src/base/random.js'
import { History, type HistoryParts } from '../src/history/history.js'
import { Matching } from '../src/matching/matching.js'
import { DEFAULT_NAMESPACE_ID } from '../src/protocol/ids.js'
import { JSON_PLAIN } from '../src/protocol/payload.js'
import { DEFAULT_SETTINGS } from '../src/protocol/settings.js'
import type { LocalWorkflowTask, LocalWorkflowWorker } from '../src/protocol/local-workers.js'
import { ShardController } from '../src/shard/controller.js'
import { level } from '../src/storage/level.js'
import { memory } from '../src/storage/memory.js'

const seconds = Number(process.argv[2] ?? 5)
const concurrency = Number(process.argv[3] ?? 512)
const folder = mkdtempSync(join(tmpdir(), 'bare-worker-'))
const medium = process.argv[4] === 'memory' ? memory() : level(folder)

const rounds: (() => void)[] = []
const ready: LocalWorkflowTask[] = []
let isArmed = false
function soon(): void {
  if (isArmed) return
  isArmed = true
  systemClock.soon(() => {
    isArmed = false
    for (const task of ready.splice(0)) step(task)
    for (const fn of rounds.splice(0)) fn()
  })
}

const input = [{ metadata: JSON_PLAIN, data: Buffer.from(JSON.stringify({ id: 1, note: 'x'.repeat(60) })) }]

function step(task: LocalWorkflowTask): void {
  for (let event = task.nextEvent(); event !== undefined; event = task.nextEvent()) {
    if (event.eventType === 'WorkflowExecutionStarted') {
      task.code = 1
      task.complete([
        { type: 'ScheduleActivityTask', activityId: '0', activityType: 'charge', input, startToCloseTimeoutMs: 60_000 },
      ])
      return
    }
    if (event.eventType === 'ActivityTaskCompleted') {
      task.complete([{ type: 'CompleteWorkflowExecution', result: input }])
      return
    }
  }
}

const workflowWorker: LocalWorkflowWorker = {
  accepts: () => true,
  fingerprint: () => '',
  wake: (task) => {
    ready.push(task)
    soon()
  },
  query: () => Promise.reject(new Error('nobody asks here')),
  evicted: () => {},
}
const activityWorker: HistoryParts['activityWorker'] = {
  reserve: () => true,
  release: () => {},
  run: (_task, done) => done({ type: 'completed', result: input }),
  cancel: () => {},
  isRunning: () => false,
}

const controller = new ShardController({
  mediumFactory: medium,
  shardCount: 512,
  host: 'bench',
  newIncarnation: () => `i${process.pid}`,
  clock: systemClock,
  random: systemRandom,
  logger: {
    ...silentLogger,
    error: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  },
  leaseMs: 5000,
  openTimeoutMs: 5000,
  reopenInitialMs: 100,
  reopenMaximumMs: 1000,
  afterRound: (fn) => {
    rounds.push(fn)
    soon()
  },
  onOpened: (opened, shards) => history.opened(opened, shards),
  onLost: (shard, error) => history.lost(shard, error),
  onFailed: (error) => history.failed(error),
})
let requestCount = 0
const history: History = new History({
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  settings: DEFAULT_SETTINGS,
  searchAttributes: new Map(),
  identity: 'bench@host',
  sdk: 'bench',
  controller,
  matching: (starter) =>
    new Matching({
      clock: systemClock,
      logger: silentLogger,
      settings: DEFAULT_SETTINGS,
      starter,
      newRequestId: () => `r${requestCount++}`,
    }),
  workflowWorker,
  activityWorker,
  newRequestId: () => `r${requestCount++}`,
})
await controller.open()

let done = 0
const latencies: number[] = []
const warmUntil = performance.now() + 1000
let from = 0
let firstStats = controller.stats
const until = warmUntil + seconds * 1000
async function one(lane: number): Promise<void> {
  for (let n = 0; performance.now() < until; n++) {
    const began = performance.now()
    if (from === 0 && began > warmUntil) {
      from = began
      done = 0
      firstStats = controller.stats
    }
    const { closed } = await history.verbs.startWorkflow({
      namespaceId: DEFAULT_NAMESPACE_ID,
      workflowId: `${(Math.imul(lane * 7919 + n, 2654435761) >>> 0).toString(36)}-${lane}-${n}`,
      workflowType: 'one',
      taskQueue: 'default',
      input,
      workflowExecutionTimeoutMs: 0,
      workflowRunTimeoutMs: 0,
      workflowTaskTimeoutMs: 0,
      workflowIdReusePolicy: 'AllowDuplicate',
      identity: 'bench@host',
      requestId: `q${requestCount++}`,
      isFreshRequestId: true,
    })
    await closed.wait()
    done++
    if (from > 0) latencies.push(performance.now() - began)
  }
}
await Promise.all(Array.from({ length: concurrency }, (_, lane) => one(lane)))
const elapsed = (performance.now() - from) / 1000
latencies.sort((a, b) => a - b)
const stats = controller.stats
process.stdout.write(
  `${JSON.stringify({
    perSecond: Math.round(done / elapsed),
    p50Ms: latencies[latencies.length >> 1],
    p99Ms: latencies[Math.floor(latencies.length * 0.99)],
    rowsPerExecution: (stats.rowCount - firstStats.rowCount) / done,
    flushesPerSecond: (stats.flushCount - firstStats.flushCount) / elapsed,
    rssMb: Math.round(process.memoryUsage().rss / 1e6),
  })}\n`,
)
history.close(new LoomError('LOOM_CLOSED', 'the bench is over'))
await controller.close()
rmSync(folder, { recursive: true, force: true })
