/** How the end of an attempt becomes a turn, whoever told of it. */
import { cancelActivity, completeActivity, failActivity } from '../machine/activity-end.js'
import type { LiveTurn } from '../machine/machine.js'
import type { Failure } from '../protocol/failure.js'
import type { ActivityTaskToken } from '../protocol/ids.js'
import type { ActivityOutcome } from '../protocol/local-workers.js'
import type { Payloads } from '../protocol/payload.js'

/** What a worker says; one elsewhere need not say why it failed. */
export type ToldOutcome =
  | Exclude<ActivityOutcome, { readonly type: 'failed' }>
  | {
      readonly type: 'failed'
      readonly failure: Failure | undefined
      readonly heartbeatDetails?: Payloads | undefined
    }

/** Throws NotFound unless that very attempt runs. */
export function endByOutcome(turn: LiveTurn, token: ActivityTaskToken, outcome: ToldOutcome, identity: string): void {
  if (outcome.type === 'completed') completeActivity(turn, token, { result: outcome.result, identity })
  else if (outcome.type === 'canceled') cancelActivity(turn, token, { details: outcome.details, identity })
  else {
    const { failure, heartbeatDetails: lastHeartbeatDetails } = outcome
    failActivity(turn, token, { failure, identity, lastHeartbeatDetails })
  }
}
