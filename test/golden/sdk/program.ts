/**
 * What a program of test/golden/sdk is: workflow code of ours that does what the scenario's `program` says.
 */
import type { Json, JsonObject } from '../scenario.js'
import type { Definition, Workflow } from '../../../src/workflow/definition.js'

export interface SdkProgram {
  /** Named as the recorded one. */
  readonly main: Workflow
  /** What it is started with. Default: nothing. */
  readonly input?: Json
  readonly memo?: JsonObject
  /** What else its worker must know. */
  readonly others?: readonly Definition[]
  /** Signals without payload that the client sends, in order, once the code waits. */
  readonly signals?: readonly string[]
  /** The client cancels, once the code waits. */
  readonly isCancelled?: boolean
}
