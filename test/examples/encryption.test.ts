/** The encryption example does what it says, and what it writes holds nothing in clear. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { level, openLoom, workflow } from '../../src/index.js'
import { runProgram, writePageProgram } from './programs.js'

const EXAMPLE = resolve('examples/encryption/main.ts')
const CHILD = resolve('test/examples/encryption-child.ts')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shardloom-encryption-test-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('it rotates its key, misses one, finds it again, and leaves no word in clear', async () => {
  const { code, said } = await runProgram([EXAMPLE, join(folder, 'data')], folder)

  expect(said.split('\n')).toEqual([
    'Ada: a sore toe: gout, agreed by her aunt',
    'keys in the history of ada: spring, autumn',
    "bob is stalled: input of workflow 'admission': a codec cannot decode it: there is no key 'spring' here",
    'Bob: a stiff knee: gout, agreed by his sister',
    'keys in the history of bob: spring, autumn',
    "LOOM_CODEC_FAILED: result of workflow bob: nothing here reads the encoding 'binary/encrypted'",
    'words in clear on disk: none',
    '',
  ])
  expect(code).toBe(0)
  // Names are in clear; so the words would be found if they were there.
  expect(onDisk('admission')).toBe(true)
  for (const word of ['sore toe', 'stiff knee', 'gout', 'aunt', 'sister']) expect(onDisk(word)).toBe(false)
})

test('the guide can be followed to its end', async () => {
  const page = 'docs/guide/encrypting-payloads.md'
  const { code, said } = await runProgram([writePageProgram(page, folder)], folder)

  expect(said.split('\n')).toEqual([
    'a sore toe: gout',
    'true',
    "result of workflow ada: nothing here reads the encoding 'binary/encrypted'",
    '',
  ])
  expect(code).toBe(0)
})

test('without a codec the words are found on disk', async () => {
  const told = workflow({ name: 'told' }, (_, input: string) => Promise.resolve(`${input} and gout`))
  for (const input of ['a sore toe', 'a stiff knee']) {
    const loom = await openLoom({ medium: level(join(folder, 'data')), shardCount: 16, definitions: [told] })
    await loom.execute(told, { workflowId: input, input })
    await loom.close()
  }

  for (const word of ['sore toe', 'stiff knee', 'gout']) expect(onDisk(word)).toBe(true)
})

test('what is encrypted goes on after kill -9', async () => {
  const data = join(folder, 'data')
  for (const at of ['counting 20;', 'counting 40;']) {
    const { code } = await runProgram([CHILD, data], folder, (said, child) => {
      if (said.includes(at)) child.kill('SIGKILL')
    })
    expect(code).toBeNull()
  }

  const last = await runProgram([CHILD, data], folder)

  expect(last.said).not.toContain('counting 20;')
  expect(last.said).toContain('result 60')
  expect(last.code).toBe(0)
})

function onDisk(word: string): boolean {
  const data = join(folder, 'data')
  return readdirSync(data).some((name) => readFileSync(join(data, name)).includes(word))
}
