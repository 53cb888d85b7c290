/** The command as it is run: a process, its exit code, and what it says. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'

const FITS = 'test/check/fixtures/order.ts'
const DIFFERS = 'test/check/fixtures/order-changed.ts'
const HIDDEN = 'test/check/fixtures/order-hidden.ts'
const HISTORY = 'test/check/fixtures/order-temporal.json'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shardloom-check-'))
  return () => rm(folder, { recursive: true })
})

function shardloom(...args: string[]): Promise<{ code: number; out: string; error: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], (_, out, error) =>
      resolve({ code: child.exitCode ?? -1, out, error }),
    )
    onTestFinished(() => void child.kill())
  })
}

test('0: all of them fit', async () => {
  expect(await shardloom('check-replay', FITS, HISTORY, HISTORY)).toEqual({
    code: 0,
    out: `${HISTORY}: fits (order, 18 events)\n`.repeat(2),
    error: '',
  })
})

test('1: one of them differs, and it says where', async () => {
  const { code, out } = await shardloom('check-replay', DIFFERS, HISTORY)

  expect(code).toBe(1)
  expect(out).toContain(`${HISTORY}: differs at event 8 (order)\n`)
  expect(out).toContain('  - 8  history has TimerStarted (id 2, 86400000 ms)\n')
})

test('2: a history cannot be decoded with the dataConverter that the module exports', async () => {
  const { code, out, error } = await shardloom('check-replay', HIDDEN, HISTORY)

  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(error).toBe(`${HISTORY}: input of workflow 'order': a codec cannot decode it: the key is lost\n`)
})

test('2: something cannot be read, and the others are checked all the same', async () => {
  const [broken, other] = [join(folder, 'broken.json'), join(folder, 'other.json')]
  await writeFile(broken, '{')
  await writeFile(
    other,
    JSON.stringify({
      events: [
        {
          eventId: '1',
          eventTime: '2026-01-01T00:00:00Z',
          eventType: 'WorkflowExecutionStarted',
          workflowExecutionStartedEventAttributes: { workflowType: { name: 'other' } },
        },
      ],
    }),
  )

  const { code, out, error } = await shardloom(
    'check-replay',
    DIFFERS,
    broken,
    other,
    join(folder, 'none.json'),
    HISTORY,
  )

  expect(code).toBe(2)
  expect(out).toContain('differs at event 8')
  const [first, second, third] = error.split('\n')
  expect(first).toMatch(/broken\.json: .*JSON/)
  expect(second).toContain("it is of workflow 'other', which the module does not export")
  expect(third).toContain('ENOENT')
})

test('2: no such module, a module without workflows, no files, no such command', async () => {
  const runs = await Promise.all([
    shardloom('check-replay', 'no-such-module.ts', HISTORY),
    shardloom('check-replay', 'test/property-seed.ts', HISTORY),
    shardloom('check-replay', FITS),
    shardloom('replay'),
  ])

  expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2])
  expect(runs[1].error).toContain('it exports nothing that workflow() made')
  expect(runs[3].error).toContain('usage: shardloom check-replay')
})
