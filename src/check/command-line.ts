/**
 * `shardloom check-replay <module> <files...>`: the definitions that a module exports over histories in files.
 *
 * Exit codes: 0 all fit, 1 one differs, 2 something cannot be read. What differs or cannot be read does not keep the files
 * behind it from being checked.
 */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isMade, type Workflow } from '../workflow/definition.js'
import { checkReplay, startedOf } from './check-replay.js'
import { readSaved } from './saved-history.js'

const USAGE = `usage: shardloom check-replay <module> <files...>

Runs the workflows that <module> exports over saved histories: what history().toJson() gave, or the output of
temporal workflow show --output json. Exit code: 0 all fit, 1 one differs, 2 something cannot be read.
`

const FITS = 0
const DIFFERS = 1
const UNREADABLE = 2
type ExitCode = typeof FITS | typeof DIFFERS | typeof UNREADABLE

/** Where it writes to. */
export interface Output {
  out(text: string): void
  error(text: string): void
}

export async function runCommand([command, module, ...files]: readonly string[], output: Output): Promise<ExitCode> {
  if (command === '--help' || command === 'help') {
    output.out(USAGE)
    return FITS
  }
  if (command !== 'check-replay' || module === undefined || files.length === 0) {
    output.error(USAGE)
    return UNREADABLE
  }
  let workflows: ReadonlyMap<string, Workflow>
  try {
    workflows = await workflowsOf(module)
  } catch (error) {
    output.error(`${module}: ${messageOf(error)}\n`)
    return UNREADABLE
  }
  let worst: ExitCode = FITS
  for (const file of files) worst = worse(worst, await checkFile(workflows, file, output))
  return worst
}

async function checkFile(workflows: ReadonlyMap<string, Workflow>, file: string, output: Output): Promise<ExitCode> {
  try {
    const history = readSaved(JSON.parse(await readFile(file, 'utf8')))
    const { workflowType } = startedOf(history)
    const definition = workflows.get(workflowType)
    if (definition === undefined)
      throw new Error(`it is of workflow '${workflowType}', which the module does not export`)
    const [result] = await checkReplay(definition, [history])
    const { difference, eventCount } = result!
    if (difference === undefined) {
      output.out(`${file}: fits (${workflowType}, ${eventCount} events)\n`)
      return FITS
    }
    output.out(`${file}: differs at event ${difference.eventId} (${workflowType})\n${indented(difference.text)}\n`)
    return DIFFERS
  } catch (error) {
    output.error(`${file}: ${messageOf(error)}\n`)
    return UNREADABLE
  }
}

/** By name; a list of definitions that is exported counts as well. */
async function workflowsOf(module: string): Promise<ReadonlyMap<string, Workflow>> {
  const exported = (await import(pathToFileURL(resolve(module)).href)) as Readonly<Record<string, unknown>>
  const values = Object.values(exported).flatMap((value): readonly unknown[] =>
    Array.isArray(value) ? value : typeof value === 'object' && value !== null ? [value, ...Object.values(value)] : [],
  )
  const workflows = values.filter((value) => isMade(value, 'workflow'))
  if (workflows.length === 0) throw new Error('it exports nothing that workflow() made')
  return new Map(workflows.map((workflow) => [workflow.name, workflow]))
}

function worse(one: ExitCode, other: ExitCode): ExitCode {
  return one > other ? one : other
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
