/** The examples of the guides say what their pages say, also when they are killed and run again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runProgram } from './programs.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shardloom-example-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const LISBON = `+ flight to Lisbon
+ hotel in Lisbon
- car in Lisbon
- hotel in Lisbon
- flight to Lisbon
Failed: workflow trip-to-Lisbon failed: activity 'book' failed: no cars left
`
const OSLO = `+ flight to Oslo
+ hotel in Oslo
+ car in Oslo
- car in Oslo
- hotel in Oslo
- flight to Oslo
Canceled: workflow trip-to-Oslo gave way to a cancel request: cancelled
`
const ROME = `+ flight to Rome
+ hotel in Rome
+ car in Rome
Rome for 900
`

test.each([
  ['approval', 'queries'],
  ['cart', 'signals'],
  ['cron', 'cron'],
  ['deploy', 'deploying'],
])('%s says what its page, %s.md, says', async (example, page) => {
  const { code, said } = await runProgram([resolve(`examples/${example}/main.ts`)], folder)

  expect(code).toBe(0)
  expect(said).not.toBe('')
  expect(readFileSync(`docs/guide/${page}.md`, 'utf8')).toContain(`\`\`\`\n${said}\`\`\``)
})

test('saga: what fails or is called off is given back, last things first', async () => {
  const end = await runProgram([resolve('examples/saga/main.ts')], folder)

  expect(end).toEqual({ code: 0, said: LISBON + OSLO + ROME })
  expect(readFileSync('docs/guide/sagas.md', 'utf8')).toContain(LISBON)
})

test('saga: killed while it gives back it goes on with that, and run once more it says how all ended', async () => {
  const saga = [resolve('examples/saga/main.ts'), join(folder, 'data')]
  const killed = await runProgram(saga, folder, (said, child) => {
    if (said.includes('- car in Lisbon')) child.kill('SIGKILL')
  })
  expect(killed.code).toBeNull()

  const second = await runProgram(saga, folder)
  const third = await runProgram(saga, folder)

  expect(second.code).toBe(0)
  expect(second.said).toContain(LISBON.slice(LISBON.indexOf('- flight')))
  expect(second.said).not.toContain('+ flight to Lisbon')
  expect(third).toEqual({ code: 0, said: [LISBON, OSLO, ROME].map((said) => said.split('\n').at(-2) + '\n').join('') })
})
