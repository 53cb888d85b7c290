/** The programs that the docs tell to run do what the docs say, also when they are killed and run again. */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram, writePageProgram } from './programs.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shardloom-guide-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('the program of the README goes on after kill -9, and says the same once more', async () => {
  const hello = [resolve('examples/hello/main.ts'), join(folder, 'data')]
  const killed = await runProgram(hello, folder, (said, child) => {
    if (said.includes('charging 10')) child.kill('SIGKILL')
  })
  expect(killed.code).toBeNull()

  const second = await runProgram(hello, folder)
  const third = await runProgram(hello, folder)

  expect(second).toMatchObject({ code: 0, said: expect.stringContaining('receipt of 42, approved by ada') as string })
  expect(third).toEqual({ code: 0, said: 'receipt of 42, approved by ada\n' })
})

test('the first guide can be followed to its end', async () => {
  const page = 'docs/guide/first-workflow.md'
  const killed = await runProgram([writePageProgram(page, folder, '## Signal, and wait')], folder, (said, child) => {
    if (said.includes('durable: trip-of-ada')) child.kill('SIGKILL')
  })
  expect(killed.code).toBeNull()

  const whole = writePageProgram(page, folder)
  const second = await runProgram([whole], folder)
  const third = await runProgram([whole], folder)

  const bill = /^seat for Ada to Lisbon \(\S+\) and room in Lisbon, charged to 4242$/m
  expect(second.code).toBe(0)
  expect(second.said).toMatch(bill)
  expect(second.said).toContain('on its way')
  expect(second.said).toContain('WorkflowExecutionCompleted')
  expect(second.said).toContain('options.workflowId')
  expect(third.code).toBe(0)
  expect(bill.exec(third.said)![0]).toBe(bill.exec(second.said)![0])
  expect(third.said).toContain('Completed ')
})

test('the guide to testing is a test that passes', async () => {
  const { code, said } = await runProgram([writePageProgram('docs/guide/testing.md', folder)], folder)

  expect({ code, said }).toEqual({ code: 0, said: '' })
})

test('the guide to checking replays is a test that passes', async () => {
  const { code, said } = await runProgram([writePageProgram('docs/guide/checking-replays.md', folder)], folder)

  expect({ code, said }).toEqual({ code: 0, said: '' })
})

test('the program of changing code runs under its new name', async () => {
  const { code, said } = await runProgram([writePageProgram('docs/guide/changing-code.md', folder)], folder)

  expect({ code, said }).toEqual({ code: 0, said: 'on its way, 12 kg\n' })
})

test('the program of operating waits for the store, ends in order on SIGTERM, and takes it up again', async () => {
  const program = writePageProgram('docs/guide/operating.md', folder)
  const asked: string[] = []
  const untilSignal = (signal: NodeJS.Signals) => (said: string, child: ChildProcess) => {
    if (said.includes('deadLetters') && !asked.includes(signal)) {
      asked.push(signal)
      // The other one is waiting for the store by now.
      setTimeout(() => child.kill(signal), 1000)
    }
  }

  const first = runProgram([program], folder, untilSignal('SIGTERM'))
  const second = runProgram([program], folder, untilSignal('SIGINT'))

  expect([(await first).code, (await second).code]).toEqual([0, 0])
  expect(asked).toHaveLength(2)
})
