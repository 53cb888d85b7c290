/** A logger that says with each line what it is about. */
import type { Logger } from '../base/log.js'

export class BoundLog implements Logger {
  readonly #logger: Logger
  readonly #about: object

  constructor(logger: Logger, about: object) {
    this.#logger = logger
    this.#about = about
  }

  debug(fields: object, message: string): void {
    this.#logger.debug({ ...this.#about, ...fields }, message)
  }
  info(fields: object, message: string): void {
    this.#logger.info({ ...this.#about, ...fields }, message)
  }
  warn(fields: object, message: string): void {
    this.#logger.warn({ ...this.#about, ...fields }, message)
  }
  error(fields: object, message: string): void {
    this.#logger.error({ ...this.#about, ...fields }, message)
  }
}
