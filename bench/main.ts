/**
 * `npm run bench`: what the built package does on this machine, beside what its storage could do, as a table.
 *
 *     --only W1,W2          of W1, W2, W3, W4, W6, open
 *     --medium level        or memory; both by default
 *     --seconds 20          of each measurement, after a warm-up of 2
 *     --quick               short: shows that it runs
 *     --json FILE           the figures, as an array
 *     --docs                writes the table into docs/measurements.md
 *     --prototype FOLDER    ours beside the prototype of the hot path, in pairs, instead
 *     --pairs 3
 *     --node-args=--cpu-prof   for the processes that are measured; one text, with "="
 */
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { buildAll } from './built-package.js'
import { casesOf, WORKLOAD_NAMES, type Case, type Extent } from './cases.js'
import { Children } from './children.js'
import { writeMeasurements } from './docs.js'
import { tableOf, type Figures } from './figures.js'
import { comparePrototype } from './prototype.js'

const FULL: Extent = {
  warmupSeconds: 2,
  seconds: 20,
  sleeperCount: 10_000,
  parkedCount: 10_000,
  ringShards: 131_072,
}
const QUICK: Extent = { ...FULL, warmupSeconds: 1, seconds: 2 }

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: WORKLOAD_NAMES.join(',') },
    medium: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
    prototype: { type: 'string' },
    pairs: { type: 'string', default: '3' },
    'node-args': { type: 'string', default: '' },
  },
})

const only = flags.only.split(',')
const unknown = only.filter((name) => !WORKLOAD_NAMES.some((known) => known === name))
if (unknown.length > 0) throw new Error(`--only ${unknown.join(',')}: there are ${WORKLOAD_NAMES.join(', ')}`)
if (flags.medium !== undefined && !['level', 'memory'].includes(flags.medium)) {
  throw new Error(`--medium ${flags.medium}: level or memory`)
}
const shortOrFull = flags.quick ? QUICK : FULL
const extent: Extent = { ...shortOrFull, seconds: Number(flags.seconds ?? shortOrFull.seconds) }

const children = new Children(await buildAll(), flags['node-args'].split(' ').filter(Boolean))
if (flags.prototype === undefined) await measureAll()
else await compare(flags.prototype)

async function measureAll(): Promise<void> {
  const rows: Figures[] = []
  for (const one of casesOf(extent).filter(isWanted)) {
    const { workload, medium, concurrency } = one
    process.stderr.write(`${workload}, ${medium}, ${concurrency} at once\n`)
    rows.push({ workload, medium, concurrency, ...(await one.run(children, extent)) })
    if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(rows, undefined, 2)}\n`)
  }
  console.log(tableOf(rows))
  if (flags.docs) writeMeasurements(rows, extent.seconds)
}

function isWanted({ workload, medium }: Case): boolean {
  return only.includes(workload) && (flags.medium === undefined || flags.medium === medium)
}

async function compare(source: string): Promise<void> {
  if (!existsSync(source)) throw new Error(`--prototype ${source}: no such folder`)
  const { warmupSeconds, seconds } = extent
  await comparePrototype(children, { source, pairs: Number(flags.pairs), warmupSeconds, seconds, only })
}
