/**
 * `npm run golden -- [FOLDER]`: holds us to what a Temporal server recorded. Every scenario of the folder is run, or skipped
 * with what it needs that does not exist yet; for one that fails, what differs is printed. The last line is
 * `N passed, N failed, N skipped`. With `--docs` nothing is run: the list in docs/fidelity.md is written anew.
 */
import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { writeFidelityDocs } from './docs.js'
import { judge, type Verdict } from './judge.js'
import { listScenarioFiles, readScenario } from './scenario.js'
import { openSystem, openSystemWithCode } from './system.js'

const SCENARIOS = resolve(import.meta.dirname, 'scenarios')

async function main(args: readonly string[]): Promise<void> {
  if (args.includes('--docs')) return writeFidelityDocs(SCENARIOS)
  const folder = args.find((arg) => !arg.startsWith('-'))
  const verdicts = await judgeFolder(folder === undefined ? SCENARIOS : fromWhereAsked(folder))
  const count = (type: Verdict['type']): number => verdicts.filter((verdict) => verdict.type === type).length
  const failed = count('failed')
  console.log(`${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped`)
  if (failed > 0) process.exitCode = 1
}

async function judgeFolder(folder: string): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = []
  for (const path of listScenarioFiles(folder)) {
    const verdict = await judgeFile(path)
    const name = basename(path, '.json')
    if (verdict.type === 'failed')
      console.log([`FAILED ${name}`, ...verdict.lines.map((line) => `  ${line}`)].join('\n'))
    if (verdict.type === 'skipped') console.log(`skipped ${name}: ${verdict.missing.join(', ')}`)
    verdicts.push(verdict)
  }
  return verdicts
}

async function judgeFile(path: string): Promise<Verdict> {
  try {
    return await judge(readScenario(path), { open: openSystem, openWithCode: openSystemWithCode })
  } catch (error) {
    return { type: 'failed', lines: [`not a scenario: ${(error as Error).message}`] }
  }
}

/** npm runs scripts in the package's folder, wherever it was called. */
function fromWhereAsked(folder: string): string {
  const asked = resolve(process.env['INIT_CWD'] ?? '.', folder)
  return existsSync(asked) ? asked : resolve(folder)
}

await main(process.argv.slice(2))
