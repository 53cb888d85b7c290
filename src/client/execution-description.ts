/**
 * What `describe` of a handle gives: the description that history gives, with user data decoded.
 *
 * Invariant: an execution can be described whatever its data look like: a value that cannot be read here is shown as its payload.
 */
import { isLoomError } from '../base/errors.js'
import type { WorkflowDescription } from '../protocol/description.js'
import type { Payload } from '../protocol/payload.js'
import type { DataConverter } from '../workflow/data-converter.js'
import { decodeValue, type MemoValues } from '../workflow/memo.js'
import { decodeSearchAttributes, type SearchAttributeValues } from '../workflow/search-attributes.js'
import { openedDescription } from './opened-description.js'

/** An execution as `handle.describe()` shows it: its facts, and what it waits for. */
export interface WorkflowExecutionDescription extends Omit<WorkflowDescription, 'memo' | 'searchAttributes'> {
  /** What it was started with and `ctx.upsertMemo` has changed since. A value that cannot be read here is shown as its payload. */
  readonly memo: MemoValues
  /** What it was started with and `ctx.upsertSearchAttributes` has changed since. */
  readonly searchAttributes: SearchAttributeValues
}

export function decodedDescription(
  description: WorkflowDescription,
  converter: DataConverter,
): WorkflowExecutionDescription {
  const { memo = {}, searchAttributes, ...rest } = openedDescription(description, converter)
  const values = Object.entries(memo).map(([key, payload]) => [key, decodedOrNot(payload, converter)])
  return {
    ...rest,
    memo: Object.fromEntries(values) as MemoValues,
    searchAttributes: decodeSearchAttributes(searchAttributes),
  }
}

function decodedOrNot(payload: Payload, converter: DataConverter): unknown {
  try {
    return decodeValue(payload, 'memo', converter)
  } catch (error) {
    if (!isLoomError(error)) throw error
    return payload
  }
}
