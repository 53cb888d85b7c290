/**
 * The outside world of the example: a file to which each activity adds one line before it returns. Whoever does
 * something twice, or says that he did and did not, is found out by it.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** One effect of an activity. */
export interface LedgerLine {
  /** Of the activity: the same in all its attempts. */
  readonly key: string
  readonly attempt: number
  /** Which of the worker processes it was. */
  readonly incarnation: string
}

/** Open for adding: what was written stays, whatever becomes of this process. */
export class Ledger {
  readonly #file: number
  readonly #incarnation: string

  constructor(path: string, incarnation: string) {
    this.#file = openSync(path, 'a')
    this.#incarnation = incarnation
  }

  /** Written when it returns. */
  write(key: string, attempt: number): void {
    writeSync(this.#file, `${key} ${attempt} ${this.#incarnation}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** The lines of each key, in the order in which they were written. */
export function readLedger(path: string): Map<string, LedgerLine[]> {
  const lines = new Map<string, LedgerLine[]>()
  if (!existsSync(path)) return lines
  // What stands behind the last line break was never written to its end.
  for (const text of readFileSync(path, 'utf8').split('\n').slice(0, -1)) {
    const [key, attempt, incarnation] = text.split(' ') as [string, string, string]
    const line = { key, attempt: Number(attempt), incarnation }
    const ofKey = lines.get(key)
    if (ofKey === undefined) lines.set(key, [line])
    else ofKey.push(line)
  }
  return lines
}

/**
 * What is wrong with the lines of one activity that completed in attempt `attempt`: '' when nothing is. An attempt that a
 * kill cut short may have left its line or not; the one that completed must have left it.
 */
export function ledgerProblem(lines: readonly LedgerLine[] | undefined, attempt: number): string {
  if (lines === undefined) return 'completed, and left no line in the ledger'
  const attempts = lines.map((line) => line.attempt)
  if (lines.length > attempt) return `${lines.length} lines in the ledger, but ${attempt} attempts in its history`
  if (new Set(attempts).size < attempts.length) return `an attempt left two lines: ${attempts.join(', ')}`
  if (!attempts.includes(attempt)) return `attempt ${attempt} completed it, and left no line: ${attempts.join(', ')}`
  if (Math.max(...attempts) > attempt) return `attempt ${Math.max(...attempts)} left a line after it had completed`
  return ''
}
