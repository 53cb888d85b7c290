/** How much one turn may carry: everything that comes from outside is weighed before it is staged. */
import { LoomError } from '../base/errors.js'
import type { Command } from '../protocol/command.js'
import type { HistoryEvent } from '../protocol/event.js'
import type { Payloads } from '../protocol/payload.js'

export function payloadsBytes(payloads: Payloads | undefined): number {
  let bytes = 0
  if (payloads !== undefined) for (const { data } of payloads) bytes += data.length
  return bytes
}

/** Throws LOOM_INVALID_ARGUMENT, naming `path`, when one of them is bigger than `maxBytes`. */
export function checkPayloads(payloads: Payloads | undefined, maxBytes: number, path: string): void {
  if (payloads === undefined) return
  for (const { data } of payloads) {
    if (data.length > maxBytes) {
      throw new LoomError(
        'LOOM_INVALID_ARGUMENT',
        `${path}: a payload of ${data.length} bytes; at most ${maxBytes} are allowed`,
      )
    }
  }
}

export function commandsBytes(commands: readonly Command[]): number {
  let bytes = 0
  for (const command of commands) {
    if (command.type === 'ScheduleActivityTask') bytes += payloadsBytes(command.input)
    else if (command.type === 'CompleteWorkflowExecution') bytes += payloadsBytes(command.result)
    else if (command.type === 'FailWorkflowExecution' && command.failure?.type === 'application')
      bytes += payloadsBytes(command.failure.details)
  }
  return bytes
}

/** Of what one cause brings into the turn. */
export function causeBytes(event: HistoryEvent): number {
  switch (event.eventType) {
    case 'WorkflowExecutionSignaled':
      return payloadsBytes(event.attributes.input)
    case 'ActivityTaskCompleted':
      return payloadsBytes(event.attributes.result)
    default:
      return 0
  }
}
