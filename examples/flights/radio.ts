/** What the runner and its worker tell each other, through the worker's stdin and stdout: one JSON text a line. */
import type { Readable } from 'node:stream'
import type { Landing } from './data.js'

/** From the runner: what to do. */
export type Order =
  | { readonly order: 'fly'; readonly index: number }
  | { readonly order: 'gate'; readonly index: number; readonly gate: string }

/** From the worker. All but `open` and `retried` are acknowledgements: what they say is durable, and stays true. */
export type Report =
  | { readonly report: 'open' }
  | { readonly report: 'started'; readonly index: number; readonly runId: string }
  | { readonly report: 'gated'; readonly index: number }
  | { readonly report: 'landed'; readonly index: number; readonly landing: Landing }
  /** An attempt that is not the first: the one before was cut short. */
  | { readonly report: 'retried'; readonly key: string }

/** Calls `hear` for each whole line. What a killed process could not finish is not heard. */
export function listen<T>(stream: Readable, hear: (message: T) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) hear(JSON.parse(line) as T)
  })
}
