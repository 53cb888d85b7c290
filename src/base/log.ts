/** Where the library speaks: pino's method names, so that a pino logger fits as it is. */

/** The shape of a pino logger's methods: fields first, then a sentence. */
export interface Logger {
  /** For whoever looks for the cause of something. */
  debug(fields: object, message: string): void
  /** What happens in the ordinary course. */
  info(fields: object, message: string): void
  /** Something failed and is dealt with. */
  warn(fields: object, message: string): void
  /** Somebody should look at this. */
  error(fields: object, message: string): void
}

const silent = (): void => {}

/** Says nothing: the default. */
export const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent }
