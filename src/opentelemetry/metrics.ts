/** Metrics: two distributions that are recorded as things happen, and numbers that are read when somebody collects. */
import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { LoomStats } from '../client/admin.js'
import type { HostObserver } from '../client/interceptors.js'

interface Read {
  readonly name: string
  readonly description: string
  readonly kind: 'counter' | 'gauge'
  readonly of: keyof LoomStats
}

const READS: readonly Read[] = [
  { name: 'commits', kind: 'counter', of: 'flushCount', description: 'Commits written' },
  {
    name: 'commits.fenced',
    kind: 'counter',
    of: 'fencedCount',
    description: 'Commits refused: another host had the shard',
  },
  { name: 'transitions', kind: 'counter', of: 'turnCount', description: 'Turns of executions that were written' },
  { name: 'rows', kind: 'counter', of: 'rowCount', description: 'Rows written' },
  { name: 'cache.hits', kind: 'counter', of: 'executionHitCount', description: 'Executions found in memory' },
  { name: 'cache.reads', kind: 'counter', of: 'executionReadCount', description: 'Executions read back from rows' },
  { name: 'executions.cached', kind: 'gauge', of: 'executionCount', description: 'Executions in memory' },
  { name: 'executions.stalled', kind: 'gauge', of: 'stalledCount', description: 'Executions whose code cannot go on' },
  { name: 'queue.timers', kind: 'gauge', of: 'timerCount', description: 'Timers and time-outs that wait' },
  { name: 'queue.backlog', kind: 'gauge', of: 'backlogCount', description: 'Tasks that wait for a worker' },
  { name: 'queue.dead_letters', kind: 'gauge', of: 'deadLetterCount', description: 'Tasks that were given up' },
  { name: 'activities.running', kind: 'gauge', of: 'runningActivityCount', description: 'Attempts that run' },
]

export function metricsObserver(meter: Meter): HostObserver {
  const latency = meter.createHistogram('shardloom.transition.latency', {
    unit: 'ms',
    description: 'From a turn to its durable commit: the longest of each commit',
  })
  const lag = meter.createHistogram('shardloom.queue.lag', {
    unit: 'ms',
    description: 'How late timers and time-outs were handled: the latest of those due together',
  })
  return {
    opened: (stats) => observeNumbers(meter, stats),
    committed: ({ latencyMs }) => latency.record(latencyMs),
    due: (latenessMs) => lag.record(latenessMs),
  }
}

/** Read once a collection, whatever the number of instruments. */
function observeNumbers(meter: Meter, stats: () => LoomStats): () => void {
  const instruments = READS.map(
    ({ name, kind, of, description }): { readonly of: Read['of']; readonly at: Observable } => {
      const options = { description }
      const full = `shardloom.${name}`
      const at =
        kind === 'counter' ? meter.createObservableCounter(full, options) : meter.createObservableGauge(full, options)
      return { of, at }
    },
  )
  const read = (result: BatchObservableResult): void => {
    const now = stats()
    for (const { of, at } of instruments) result.observe(at, now[of])
  }
  const all = instruments.map(({ at }) => at)
  meter.addBatchObservableCallback(read, all)
  return () => meter.removeBatchObservableCallback(read, all)
}
