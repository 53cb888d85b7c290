/**
 * The application's logger, called when no workflow code can be disturbed by it: behind the last slot of a train.
 *
 * Invariant: lines keep their order, and what the logger throws goes to the application and nowhere else.
 */
import type { Logger } from '../base/log.js'
import type { LogLine } from '../workflow/host.js'
import type { Train } from '../workflow/train.js'

export class DeferredLog implements Logger {
  readonly #logger: Logger
  readonly #train: Train

  constructor(logger: Logger, train: Train) {
    this.#logger = logger
    this.#train = train
  }

  debug(fields: object, message: string): void {
    this.#train.later(() => this.#logger.debug(fields, message))
  }
  info(fields: object, message: string): void {
    this.#train.later(() => this.#logger.info(fields, message))
  }
  warn(fields: object, message: string): void {
    this.#train.later(() => this.#logger.warn(fields, message))
  }
  error(fields: object, message: string): void {
    this.#train.later(() => this.#logger.error(fields, message))
  }
}

export function writeLine(logger: Logger, about: object, { level, fields, message }: LogLine): void {
  const all = { ...about, ...fields }
  switch (level) {
    case 'debug':
      return logger.debug(all, message)
    case 'info':
      return logger.info(all, message)
    case 'warn':
      return logger.warn(all, message)
    case 'error':
      return logger.error(all, message)
  }
}
