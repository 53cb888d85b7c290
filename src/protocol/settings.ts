/**
 * Every bound and interval of a loom: plain data, each with its unit in its name and a default. `openLoom({ settings })` takes
 * any part of it; docs/settings.md is made of the descriptions here.
 */
import { z } from 'zod'

const KIB = 1024
const MIB = 1024 * KIB

const count = (fallback: number, description: string, least = 1): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(least).max(1e9).default(fallback).describe(description)
const ms = (fallback: number, description: string, least = 0): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(least).max(1e12).default(fallback).describe(description)

export const settingsSchema = z.strictObject({
  executionCacheCount: count(
    50_000,
    'Executions kept in memory; those with something in flight are never evicted. 0: no others are.',
    0,
  ),
  codeCacheCount: count(
    10_000,
    'Executions whose workflow code is kept in memory, ready to go on without replay. 0: each task replays it.',
    0,
  ),
  maxCausesPerLocalTask: count(
    1000,
    'Things that happen to an execution within one local workflow task; later ones open the next.',
  ),
  maxConcurrentActivities: count(1000, 'Attempts that one worker runs at once, unless the worker says otherwise.'),
  maxBacklogInMemoryCount: count(
    1000,
    'Tasks of one task queue kept in memory while no worker is free; the rest is read when it drains.',
  ),
  maxPollersPerTaskQueue: count(1000, 'Polls that may wait at one task queue.'),
  maxPendingQueries: count(1000, 'Queries that wait for workers of other processes.'),
  queryTimeoutMs: ms(10_000, 'How long a query waits for a worker of another process.'),
  maxPayloadBytes: count(
    2 * MIB,
    'Payloads of one input, result, signal or heartbeat, or details of one failure, together; more is refused. At most a quarter of a commit of the medium.',
  ),
  warnPayloadBytes: count(
    512 * KIB,
    'What one request, or the commands of one workflow task, may bring without a warning.',
  ),
  maxTurnBytes: count(
    3 * MIB,
    'Payloads that one turn of an execution may bring in, and write as commands: a workflow task with more fails. At most 3/8 of a commit of the medium.',
  ),
  maxMemoBytes: count(2 * MIB, 'The memo of an execution, all of its values together; a bigger one is refused.'),
  maxSearchAttributeCount: count(100, 'Search attributes of an execution.'),
  maxSearchAttributeBytes: count(2 * KIB, 'One search attribute; a bigger one is refused.'),
  maxSearchAttributesBytes: count(40 * KIB, 'The search attributes of an execution, with their names.'),
  maxHistoryEvents: count(51_200, 'Events of one run; one with more is terminated.'),
  warnHistoryEvents: count(10_240, 'From so many events on a run is worth a warning.'),
  maxHistoryBytes: count(50 * MIB, 'History of one run, as stored; one with more is terminated.'),
  warnHistoryBytes: count(10 * MIB, 'From so much history on a run is worth a warning.'),
  maxStateBytes: count(
    8 * MIB,
    'What an execution holds beside its history: pending items, heartbeat details, failures, request ids, buffered events. One with more is terminated.',
  ),
  warnStateBytes: count(MIB, 'From so much of that on an execution is worth a warning.'),
  maxPendingActivities: count(2000, 'Activities of one execution that are open; a command for more fails its task.'),
  maxSignalsPerExecution: count(10_000, 'Signals of one run; further ones are refused.'),
  maxWaitingSignals: count(
    10_000,
    'Signals that wait for the turn of one execution; further ones are refused for now.',
  ),
  maxBufferedEvents: count(100, 'Events that wait for the end of a held workflow task; more end it.'),
  maxBufferedBytes: count(2 * MIB, 'Weight of the events that wait for the end of a held workflow task; more end it.'),
  maxKeptFailureBytes: count(
    4 * KIB,
    'Failure of an attempt that is kept for the next one; of a bigger one only what matters most.',
  ),
  maxLimitWarningsPerMinute: count(60, 'Lines in the log that say that a limit is near or was reached.'),
  maxHistoryPageEvents: count(1000, 'Events of one page of `history`.'),
  openIdFilterBytes: count(2 * MIB, 'Counting filter of open workflow ids: spares a read at each start.'),
  filterSliceMs: ms(2, 'Longest piece of work at a time while the filter is filled after open.'),
  rebuildSliceMs: ms(4, 'Longest piece of work at a time while a long history is rebuilt.'),
  timerLookAheadMs: ms(
    300_000,
    'Timers due within this are kept in memory; later ones are read when their time comes near.',
    // Each quarter of it the next are read.
    100,
  ),
  stalledRetryMs: ms(600_000, 'How long a stalled execution waits before unchanged code is tried again.'),
  dueRetryInitialMs: ms(1000, 'Wait after the first failure to handle a task of a queue; doubles.'),
  dueRetryMaximumMs: ms(60_000, 'Longest wait between tries of a task of a queue.'),
  maxTaskAttempts: count(70, 'Failures of a task of a queue before it goes to the dead letters.'),
  reopenInitialMs: ms(100, 'Wait before a broken medium is opened again; doubles.'),
  reopenMaximumMs: ms(10_000, 'Longest wait between tries to open a broken medium.'),
  retentionMs: z
    .number()
    .int()
    .min(1)
    .max(1e12)
    .optional()
    .describe('How long an execution is kept after it has closed; then it is deleted. Without it, for ever.'),
  retentionSweepMs: ms(1000, 'Least pause between looks for executions whose retention is over.', 10),
  retentionSliceMs: ms(2, 'Longest piece of work at a time while they are deleted: one for each commit.'),
  maxDeletedRows: count(1000, 'Rows that a delete takes away in one commit; a longer history takes several.'),
  leaseMs: ms(5000, 'How long a host that went silent keeps its shards, where a medium is shared.'),
  openTimeoutMs: ms(30_000, 'How long `openLoom` waits for shards that another host still holds.'),
})

/** Bounds and intervals, all with defaults; see the descriptions of each field. */
export type Settings = z.output<typeof settingsSchema>
/** Any part of the settings. */
export type SettingsInput = z.input<typeof settingsSchema>

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({})
