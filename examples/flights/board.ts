/** What the runner has been told: the flights by what was acknowledged of them. It outlives every worker. */
import type { Landing } from './data.js'
import type { Report } from './radio.js'

export class Board {
  readonly total: number
  /** Run id of each flight whose start was acknowledged, by index. */
  readonly started = new Map<number, string>()
  /** Flights whose gate signal was acknowledged. */
  readonly gated = new Set<number>()
  readonly landed = new Map<number, Landing>()
  /** Acknowledgements that said something new. */
  ackCount = 0
  /** Two workers that told different things of one flight. */
  readonly contradictions: string[] = []

  constructor(total: number) {
    this.total = total
  }

  get isDone(): boolean {
    return this.landed.size === this.total && this.gated.size === this.total
  }

  /** From 0 to 1. */
  get share(): number {
    return this.landed.size / this.total
  }

  /** Those that may be in the air, as far as anybody was told. */
  get inTheAir(): readonly number[] {
    return [...this.started.keys()].filter((index) => !this.landed.has(index))
  }

  /** True when it was news. */
  note(report: Report): boolean {
    const before = this.ackCount
    switch (report.report) {
      case 'started':
        this.#noteStarted(report.index, report.runId)
        break
      case 'gated':
        if (!this.gated.has(report.index)) this.ackCount++
        this.gated.add(report.index)
        break
      case 'landed':
        this.#noteLanded(report.index, report.landing)
        break
      default:
      // The others acknowledge nothing.
    }
    return this.ackCount > before
  }

  #noteStarted(index: number, runId: string): void {
    const known = this.started.get(index)
    if (known === undefined) this.ackCount++
    else if (known !== runId) this.contradictions.push(`flight ${index} was started as ${known}, and again as ${runId}`)
    this.started.set(index, runId)
  }

  #noteLanded(index: number, landing: Landing): void {
    const known = this.landed.get(index)
    if (known === undefined) this.ackCount++
    else if (known.report !== landing.report)
      this.contradictions.push(`flight ${index} landed twice: ${known.report}; ${landing.report}`)
    this.landed.set(index, landing)
  }
}
