/** What is said of an attempt of an activity: its end, and that it is alive; by the token of its task or by the activity's id. */
import type { Failure } from './failure.js'
import type { ActivityTaskToken, ExecutionTarget } from './ids.js'
import type { Payloads } from './payload.js'

/** The answer to an attempt that has its result. */
export interface RespondActivityTaskCompletedRequest {
  readonly token: ActivityTaskToken
  readonly result: Payloads | undefined
  readonly identity: string
}
/** The answer to an attempt that failed; the retry policy decides what follows. */
export interface RespondActivityTaskFailedRequest {
  readonly token: ActivityTaskToken
  readonly failure: Failure | undefined
  readonly lastHeartbeatDetails?: Payloads | undefined
  readonly identity: string
}
/** The answer to an attempt that was asked to stop, and did. */
export interface RespondActivityTaskCanceledRequest {
  readonly token: ActivityTaskToken
  readonly details: Payloads | undefined
  readonly identity: string
}
/** A running attempt is alive, and has come so far. */
export interface RecordActivityTaskHeartbeatRequest {
  readonly token: ActivityTaskToken
  /** Given to the next attempt, should this one fail. Each heartbeat replaces those of the one before. */
  readonly details: Payloads | undefined
  readonly identity: string
}
/** An activity by its id, in one run or the current one of its workflow id. */
export interface ActivityTarget extends ExecutionTarget {
  readonly activityId: string
}
/** As `RespondActivityTaskCompletedRequest`, to the attempt that is the current one. */
export type RespondActivityTaskCompletedByIdRequest = ById<RespondActivityTaskCompletedRequest>
/** As `RespondActivityTaskFailedRequest`, to the attempt that runs. */
export type RespondActivityTaskFailedByIdRequest = ById<RespondActivityTaskFailedRequest>
/** As `RespondActivityTaskCanceledRequest`, to the attempt that runs. */
export type RespondActivityTaskCanceledByIdRequest = ById<RespondActivityTaskCanceledRequest>
/** As `RecordActivityTaskHeartbeatRequest`, of the attempt that runs. */
export type RecordActivityTaskHeartbeatByIdRequest = ById<RecordActivityTaskHeartbeatRequest>
/** A request that names an activity by its id instead of an attempt by its token. */
export type ById<Request> = Omit<Request, 'token'> & ActivityTarget
/** What a worker hears when it says that its attempt is alive. */
export interface HeartbeatResponse {
  /** The workflow has called it off: it is to stop, and answers that it was canceled. */
  readonly cancelRequested: boolean
}
