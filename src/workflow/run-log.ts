/** `ctx.log`: silent while the code is replayed, since its lines were written when it ran first. */
import type { Logger } from '../base/log.js'
import type { LogLine } from './host.js'

export class RunLog implements Logger {
  readonly #run: { readonly isReplaying: boolean; enter(api: string): boolean }
  readonly #host: { log(line: LogLine): void }

  constructor(run: { readonly isReplaying: boolean; enter(api: string): boolean }, host: { log(line: LogLine): void }) {
    this.#run = run
    this.#host = host
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message)
  }
  info(fields: object, message: string): void {
    this.#write('info', fields, message)
  }
  warn(fields: object, message: string): void {
    this.#write('warn', fields, message)
  }
  error(fields: object, message: string): void {
    this.#write('error', fields, message)
  }

  #write(level: LogLine['level'], fields: object, message: string): void {
    if (!this.#run.enter('log') || this.#run.isReplaying) return
    // As it is now: the line is written later, where reading a field must not throw.
    this.#host.log({ level, fields: { ...fields }, message })
  }
}
