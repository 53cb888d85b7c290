/**
 * Child processes, one a job: memory, compiled code and store are its own.
 *
 * Invariant: no child outlives its job, and no folder outlives `withFolder`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Built } from './built-package.js'
import type { Answers, Jobs, JobType } from './job.js'

export class Children {
  readonly #built: Built
  readonly #nodeArgs: readonly string[]

  constructor(built: Built, nodeArgs: readonly string[]) {
    this.#built = built
    this.#nodeArgs = nodeArgs
  }

  /** Resolves when the child has ended by itself; one that answers `parked` is killed at that moment. */
  async run<T extends JobType>(type: T, job: Jobs[T]): Promise<Answers[T]> {
    const { childPath, packagePath } = this.#built
    const lines = await linesOf(process.execPath, [...this.#nodeArgs, childPath, packagePath, type], {
      stdin: JSON.stringify(job),
      killOn: '"parked"',
    })
    const answer = lines.at(-1)
    if (answer === undefined) throw new Error(`${type}: the child said nothing`)
    return JSON.parse(answer) as Answers[T]
  }
}

interface SpawnOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly stdin?: string
  /** SIGKILL as soon as it says this line. */
  readonly killOn?: string
}

/** What a program prints, line by line. Rejects when it fails. */
export function linesOf(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const { cwd, env, stdin = '', killOn } = options
    const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(stdin)
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (killOn !== undefined && text.endsWith(`${killOn}\n`)) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0 || signal === 'SIGKILL') resolve(text.split('\n').filter((line) => line !== ''))
      else reject(new Error(`${command} ${args.join(' ').slice(0, 200)} ended with ${code ?? signal}`))
    })
  })
}

export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-of-shardloom-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
