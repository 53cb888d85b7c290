/** What an execution says of itself to those who look for it: its memo, and its search attributes. */
import type { ModifyWorkflowPropertiesCommand, UpsertWorkflowSearchAttributesCommand } from '../protocol/command.js'
import type { EventOf, Memo, SearchAttributes } from '../protocol/event.js'
import type { Payload } from '../protocol/payload.js'
import { BadCommandError } from './errors.js'
import type { ExecutionState } from './state.js'
import type { Turn, TurnRules } from './turn.js'
import { namedBytes } from './weights.js'

export function modifyProperties(
  turn: Turn,
  command: ModifyWorkflowPropertiesCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { upsertedMemo } = command
  if (Object.keys(upsertedMemo).length === 0) {
    const detail = 'UpsertedMemo is not set on ModifyWorkflowPropertiesCommand.'
    throw new BadCommandError(command, 'BadModifyWorkflowPropertiesAttributes', detail)
  }
  const detail = memoProblem(merged(turn.state.memo, upsertedMemo, isNull), turn.rules)
  if (detail !== undefined) throw new BadCommandError(command, 'BadModifyWorkflowPropertiesAttributes', detail)
  turn.append('WorkflowPropertiesModified', { workflowTaskCompletedEventId, upsertedMemo })
}

export function upsertSearchAttributes(
  turn: Turn,
  command: UpsertWorkflowSearchAttributesCommand,
  workflowTaskCompletedEventId: number,
): void {
  const { searchAttributes } = command
  if (Object.keys(searchAttributes).length === 0) {
    const detail = 'IndexedFields is not set on UpsertWorkflowSearchAttributesCommand.'
    throw new BadCommandError(command, 'BadSearchAttributes', detail)
  }
  const after = merged(turn.state.searchAttributes, searchAttributes, isNoValue)
  const detail = turn.rules.searchAttributeProblem(searchAttributes, after ?? {})
  if (detail !== undefined) throw new BadCommandError(command, 'BadSearchAttributes', detail)
  turn.append('UpsertWorkflowSearchAttributes', { workflowTaskCompletedEventId, searchAttributes })
}

export function applySearchAttributesUpserted(
  state: ExecutionState,
  { attributes }: EventOf<'UpsertWorkflowSearchAttributes'>,
): void {
  state.searchAttributes = merged(state.searchAttributes, attributes.searchAttributes, isNoValue)
}

export function applyWorkflowPropertiesModified(
  state: ExecutionState,
  { attributes }: EventOf<'WorkflowPropertiesModified'>,
): void {
  state.memo = merged(state.memo, attributes.upsertedMemo, isNull)
}

/** Undefined: the execution may have that memo. */
export function memoProblem(memo: Memo | undefined, { maxMemoBytes }: TurnRules): string | undefined {
  const bytes = namedBytes(memo)
  return bytes > maxMemoBytes ? `memo: ${bytes} bytes; at most ${maxMemoBytes} are allowed` : undefined
}

/** Undefined: the execution may be started with those. */
export function attributesProblem(attributes: SearchAttributes | undefined, rules: TurnRules): string | undefined {
  return attributes && rules.searchAttributeProblem(attributes, attributes)
}

/** A change that `takesAway` leaves nothing of its key. Undefined when nothing is left at all. */
function merged(
  before: Readonly<Record<string, Payload>> | undefined,
  changes: Readonly<Record<string, Payload>>,
  takesAway: (value: Payload) => boolean,
): Readonly<Record<string, Payload>> | undefined {
  const after = { ...before, ...changes }
  const kept = Object.entries(after).filter(([key, value]) => !Object.hasOwn(changes, key) || !takesAway(value))
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

/** A payload is opaque but for this. */
function isNull(value: Payload): boolean {
  return value.metadata['encoding'] === 'binary/null' || isJson(value, 'null')
}

function isNoValue(value: Payload): boolean {
  return isNull(value) || isJson(value, '[]')
}

function isJson({ metadata, data }: Payload, text: string): boolean {
  return metadata['encoding'] === 'json/plain' && data.length === text.length && Buffer.from(data).toString() === text
}
