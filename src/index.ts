/**
 * shardloom: durable, sharded workflows embedded in a Node process. What `import … from 'shardloom'` gives.
 */
export { openLoom, Loom, type CloseOptions } from './loom.js'
export {
  type ClientInterceptor,
  type CommitReport,
  type EndCall,
  type ExecutionCall,
  type HostObserver,
  type Interceptor,
  type QueryCall,
  type SignalCall,
  type StartCall,
  type StartedRun,
} from './client/interceptors.js'
export {
  type ActivityExecuteCall,
  type ActivityInterceptor,
  type Around,
  type ContinueAsNewCall,
  type HandleQueryCall,
  type HandleSignalCall,
  type RunActivityCall,
  type WorkflowExecuteCall,
  type WorkflowInterceptor,
  type WorkflowTaskReport,
} from './workflow/interceptors.js'
export { type Headers } from './workflow/headers.js'
export { type LoomOptions, type WorkerOptions } from './client/loom-options.js'
export { type DeadLetter } from './history/dead-letters.js'
export { type DeadLetterAdmin, type LoomAdmin, type LoomStats, type ShardDescription } from './client/admin.js'
export {
  type StartOptions,
  type StartSettings,
  type InputOption,
  type PayloadOption,
  type SignalWithStartOptions,
} from './client/start-options.js'
export {
  type QueryOptions,
  type SignalArguments,
  type SignalOptions,
  type StartedHandle,
  WorkflowHandle,
} from './client/handle.js'
export { type WorkflowExecutionDescription } from './client/execution-description.js'
export { ActivityHandle, type ActivityIds } from './client/activity-handle.js'
export { type HistoryOptions, type WorkflowHistory } from './client/history-pages.js'
export { checkReplay, type CheckReplayOptions, type ReplayDifference, type ReplayResult } from './check/check-replay.js'
export { historyJson, type EventJson, type HistoryJson } from './check/history-json.js'
export { type SavedHistory, type TemporalHistoryJson } from './check/saved-history.js'
export { WorkflowFailedError } from './client/errors.js'
export { activity, workflow } from './workflow/define.js'
export type * from './workflow/define.js'
export {
  type Activity,
  type ActivityInput,
  type ActivityResult,
  type Definition,
  type ErasedFunction,
  type ErrorClass,
  type FailOn,
  type QueryAnswer,
  type QueryNames,
  type SignalNames,
  type SignalPayload,
  type SignalSchemas,
  type Workflow,
  type WorkflowInput,
  type WorkflowResult,
} from './workflow/definition.js'
export {
  type ActivityCancellationType,
  type ActivityRunOptions,
  type ActivitySettings,
  type RetryOptions,
} from './workflow/activity-settings.js'
export { type ActivityContext, type ActivityInfo } from './workflow/activity-context.js'
export { type QueryHandler } from './workflow/queries.js'
export { type MemoValues } from './workflow/memo.js'
export {
  type SearchAttributeChanges,
  type SearchAttributeValue,
  type SearchAttributeValues,
} from './workflow/search-attributes.js'
export { type Jsonified } from './workflow/jsonified.js'
export {
  type ContinueAsNewOptions,
  type RaceBranch,
  type RaceOutcome,
  type RunArguments,
  type SignalWait,
  type StepOptions,
  type WorkflowContext,
  type WorkflowInfo,
} from './workflow/context.js'
export { type Compensation, type SagaOptions, type Undo } from './workflow/saga.js'
export {
  ActivityFailure,
  type AnyFailure,
  ApplicationFailure,
  CancelledFailure,
  CompensationFailure,
  FailureError,
  isFailure,
  RetryAfter,
  TerminatedFailure,
  TimeoutFailure,
  type ActivityFailureDetails,
  type ApplicationFailureOptions,
  type CompensationFailureDetails,
  type FailureKind,
} from './workflow/failures.js'
export {
  type Schema,
  type SchemaInput,
  type SchemaIssue,
  type SchemaOutput,
  type SchemaResult,
} from './workflow/schema.js'
export { readPayload as decodePayload } from './workflow/data-converter.js'
export { type DataConverterOptions, type PayloadCodec, type PayloadConverter } from './workflow/payload-codec.js'
export { level, type LevelOptions } from './storage/level.js'
export { memory, memoryStore, type MemoryOptions } from './storage/memory.js'
export { type MemoryStore } from './storage/memory-store.js'
export * from './storage/medium.js'
export { shardOf } from './shard/ring.js'
export { ERROR_CODES, isLoomError, LoomError, type ErrorCode, type LoomErrorOf } from './base/errors.js'
export { type Duration, type Unit } from './base/duration.js'
export { systemClock, type Clock, type TimerHandle } from './base/clock.js'
export { systemRandom, type Random } from './base/random.js'
export { silentLogger, type Logger } from './base/log.js'
export { DEFAULT_SETTINGS, settingsSchema, type Settings, type SettingsInput } from './protocol/settings.js'
export type * from './protocol/activity-requests.js'
export type * from './protocol/description.js'
export type * from './protocol/execution-requests.js'
export type * from './protocol/local-workers.js'
export type * from './protocol/services.js'
export type * from './protocol/start-requests.js'
export type * from './protocol/worker-tasks.js'
export type * from './protocol/matching.js'
export type * from './protocol/event.js'
export type * from './protocol/command.js'
export type * from './protocol/failure.js'
export type * from './protocol/ids.js'
export type * from './protocol/payload.js'
export type * from './protocol/query.js'
export type { SearchAttributeType } from './protocol/search-attributes.js'
export type * from './protocol/retry-policy.js'
