/** The smallest program of the README runs, says what it should, and ends by itself. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)

test('examples/hello prints the receipt, twice on the same folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hello-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const hello = async (): Promise<string> => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/hello/main.ts', folder])
    return stdout
  }

  expect(await hello()).toMatch(/ charging 10\nreceipt of 42, approved by ada\n$/)
  // The order is the same one: nothing is charged again.
  expect(await hello()).toBe('receipt of 42, approved by ada\n')
})
