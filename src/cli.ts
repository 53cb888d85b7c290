/** What `npx shardloom` runs; bin/shardloom.mjs imports it. */
import { runCommand } from './check/command-line.js'

const output = {
  out: (text: string): void => void process.stdout.write(text),
  error: (text: string): void => void process.stderr.write(text),
}

void runCommand(process.argv.slice(2), output).then((code) => {
  process.exitCode = code
})
