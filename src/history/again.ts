/** Something that failed and is tried again: on the wheel of its host, so that nothing is left of it when that closes. */
import { WheelEntry } from '../queue/wheel.js'

export class Again extends WheelEntry {
  readonly #act: () => void

  constructor(dueAtMs: number, act: () => void) {
    super(dueAtMs, 0)
    this.#act = act
  }

  fire(): void {
    this.#act()
  }
}
