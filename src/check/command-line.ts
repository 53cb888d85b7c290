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
import { checkReplay, startedOf, type CheckReplayOptions } from './check-replay.js'
import { readSaved } from './saved-history.js'

const USAGE = `usage: shardloom check-replay <module> <files...>

Runs the workflows that <module> exports, with its dataConverter if it exports one, over saved histories: what history().toJson() gave, or the output of
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
  let code: Code
  try {
    code = await codeOf(module)
  } catch (error) {
    output.error(`${module}: ${messageOf(error)}\n`)
    return UNREADABLE
  }
  let worst: ExitCode = FITS
  for (const file of files) worst = worse(worst, await checkFile(code, file, output))
  return worst
}

async function checkFile({ workflows, options }: Code, file: string, output: Output): Promise<ExitCode> {
  try {
    const history = readSaved(JSON.parse(await readFile(file, 'utf8')))
    const { workflowType } = startedOf(history)
    const definition = workflows.get(workflowType)
    if (definition === undefined)
      throw new Error(`it is of workflow '${workflowType}', which the module does not export`)
    const [result] = await checkReplay(definition, [history], options)
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

interface Code {
  readonly workflows: ReadonlyMap<string, Workflow>
  readonly options: CheckReplayOptions
}

/** Workflows by name; a list of definitions that is exported counts as well. */
async function codeOf(module: string): Promise<Code> {
  const exported = (await import(pathToFileURL(resolve(module)).href)) as Readonly<Record<string, unknown>>
  const values = Object.values(exported).flatMap((value): readonly unknown[] =>
    Array.isArray(value) ? value : typeof value === 'object' && value !== null ? [value, ...Object.values(value)] : [],
  )
  const workflows = values.filter((value) => isMade(value, 'workflow'))
  if (workflows.length === 0) throw new Error('it exports nothing that workflow() made')
  const options = { dataConverter: exported['dataConverter'] } as CheckReplayOptions
  return { workflows: new Map(workflows.map((workflow) => [workflow.name, workflow])), options }
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
