/**
 * Programs of pages and examples, run as a reader runs them: in a process of their own, which can be killed.
 *
 * A page's program is all of its ts blocks, top to bottom. What it imports is found from here, as src.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const TSX = fileURLToPath(import.meta.resolve('tsx'))
const MAX_RUN_MS = 40_000

/** What a program said, and how it ended: null when it was killed. */
export interface ProgramEnd {
  readonly code: number | null
  readonly said: string
}

/** Writes the program of that page, up to the heading, to `program.mts` in the folder. */
export function writePageProgram(page: string, folder: string, untilHeading?: string): string {
  const text = readFileSync(page, 'utf8')
  const part = untilHeading === undefined ? text : text.slice(0, text.indexOf(`\n${untilHeading}\n`))
  const program = [...part.matchAll(/^```ts\n(.*?)^```$/gms)]
    .map(([, block]) => block!)
    .join('\n')
    .replaceAll("from 'shardloom'", `from '${pathToFileURL('src/index.ts').href}'`)
    .replaceAll("from 'shardloom/testing'", `from '${pathToFileURL('src/testing/index.ts').href}'`)
    .replaceAll("from 'zod'", `from '${import.meta.resolve('zod')}'`)
  const path = join(folder, 'program.mts')
  writeFileSync(path, program)
  return path
}

/** Runs it in `cwd` to its end; `onSaid` hears all that it has said so far, and may kill it. */
export function runProgram(
  args: readonly string[],
  cwd: string,
  onSaid: (said: string, child: ChildProcess) => void = () => {},
): Promise<ProgramEnd> {
  const child = spawn(process.execPath, ['--import', pathToFileURL(TSX).href, ...args], { cwd, timeout: MAX_RUN_MS })
  let said = ''
  const hear = (chunk: Buffer): void => {
    said += chunk.toString()
    onSaid(said, child)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
  })
}
