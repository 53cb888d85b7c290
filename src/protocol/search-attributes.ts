/** What an execution can be found by: typed values by names that are registered. Temporal's seven types. */
import { z } from 'zod'

/**
 * 'Bool'; 'Datetime'; 'Double'; 'Int', up to 2⁵³ either way; 'Keyword', found as a whole; 'KeywordList', by each of its
 * texts; 'Text', by its words.
 */
export type SearchAttributeType = 'Bool' | 'Datetime' | 'Double' | 'Int' | 'Keyword' | 'KeywordList' | 'Text'

/** By type: what its values look like in JSON. A datetime is a text of ISO 8601 with its offset from UTC. */
export const SEARCH_ATTRIBUTE_SCHEMAS = {
  Bool: z.boolean(),
  Datetime: z.iso.datetime({ offset: true }),
  Double: z.number(),
  Int: z.number().int(),
  Keyword: z.string(),
  KeywordList: z.array(z.string()),
  Text: z.string(),
} as const satisfies Readonly<Record<SearchAttributeType, z.ZodType>>

/** Every type there is. */
export const SEARCH_ATTRIBUTE_TYPES: readonly SearchAttributeType[] = [
  ...(['Bool', 'Datetime', 'Double', 'Int'] as const),
  ...(['Keyword', 'KeywordList', 'Text'] as const),
]

/** Which search attributes there are. */
export type SearchAttributeTypes = ReadonlyMap<string, SearchAttributeType>

/** Patches of the code, which record themselves. */
export const CHANGE_VERSION = 'TemporalChangeVersion'

/** Nobody has to register them, and nobody but the machinery sets them. */
export const SYSTEM_SEARCH_ATTRIBUTES: SearchAttributeTypes = new Map([[CHANGE_VERSION, 'KeywordList']])

/** Names that mean something to Temporal's visibility: none of yours may be called so. */
export const RESERVED_SEARCH_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['WorkflowId', 'RunId', 'WorkflowType', 'TaskQueue', 'StartTime', 'ExecutionTime', 'CloseTime'],
  ...['ExecutionDuration', 'ExecutionStatus', 'HistoryLength', 'HistorySizeBytes', 'StateTransitionCount'],
  ...['ParentWorkflowId', 'ParentRunId', 'RootWorkflowId', 'RootRunId', 'BuildIds', 'BatcherUser', 'BatcherNamespace'],
])
