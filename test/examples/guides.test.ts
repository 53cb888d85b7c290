/** The programs that the docs tell to run do what the docs say, also when they are killed and run again. */
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
