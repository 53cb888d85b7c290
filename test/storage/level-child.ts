/**
 * Another process, for tests: `open <directory>` says whether it could open the store there, `write <directory> <sync>`
 * commits for ever and prints the number of each commit once it is acknowledged.
 */
import { writeSync } from 'node:fs'
import { u32 } from '../../src/base/bytes.js'
import { systemClock } from '../../src/base/clock.js'
import { isLoomError } from '../../src/base/errors.js'
import { silentLogger } from '../../src/base/log.js'
import { level } from '../../src/storage/level.js'
import type { Medium } from '../../src/storage/medium.js'

const [mode, directory, sync] = process.argv.slice(2) as [string, string, string | undefined]
// A small write buffer, so that logs are switched and compacted within a second.
const options = { writeBufferBytes: 64 * 1024, sync: sync !== 'false' }
const medium = level(directory, options).create({ clock: systemClock, logger: silentLogger })

try {
  await medium.open({ host: 'child', incarnation: String(process.pid) }, { spaces: { history: 8 }, leaseMs: 1000 })
  if (mode === 'write') await writeForEver(medium)
  await medium.close()
  say('opened')
} catch (error) {
  say(isLoomError(error) ? error.code : String(error))
}

async function writeForEver(medium: Medium): Promise<never> {
  const { claimed } = await medium.claim([0])
  const { fence } = claimed[0]!
  for (let seq = 1; ; seq++) {
    const value = Buffer.alloc(700, seq)
    const changes = new Map([[`A${u32(seq)}`, { hash: 0, value }]])
    const [outcome] = await medium.commit([{ shard: 0, fence, seq, head: value, clears: [], changes, consumed: [] }])
    if (!outcome!.ok) throw new Error(`commit ${seq}: ${outcome!.why}`)
    say(String(seq))
  }
}

function say(line: string): void {
  writeSync(1, `${line}\n`)
}
