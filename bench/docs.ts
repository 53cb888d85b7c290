/** Writes the table of a run into docs/measurements.md, between its two markers. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { tableOf, type Figures } from './figures.js'

const PATH = resolve(import.meta.dirname, '../docs/measurements.md')
const BEGIN = '<!-- bench: begin (npm run bench -- --docs) -->'
const END = '<!-- bench: end -->'

export function writeMeasurements(rows: readonly Figures[], secondsEach: number): void {
  const text = readFileSync(PATH, 'utf8')
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from === -1 || to < from) throw new Error(`${PATH}: no ${BEGIN} and ${END} behind it`)
  const table = ['```', tableOf(rows), '```'].join('\n')
  const made = `${BEGIN}\n\n${machine()}; ${secondsEach} s each.\n\n${table}\n\n`
  writeFileSync(PATH, text.slice(0, from) + made + text.slice(to))
}

function machine(): string {
  const cores = cpus()
  const memoryGb = Math.round(totalmem() / 2 ** 30)
  return `${cores.length} cores (${cores[0]?.model.trim() || 'unknown'}), ${memoryGb} GB, Node ${process.versions.node}`
}
