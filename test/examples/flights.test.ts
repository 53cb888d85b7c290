/** The flights example does what it says, and would say so if something were lost or done twice. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Board } from '../../examples/flights/board.js'
import { gateOf, readFlights } from '../../examples/flights/data.js'
import { flightDefinitions } from '../../examples/flights/flights.js'
import { Ledger, ledgerProblem, readLedger, type LedgerLine } from '../../examples/flights/ledger.js'
import { workflowIdOf } from '../../examples/flights/store.js'
import { plainLanding, verifyFlights } from '../../examples/flights/verify.js'
import { memory, openLoom, type Loom } from '../../src/index.js'

const DEMO = fileURLToPath(new URL('../../examples/flights/demo.ts', import.meta.url))

test('all of its data is there', () => {
  const flights = readFlights(Infinity)

  expect(flights).toHaveLength(20_000)
  expect(flights[0]).toEqual({ date: '2001/01/01 00:47', delay: 66, distance: 1750, origin: 'DTW', destination: 'LAS' })
})

test('flights survive the death of their worker, and the demo proves it', { timeout: 120_000 }, async () => {
  const { code, said } = await runDemo('--flights', '600', '--kills', '1', '--seed', '3')

  expect(said).toContain('1 kills that count')
  expect(said).toContain('nothing lost, nothing recorded twice')
  expect(code).toBe(0)
})

describe('the check', () => {
  const flights = readFlights(3)
  let folder: string
  let path: string
  let loom: Loom
  let board: Board
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shardloom-flights-test-'))
    path = join(folder, 'ledger.txt')
    const ledger = new Ledger(path, 'w1')
    const { flight, definitions } = flightDefinitions(async ({ idempotencyKey, attempt }, work) => {
      ledger.write(idempotencyKey, attempt)
      return work()
    })
    loom = await openLoom({ medium: memory(), shardCount: 4, definitions })
    board = new Board(flights.length)
    for (const [index, input] of flights.entries()) {
      const handle = await loom.start(flight, { workflowId: workflowIdOf(index), input })
      board.note({ report: 'started', index, runId: handle.runId })
      await handle.signal('gate', { gate: gateOf(index) })
      board.note({ report: 'gated', index })
      board.note({ report: 'landed', index, landing: await handle.result() })
    }
    ledger.close()
  })
  afterEach(async () => {
    await loom.close()
    rmSync(folder, { recursive: true })
  })

  const problems = async (ledger = readLedger(path)): Promise<readonly string[]> =>
    (await verifyFlights(loom, flights, board, ledger)).problems

  test('finds nothing where nothing is wrong', async () => {
    const { events, effects, cutShort } = await verifyFlights(loom, flights, board, readLedger(path))

    expect(await problems()).toEqual([])
    expect(events).toBeGreaterThan(90)
    expect([effects, cutShort]).toEqual([15, 0])
  })

  test('finds an effect that is missing, one too many, and one of nobody', async () => {
    const lines = readLedger(path)
    const [first, second] = [...lines.keys()] as [string, string]
    lines.delete(first)
    lines.get(second)!.push({ key: second, attempt: 1, incarnation: 'w2' })
    lines.set('nobody/0', [{ key: 'nobody/0', attempt: 1, incarnation: 'w2' }])

    const found = (await problems(lines)).join('\n')

    expect(found).toContain(`activity ${first} completed, and left no line`)
    expect(found).toContain(`activity ${second} 2 lines in the ledger, but 1 attempts`)
    expect(found).toContain('lines of nobody/0')
  })

  test('finds results that are not those that were told', async () => {
    board.landed.set(1, { ...board.landed.get(1)!, report: 'something else' })
    board.started.set(2, 'another run')
    board.note({ report: 'landed', index: 0, landing: plainLanding(flights[0]!, 'Z9') })

    const found = (await problems()).join('\n')

    expect(found).toContain('flight 1: another result was told')
    expect(found).toContain('flight 2: run')
    expect(found).toContain('flight 0 landed twice')
  })

  test('finds a flight that is not there', async () => {
    await expect(verifyFlights(loom, readFlights(4), board, readLedger(path))).rejects.toMatchObject({
      code: 'LOOM_NOT_FOUND',
    })
  })
})

test.each([
  { attempts: [1], attempt: 1, problem: '' },
  { attempts: [2], attempt: 2, problem: '' },
  { attempts: [1, 3], attempt: 3, problem: '' },
  { attempts: [1, 2], attempt: 1, problem: '2 lines in the ledger, but 1 attempts in its history' },
  { attempts: [2, 2], attempt: 2, problem: 'an attempt left two lines: 2, 2' },
  { attempts: [1], attempt: 2, problem: 'attempt 2 completed it, and left no line: 1' },
  { attempts: [2, 3], attempt: 2, problem: 'attempt 3 left a line after it had completed' },
])(
  'lines of attempts $attempts for one that completed in attempt $attempt: "$problem"',
  ({ attempts, attempt, problem }) => {
    const lines = attempts.map((one): LedgerLine => ({ key: 'k', attempt: one, incarnation: 'w' }))

    expect(ledgerProblem(lines, attempt)).toBe(problem)
  },
)

test('a ledger that a kill cut short in the middle of a line is read as far as it goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-ledger-'))
  writeFileSync(join(folder, 'ledger.txt'), 'a 1 w1\na 2 w2\nb')

  const lines = readLedger(join(folder, 'ledger.txt'))

  expect(lines.get('a')?.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(lines.has('b')).toBe(false)
  rmSync(folder, { recursive: true })
})

async function runDemo(...options: string[]): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', DEMO, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, said }
}
