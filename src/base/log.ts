/** Where the library speaks: pino's method names, so that a pino logger fits as it is. */

/** The shape of a pino logger's methods: fields first, then a sentence. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const silent = (): void => {}

/** Says nothing: the default. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }
