/** What interceptors have a hand in besides calls of ctx: signals on their way to the code, and queries. */
import type { EventAttributes } from '../protocol/event.js'
import type { WorkflowInfo } from './context.js'
import { decodeHeaders } from './headers.js'
import { through, type WorkflowHooks } from './interceptors.js'
import type { AroundQuery } from './queries.js'
import type { Signals } from './signals.js'

interface Home {
  readonly hooks: WorkflowHooks | undefined
  readonly signals: Signals
  readonly info: WorkflowInfo
  readonly isReplaying: boolean
}

export function deliverSignal(home: Home, attributes: EventAttributes['WorkflowExecutionSignaled']): void {
  const { signalName, input, header } = attributes
  const { hooks, signals } = home
  if (hooks === undefined) return signals.deliver(signalName, input)
  const { info, isReplaying } = home
  const call = { info, signalName, headers: decodeHeaders(header), isReplaying }
  through(hooks.handleSignal, call, () => signals.deliver(signalName, input))
}

/** Undefined: nobody intercepts queries. */
export function aroundQuery({ hooks, info }: Pick<Home, 'hooks' | 'info'>, queryType: string): AroundQuery | undefined {
  if (hooks === undefined) return undefined
  return (argument, ask) => through(hooks.handleQuery, { info, queryType, argument }, (given) => ask(given.argument))
}
