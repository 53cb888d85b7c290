/**
 * The worker process: opens the loom, does what the runner orders, and reports each thing when it is durable.
 *
 * It keeps nothing of its own. It may be killed at any moment, and the next one goes on.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { isLoomError, level, openLoom } from '../../src/index.js' // 'shardloom'
import { readFlights } from './data.js'
import { flightDefinitions, type Perform } from './flights.js'
import { Ledger } from './ledger.js'
import { listen, type Order, type Report } from './radio.js'
import { ledgerPath, SHARD_COUNT, storeFolder, workflowIdOf } from './store.js'

const [folder, incarnation] = process.argv.slice(2) as [string, string]
const flights = readFlights(Infinity)
const ledger = new Ledger(ledgerPath(folder), incarnation)

/** The one place with effects: some work, which takes a moment, and the line in the ledger that says it was done. */
const perform: Perform = async (context, work) => {
  const { idempotencyKey: key, attempt } = context
  if (attempt > 1) tell({ report: 'retried', key })
  await pause(1 + (key.charCodeAt(0) % 4))
  const result = work()
  ledger.write(key, attempt)
  return result
}

const { flight, definitions } = flightDefinitions(perform)
const loom = await openLoom({ medium: level(storeFolder(folder)), shardCount: SHARD_COUNT, definitions })
tell({ report: 'open' })

const underWay = new Set<Promise<void>>()
listen<Order>(process.stdin, (order) => {
  const done = order.order === 'fly' ? fly(order.index) : gate(order.index, order.gate)
  underWay.add(done)
  void done.finally(() => underWay.delete(done))
})
process.stdin.on('end', () => void Promise.all(underWay).then(() => loom.close()))

/** The same request id each time: a flight that was started before is found, and not started again. */
async function fly(index: number): Promise<void> {
  const workflowId = workflowIdOf(index)
  const handle = await loom.start(flight, { workflowId, requestId: workflowId, input: flights[index]! })
  tell({ report: 'started', index, runId: handle.runId })
  tell({ report: 'landed', index, landing: await handle.result() })
}

async function gate(index: number, name: string): Promise<void> {
  try {
    await loom.handle(flight, workflowIdOf(index)).signal('gate', { gate: name }, { requestId: 'gate' })
  } catch (error) {
    // It had been told before, by a worker that died before it could say so, and has landed since.
    if (!isLoomError(error, 'LOOM_EXECUTION_CLOSED')) throw error
  }
  tell({ report: 'gated', index })
}

function tell(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`)
}
