/**
 * The part of docs/fidelity.md that follows from the scenarios: which are run, which are not and why, and where we differ.
 * It stands between two marks, so that people may write around it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DIFFERENCES } from './differences.js'
import { missingOf } from './judge.js'
import { listScenarioFiles, readScenario } from './scenario.js'
import { openSystemWithCode } from './system.js'

const FILE = resolve(import.meta.dirname, '../../docs/fidelity.md')
const BEGIN = '<!-- golden: begin (npm run golden -- --docs) -->'
const END = '<!-- golden: end -->'

const NEW_FILE = `# Fidelity

What shardloom records is compared with what a Temporal server recorded, event by event: \`npm run golden\`.

${BEGIN}
${END}
`

export function writeFidelityDocs(scenarioFolder: string): void {
  mkdirSync(dirname(FILE), { recursive: true })
  const text = readFidelityDocs()
  const before = text.slice(0, text.indexOf(BEGIN) + BEGIN.length)
  const after = text.slice(text.indexOf(END))
  writeFileSync(FILE, `${before}\n\n${listScenarios(scenarioFolder)}\n${after}`)
}

/** Is the part up to date? */
export function isFidelityDocsCurrent(scenarioFolder: string): boolean {
  return readFidelityDocs().includes(`${BEGIN}\n\n${listScenarios(scenarioFolder)}\n${END}`)
}

function readFidelityDocs(): string {
  return existsSync(FILE) ? readFileSync(FILE, 'utf8') : NEW_FILE
}

function listScenarios(folder: string): string {
  const scenarios = listScenarioFiles(folder).map((path) => readScenario(path))
  const run: string[] = []
  const waiting = new Map<string, string[]>()
  for (const scenario of scenarios) {
    const missing = missingOf(scenario, { openWithCode: openSystemWithCode })
    if (missing.length === 0) run.push(scenario.name)
    const need = missing.join(', ')
    if (missing.length > 0) waiting.set(need, [...(waiting.get(need) ?? []), scenario.name])
  }
  const needs = [...waiting].sort(([one], [other]) => (one < other ? -1 : 1))
  return [
    `### Scenarios that are run: ${run.length} of ${scenarios.length}`,
    ...run.map((name) => `- ${name}`),
    '### Scenarios that wait for something',
    ...needs.map(([need, names]) => `- ${need}: ${names.join(', ')}`),
    '### Known differences',
    ...DIFFERENCES.map(({ scenario, what, why }) => `- ${scenario}: ${what} ${why}`),
  ]
    .map((line) => (line.startsWith('#') ? `\n${line}\n` : line))
    .join('\n')
    .trimStart()
    .concat('\n')
}
