/** How far the flights are: a bar that is drawn over itself, or a line for each tenth where nobody watches. */
import type { Board } from './board.js'

const WIDTH = 40
const REDRAW_MS = 100

export class Progress {
  readonly #board: Board
  readonly #out: NodeJS.WriteStream
  readonly #startedAt = performance.now()
  #drawnAt = 0
  #tenths = 0

  constructor(board: Board, out: NodeJS.WriteStream = process.stderr) {
    this.#board = board
    this.#out = out
  }

  show(): void {
    const { isDone, share } = this.#board
    if (this.#out.isTTY) {
      if (!isDone && performance.now() - this.#drawnAt < REDRAW_MS) return
      this.#drawnAt = performance.now()
      const done = Math.round(share * WIDTH)
      this.#out.write(`\r${'█'.repeat(done)}${'░'.repeat(WIDTH - done)} ${this.#words()}`)
    } else if (Math.floor(share * 10) > this.#tenths) {
      this.#tenths = Math.floor(share * 10)
      this.#out.write(`${this.#words()}\n`)
    }
  }

  /** Room for a line of its own. */
  say(line: string): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K')
    this.#out.write(`${line}\n`)
  }

  #words(): string {
    const { landed, total, share } = this.#board
    const seconds = (performance.now() - this.#startedAt) / 1000
    return `${Math.floor(share * 100)} %, ${landed.size} of ${total} flights landed, ${seconds.toFixed(1)} s`
  }
}
