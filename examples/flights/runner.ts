/**
 * The runner: keeps a number of flights in the air, kills its worker at random moments, and starts another.
 *
 * A kill counts when it came between 5 % and 95 % of the way, after at least 100 new acknowledgements, and cut short at
 * least one attempt of an activity: the worker after it says so by trying one again.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Board } from './board.js'
import { gateOf } from './data.js'
import { listen, type Order, type Report } from './radio.js'

const IN_THE_AIR = 400
const FIRST_KILL = 0.05
const LAST_KILL = 0.95
const MIN_ACKS_BETWEEN_KILLS = 100
const MAX_KILL_JITTER_MS = 20

/** How a worker came back after the one before had been killed; ms since its process was started. */
export interface Recovery {
  /** The loom takes calls. */
  openMs: number
  /** The first acknowledgement of something new. */
  firstAckMs: number
  /** The first of the flights that had been in the air has landed. */
  resumedMs: number
}

/** What the runner did. */
export interface Run {
  readonly elapsedMs: number
  /** Kills that count. */
  readonly kills: number
  readonly workers: number
  readonly recoveries: readonly Recovery[]
}

export interface RunnerOptions {
  readonly kills: number
  readonly seed: number
  readonly onProgress: () => void
  readonly onKill: (line: string) => void
}

type Worker = ChildProcessByStdio<Writable, Readable, null>

export class Runner {
  readonly #folder: string
  readonly #board: Board
  readonly #onProgress: () => void
  readonly #onKill: (line: string) => void
  readonly #random: () => number
  readonly #wantedKills: number
  readonly #recoveries: Recovery[] = []
  #worker!: Worker
  #workers = 0
  #spawnedAt = 0
  #nextIndex = 0
  #kills = 0
  #killAt = 0
  #acksAtKill = 0
  #isKillDue = false
  /** The last kill may count: its successor has not tried anything again yet. */
  #isKillUnproven = false
  #wasInTheAir: ReadonlySet<number> = new Set()

  constructor(folder: string, board: Board, options: RunnerOptions) {
    this.#folder = folder
    this.#board = board
    this.#wantedKills = options.kills
    this.#onProgress = options.onProgress
    this.#onKill = options.onKill
    this.#random = seeded(options.seed)
    this.#planKill()
  }

  /** Resolves when every flight was said to have landed, and the last worker has left in peace. */
  async run(): Promise<Run> {
    const startedAt = performance.now()
    for (;;) {
      this.#spawn()
      const [code, signal] = (await once(this.#worker, 'close')) as [number | null, NodeJS.Signals | null]
      if (signal === 'SIGKILL') continue
      if (code !== 0) throw new Error(`the worker left by itself: code ${code}, signal ${signal}`)
      const elapsedMs = performance.now() - startedAt
      return { elapsedMs, kills: this.#kills, workers: this.#workers, recoveries: this.#recoveries }
    }
  }

  #spawn(): void {
    const program = fileURLToPath(new URL('worker.ts', import.meta.url))
    this.#workers++
    this.#spawnedAt = performance.now()
    this.#worker = spawn(process.execPath, ['--import', 'tsx', program, this.#folder, `worker-${this.#workers}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // Orders on their way to a worker that is killed are lost with it; the next one gets them again.
    this.#worker.stdin.on('error', () => {})
    listen<Report>(this.#worker.stdout, (report) => this.#hear(report))
    this.#wasInTheAir = new Set(this.#board.inTheAir)
    if (this.#workers > 1) this.#recoveries.push({ openMs: 0, firstAckMs: 0, resumedMs: 0 })
    for (const index of this.#unfinished()) this.#order({ order: 'fly', index })
    this.#keepFlying()
  }

  /** Ordered, and not known to have landed or to have been told its gate. */
  #unfinished(): readonly number[] {
    const { landed, gated } = this.#board
    return Array.from({ length: this.#nextIndex }, (_, index) => index).filter(
      (index) => !landed.has(index) || !gated.has(index),
    )
  }

  #hear(report: Report): void {
    const wasNews = this.#board.note(report)
    this.#time(report, wasNews)
    if (report.report === 'started' && !this.#board.gated.has(report.index))
      this.#order({ order: 'gate', index: report.index, gate: gateOf(report.index) })
    if (report.report === 'retried' && this.#isKillUnproven) this.#countKill()
    if (report.report === 'landed') this.#keepFlying()
    if (this.#board.isDone) this.#worker.stdin.end()
    this.#onProgress()
    this.#killIfDue()
  }

  #keepFlying(): void {
    const { total, landed } = this.#board
    while (this.#nextIndex < total && this.#nextIndex - landed.size < IN_THE_AIR)
      this.#order({ order: 'fly', index: this.#nextIndex++ })
  }

  #order(order: Order): void {
    this.#worker.stdin.write(`${JSON.stringify(order)}\n`)
  }

  // ---- kills

  /** Somewhere in this kill's part of the way. */
  #planKill(): void {
    const part = (LAST_KILL - FIRST_KILL) / this.#wantedKills
    this.#killAt = FIRST_KILL + part * (this.#kills + 0.8 * this.#random())
  }

  #killIfDue(): void {
    if (this.#isKillDue || this.#kills === this.#wantedKills || this.#isKillUnproven || !this.#mayKill()) return
    this.#isKillDue = true
    setTimeout(() => this.#kill(this.#worker), this.#random() * MAX_KILL_JITTER_MS)
  }

  #mayKill(): boolean {
    const { share, ackCount } = this.#board
    return share >= this.#killAt && share <= LAST_KILL && ackCount - this.#acksAtKill >= MIN_ACKS_BETWEEN_KILLS
  }

  #kill(worker: Worker): void {
    this.#isKillDue = false
    if (!this.#mayKill()) return
    worker.kill('SIGKILL')
    this.#acksAtKill = this.#board.ackCount
    this.#isKillUnproven = true
    this.#onKill(`kill -9 of worker ${this.#workers} at ${(100 * this.#board.share).toFixed(1)} %`)
  }

  #countKill(): void {
    this.#isKillUnproven = false
    this.#kills++
    this.#planKill()
  }

  #time(report: Report, wasNews: boolean): void {
    const recovery = this.#recoveries.at(-1)
    if (recovery === undefined) return
    const sinceMs = performance.now() - this.#spawnedAt
    if (report.report === 'open') recovery.openMs = sinceMs
    if (wasNews) recovery.firstAckMs ||= sinceMs
    if (report.report === 'landed' && this.#wasInTheAir.has(report.index)) recovery.resumedMs ||= sinceMs
  }
}

/** Numbers in [0, 1), the same for the same seed: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let z = Math.imul(state ^ (state >>> 15), 1 | state)
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
}
