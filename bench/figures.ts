/** What a bench says, and how it is shown. */

export type MediumName = 'level' | 'memory'

/** A field is absent where it does not apply. */
export interface Figures {
  readonly workload: string
  readonly medium: MediumName
  /** Callers at once. */
  readonly concurrency: number
  /** Units a second. */
  readonly perSecond?: number
  readonly unit?: string
  /** Of an execution, start to result; of a signal's acknowledgement (W4); of how late it was (W3). */
  readonly p50Ms?: number
  readonly p99Ms?: number
  /** The same rows, written by a bare chained batch. */
  readonly ceilingPerSecond?: number
  readonly ceilingP50Ms?: number
  readonly loopDelayP99Ms?: number
  /** Turns of an execution that wrote something; with nobody else about they are flushes. */
  readonly commitsPerExecution?: number
  /** Heads included. */
  readonly rowsPerExecution?: number
  /** Of all threads of the process, the callers' part included: moves less than the rates when others use the machine. */
  readonly cpuMicrosPerExecution?: number
  /** The most that was resident, of the process that did the work. */
  readonly rssMb?: number
  /** W6: from process start until all have completed. `open`: of `openLoom`. */
  readonly recoverMs?: number
}

export interface Latencies {
  readonly p50Ms: number
  readonly p99Ms: number
}

export function latenciesOf(samplesMs: readonly number[]): Latencies {
  const sorted = Float64Array.from(samplesMs).sort()
  const at = (part: number): number =>
    rounded(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0)
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}

/** To three places below 10, one above, none from 1,000 on. */
export function rounded(value: number): number {
  if (value >= 1000) return Math.round(value)
  return Number(value.toFixed(value < 10 ? 3 : 1))
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const [below, above] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (below! + above!) / 2
}

const HEADINGS: readonly (readonly [heading: string, cell: (row: Figures) => unknown])[] = [
  ['workload', (row) => row.workload],
  ['medium', (row) => row.medium],
  ['at once', (row) => row.concurrency],
  ['per second', (row) => row.perSecond],
  ['unit', (row) => row.unit],
  ['p50 ms', (row) => row.p50Ms],
  ['p99 ms', (row) => row.p99Ms],
  ['ceiling /s', (row) => row.ceilingPerSecond],
  ['of ceiling', ({ perSecond, ceilingPerSecond }) => perSecond! / ceilingPerSecond! || undefined],
  ['ceiling p50', (row) => row.ceilingP50Ms],
  ['loop p99', (row) => row.loopDelayP99Ms],
  ['commits', (row) => row.commitsPerExecution],
  ['rows', (row) => row.rowsPerExecution],
  ['CPU us', (row) => row.cpuMicrosPerExecution],
  ['RSS MB', (row) => row.rssMb],
  ['recover ms', (row) => row.recoverMs],
]

export function tableOf(rows: readonly Figures[]): string {
  return aligned([
    HEADINGS.map(([heading]) => heading),
    ...rows.map((row) => HEADINGS.map(([, cell]) => shown(cell(row)))),
  ])
}

/** Columns side by side; the first line is their heading. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column]!)).join('  ')).join('\n')
}

export function shown(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'number' ? rounded(value).toLocaleString('en') : String(value)
}
