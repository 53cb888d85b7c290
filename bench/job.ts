/** What a child process is told to do, and what it answers: one line of JSON each. */
import type { Figures, Latencies, MediumName } from './figures.js'
import type { ExecutionShape } from './shape.js'

/** Workloads that run by themselves in one process. */
export type LoopName = 'W1' | 'W2' | 'W3' | 'W4'

/** By type. `folder` is fresh, unless another job has left its store there. */
export interface Jobs {
  readonly load: Load & { readonly workload: LoopName }
  readonly ceiling: Load & { readonly shape: ExecutionShape; readonly unitsPerExecution: number }
  readonly shape: { readonly workload: LoopName; readonly folder: string }
  readonly park: Parked
  readonly wake: Parked
  readonly fill: Ring
  readonly open: Ring
}
export type JobType = keyof Jobs

export interface Load {
  readonly medium: MediumName
  readonly folder: string
  readonly concurrency: number
  readonly warmupSeconds: number
  readonly seconds: number
}

export interface Parked {
  readonly folder: string
  readonly count: number
}

export interface Ring {
  readonly folder: string
  readonly shardCount: number
}

/** `commit` is the latency of each durable wait, `execution` that of all of one execution. */
export interface Ceiling {
  readonly perSecond: number
  readonly commit: Latencies
  readonly execution: Latencies
}

export interface Answers {
  readonly load: Partial<Figures>
  readonly ceiling: Ceiling
  readonly shape: ExecutionShape
  /** The process stays, to be killed. */
  readonly park: 'parked'
  readonly wake: Partial<Figures>
  readonly fill: 'filled'
  readonly open: Partial<Figures>
}
