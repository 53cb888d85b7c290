/** What an execution says of itself beside its history: the memo. */
import type { ModifyWorkflowPropertiesCommand } from '../protocol/command.js'
import type { EventOf, Memo } from '../protocol/event.js'
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
  const detail = memoProblem(merged(turn.state.memo, upsertedMemo), turn.rules)
  if (detail !== undefined) throw new BadCommandError(command, 'BadModifyWorkflowPropertiesAttributes', detail)
  turn.append('WorkflowPropertiesModified', { workflowTaskCompletedEventId, upsertedMemo })
}

export function applyWorkflowPropertiesModified(
  state: ExecutionState,
  { attributes }: EventOf<'WorkflowPropertiesModified'>,
): void {
  state.memo = merged(state.memo, attributes.upsertedMemo)
}

/** Undefined: the execution may have that memo. */
export function memoProblem(memo: Memo | undefined, { maxMemoBytes }: TurnRules): string | undefined {
  const bytes = namedBytes(memo)
  return bytes > maxMemoBytes ? `memo: ${bytes} bytes; at most ${maxMemoBytes} are allowed` : undefined
}

/** Undefined when nothing is left. */
export function merged(before: Memo | undefined, changes: Memo): Memo | undefined {
  const after = { ...before, ...changes }
  const kept = Object.entries(after).filter(([key, value]) => !Object.hasOwn(changes, key) || !isNull(value))
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

/** A value that says that there is none. A payload is opaque but for this. */
function isNull({ metadata, data }: Payload): boolean {
  const encoding = metadata['encoding']
  if (encoding === 'binary/null') return true
  return encoding === 'json/plain' && data.length === 4 && Buffer.from(data).toString() === 'null'
}
