/**
 * 20,000 real flights, a workflow for each, in a worker process that is killed at random moments; then proof that nothing
 * was lost and nothing recorded twice. `npm run demo -- --flights 2000 --kills 3 --seed 7`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { level, openLoom } from '../../src/index.js' // 'shardloom'
import { Board } from './board.js'
import { readFlights } from './data.js'
import { readLedger } from './ledger.js'
import { Progress } from './progress.js'
import { Runner, type Run } from './runner.js'
import { ledgerPath, SHARD_COUNT, storeFolder } from './store.js'
import { verifyFlights, type Verification } from './verify.js'

const { values: options } = parseArgs({
  options: {
    flights: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e6)) },
  },
})
const wantedKills = Number(options.kills)
const flights = readFlights(Number(options.flights))
const folder = mkdtempSync(join(tmpdir(), 'shardloom-flights-'))
const board = new Board(flights.length)
const progress = new Progress(board)

console.log(`${flights.length} flights, ${wantedKills} kills, seed ${options.seed}`)
const runner = new Runner(folder, board, {
  kills: wantedKills,
  seed: Number(options.seed),
  onProgress: () => progress.show(),
  onKill: (line) => progress.say(line),
})
const run = await runner.run()
const startedAt = performance.now()
const verification = await verify()
tell(run, verification, (performance.now() - startedAt) / 1000)

const isWell = verification.problems.length === 0 && run.kills >= wantedKills
if (isWell) rmSync(folder, { recursive: true })
else console.log(`seed ${options.seed}; what is left is in ${folder}`)
process.exitCode = isWell ? 0 : 1

async function verify(): Promise<Verification> {
  // No definitions: nothing could run here, even if something were left to do.
  const loom = await openLoom({ medium: level(storeFolder(folder)), shardCount: SHARD_COUNT, definitions: [] })
  try {
    return await verifyFlights(loom, flights, board, readLedger(ledgerPath(folder)))
  } finally {
    await loom.close()
  }
}

function tell({ elapsedMs, kills, workers, recoveries }: Run, checked: Verification, verifySeconds: number): void {
  const { problems, events, effects, cutShort } = checked
  const seconds = elapsedMs / 1000
  console.log(
    `${flights.length} flights in ${seconds.toFixed(1)} s: ${Math.round(flights.length / seconds)} flights/s, ` +
      `${Math.round(events / seconds)} events/s, restarts of ${workers} workers included`,
  )
  for (const [at, { openMs, firstAckMs, resumedMs }] of recoveries.entries()) {
    console.log(
      `after kill ${at + 1}: open in ${Math.round(openMs)} ms, first acknowledgement after ${Math.round(firstAckMs)} ms, ` +
        `a flight that was in the air landed after ${Math.round(resumedMs)} ms (from the start of the process)`,
    )
  }
  console.log(`${kills} kills that count; ${cutShort} attempts of activities cut short and made again`)
  console.log(
    `${board.ackCount} acknowledgements, ${effects} effects and ${events} events checked in ${verifySeconds.toFixed(1)} s`,
  )
  for (const problem of problems.slice(0, 20)) console.log(`WRONG: ${problem}`)
  if (problems.length > 0) console.log(`${problems.length} things are wrong`)
  else if (kills < wantedKills) console.log(`only ${kills} of ${wantedKills} kills came at a moment that counts`)
  else console.log('nothing lost, nothing recorded twice')
}
