/** What a loaded process says once it holds, one JSON text a line. The model takes it at its word for ever. */

export type Ack =
  | { readonly ack: 'open' }
  /** `isOurs`: this start made the run, else it found it. */
  | { readonly ack: 'started'; readonly workflowId: string; readonly runId: string; readonly isOurs: boolean }
  /** `after` was acknowledged before this one was sent. */
  | { readonly ack: 'signaled'; readonly runId: string; readonly id: string; readonly after: string | undefined }
  | { readonly ack: 'terminated'; readonly runId: string; readonly reason: string }
  /** Said before it is asked for: from now on the run may be gone. */
  | { readonly ack: 'deleting'; readonly runId: string }
  | { readonly ack: 'deleted'; readonly runId: string }
  /** What `result()` gave, or how it said that the run ended. */
  | { readonly ack: 'ended'; readonly runId: string; readonly status: string; readonly value: unknown }
  /** Nothing is left to do. */
  | { readonly ack: 'drained' }

export const TERMINATED_BY_LOAD = 'enough'
/** How a delete ends what is open. */
export const DELETED = 'Delete workflow execution'
